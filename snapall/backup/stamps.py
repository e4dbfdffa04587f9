"""The stamps of runs: no two runs of a state folder share one, and a later run's is later, however the clock is set."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from snapall.backup import private
from snapall.backup.journal import journals
from snapall.backup.lock import Lock
from snapall.backup.model import moment_of, stamp_of

_PATIENCE = 5.0  # seconds; another run takes its stamp in milliseconds
_POLL = 0.05


def take(state: Path, now: datetime) -> str:
    """The stamp of a new run: this second, or the first one after every stamp that was taken here.

    Names of VM snapshots and of filer snapshots end in it, so two jobs that begin in the same second must differ. The
    newest journal is the one with the latest stamp, so a clock that was set back must not bring an older one.
    Untrusted: another user could hold its lock. Nothing else raises: what keeps the last stamp from being remembered (a
    full disk) keeps the journal from being begun as well.
    """
    last = state / "last.stamp"
    with _held(state / "stamps.lock"):
        taken = [path.stem.rpartition("-")[2] for path in journals(state / "journals")]
        with suppress(OSError, ValueError):
            taken.append(last.read_text(encoding="ascii"))
        latest = max(filter(None, map(moment_of, taken)), default=datetime.min.replace(tzinfo=UTC))
        stamp = stamp_of(max(now, latest + timedelta(seconds=1)))
        with suppress(OSError):
            private.write(last, stamp)
        return stamp


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold the lock that everybody holds for milliseconds only; without patience left, go on without it."""
    lock = None
    with suppress(OSError):
        lock = Lock(path)
    try:
        end = time.monotonic() + _PATIENCE
        with suppress(OSError):
            while lock is not None and not lock.try_acquire() and time.monotonic() < end:
                time.sleep(_POLL)
        yield
    finally:
        if lock is not None:
            lock.close()
