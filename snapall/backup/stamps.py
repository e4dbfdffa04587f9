"""The stamps of runs: unique in a state folder, and later for a later run, whatever the clock says."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from snapall.backup import private
from snapall.backup.journal import journals
from snapall.backup.lock import briefly
from snapall.backup.model import stamp_of, time_of


def take(state: Path, now: datetime) -> str:
    """Take the stamp of a new run: this second, or the first one after all stamps taken here.

    Names of snapshots end in it, so two jobs that begin in the same second need different ones. The latest stamp marks
    the newest journal, so a clock that was set back must not produce an older one. Untrusted: another user could lock
    it. Nothing else raises: a full disk that keeps the stamp from being saved also stops the new journal.
    """
    last = state / "last.stamp"
    with briefly(state / "stamps.lock"):
        taken = [path.stem.rpartition("-")[2] for path in journals(state / "journals")]
        with suppress(OSError, ValueError):
            taken.append(last.read_text(encoding="ascii"))
        latest = max(filter(None, map(time_of, taken)), default=datetime.min.replace(tzinfo=UTC))
        stamp = stamp_of(max(now, latest + timedelta(seconds=1)))
        with suppress(OSError):
            private.write(last, stamp)
        return stamp
