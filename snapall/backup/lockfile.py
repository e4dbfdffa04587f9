"""A lock file: one process has it at a time, and the system drops it with the process."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import lock_descriptor, unlock_descriptor

from snapall.backup import private

_PATIENCE = 5.0  # seconds to wait for a lock that everybody takes briefly
_POLL = 0.05


class Lock:
    """A lock file, opened once: it can be tried again and again, even after its folder was deleted.

    The lock belongs to the open file. Child processes do not inherit it.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file. Untrusted: another user could lock it. OSError: it cannot be opened."""
        self.path = path
        self.held = False
        self._closed = False
        self._descriptor = private.open_lock(path)

    def try_acquire(self) -> bool:
        """Try to take the lock; whether it is ours now. OSError: this file system has no locks."""
        self.held = self.held or lock_descriptor(self._descriptor, blocking=False)
        return self.held

    @property
    def in_place(self) -> bool:
        """Whether the file is still the one at its path. Otherwise it keeps nobody out."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), self.path.lstat())
        except OSError:
            return False

    def release(self) -> None:
        """Give up the lock; the file stays open."""
        if self.held:
            self.held = False
            unlock_descriptor(self._descriptor)

    def close(self) -> None:
        """Give up the lock and close the file. A second call does nothing."""
        with suppress(OSError):
            self.release()
        if not self._closed:
            self._closed = True
            os.close(self._descriptor)


def is_locked(path: Path) -> bool:
    """Whether a process has the lock. OSError: we may not open it, or there is none."""
    descriptor = private.look_at_lock(path)
    try:
        if free := lock_descriptor(descriptor, blocking=False):
            unlock_descriptor(descriptor)
        return not free
    finally:
        os.close(descriptor)


@contextmanager
def briefly(path: Path) -> Iterator[None]:
    """Take a lock that everybody keeps for milliseconds only; go on without it after five seconds."""
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
