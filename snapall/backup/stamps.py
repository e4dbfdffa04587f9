"""The stamps of runs: no two runs of a state folder share one, and a later run's is later, however the clock is set."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from snapall.backup import private
from snapall.backup.journal import journals
from snapall.backup.lock import briefly
from snapall.backup.model import moment_of, stamp_of


def take(state: Path, now: datetime) -> str:
    """The stamp of a new run: this second, or the first one after every stamp that was taken here.

    Names of VM snapshots and of filer snapshots end in it, so two jobs that begin in the same second must differ. The
    newest journal is the one with the latest stamp, so a clock that was set back must not bring an older one.
    Untrusted: another user could hold its lock. Nothing else raises: what keeps the last stamp from being remembered (a
    full disk) keeps the journal from being begun as well.
    """
    last = state / "last.stamp"
    with briefly(state / "stamps.lock"):
        taken = [path.stem.rpartition("-")[2] for path in journals(state / "journals")]
        with suppress(OSError, ValueError):
            taken.append(last.read_text(encoding="ascii"))
        latest = max(filter(None, map(moment_of, taken)), default=datetime.min.replace(tzinfo=UTC))
        stamp = stamp_of(max(now, latest + timedelta(seconds=1)))
        with suppress(OSError):
            private.write(last, stamp)
        return stamp
