"""The lock of a job: who changes the world holds it, and it dies with its process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from errno import ESTALE
from pathlib import Path

from filelock import lock_descriptor, unlock_descriptor

from snapall.backup import private
from snapall.backup.clock import Clock
from snapall.backup.holder import (
    NO_PROCESSES,
    UNKNOWN,
    Holder,
    Processes,
    holder_of,
    is_alive,
    is_dead,
    is_noted,
    locked,
    not_released,
    note_holder,
)
from snapall.errors import Stopped

__all__ = [
    "GRACE",
    "RUN",
    "Holder",
    "Lock",
    "Use",
    "at_work",
    "briefly",
    "hold",
    "holder_of",
    "kept",
    "use_of",
    "wanted",
]

RUN = "run"
"""The role of whoever takes a backup."""

GRACE = 10.0
"""Seconds in which the system, or a process that only looks, lets go of the lock of a process that is dead."""

_PATIENCE = 5.0  # seconds for a lock that is held briefly
_POLL = 0.05
_REPLACED = 20  # times that a lock file may be another one in a row: then this is no file system for locks


class Lock:
    """A lock file that was opened once, and can be tried again and again, even after its folder was deleted.

    The lock belongs to the open file, and no program that is started inherits it.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the file. Untrusted: another user could hold it. OSError: it cannot be opened."""
        self.path = path
        self.held = False
        self._closed = False
        self._descriptor = private.open_lock(path)

    def try_acquire(self) -> bool:
        """Whether the lock is ours now. OSError: this file system has no locks."""
        self.held = self.held or lock_descriptor(self._descriptor, blocking=False)
        return self.held

    @property
    def in_place(self) -> bool:
        """Whether its file is the one at its path. One that is not keeps nobody out."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), self.path.lstat())
        except OSError:
            return False

    def release(self) -> None:
        """Give the lock up; the file stays open."""
        if self.held:
            self.held = False
            unlock_descriptor(self._descriptor)

    def close(self) -> None:
        """Give the lock up for good; once is enough."""
        with suppress(OSError):
            self.release()
        if not self._closed:
            self._closed = True
            os.close(self._descriptor)


@contextmanager
def hold(  # noqa: PLR0913 - the last two have defaults
    state: Path,
    job: str,
    role: str,
    clock: Clock,
    stopped: Callable[[], bool],
    waiting: Callable[[str], None] = lambda _: None,
    *,
    processes: Processes = NO_PROCESSES,
    yielding: bool = False,
) -> Iterator[None]:
    """Hold the job's lock, which the system drops with the process.

    Recover and guardian are waited for, since they end by themselves or yield; `waiting` hears of it once. Whoever is
    `yielding` has done that, and waits for the run. Locked: another run holds it. LockNotReleased: it is still held
    after `GRACE` although its holder is dead. Stopped: `stopped` came true while waiting. Untrusted: somebody else
    could have written the state. JournalError: the folder cannot be written.
    """
    queue = _Queue(state, job, clock, stopped, waiting, processes, yielding)
    try:
        private.make_folder(state)
        with closing(queue):
            while (lock := None if yielding and wanted(state, job) else _taken(state, job, processes)) is None:
                queue.wait(wishing=role == RUN)
    except OSError as error:
        raise private.unwritable(state, error) from error
    with kept(lock, state / f"{job}.holder", role, clock, processes):
        yield


class Use(Enum):
    """What a look at a lock shows."""

    FREE = auto()
    HELD = auto()
    ABANDONED = auto()  # held, and the process that its note names is dead
    HIDDEN = auto()  # whoever asks may not open it


def use_of(state: Path, job: str, processes: Processes = NO_PROCESSES) -> Use:
    """How the job's lock is used now. Whoever wants it at this very moment waits a second and has it."""
    try:
        if not _is_held(state / f"{job}.lock"):
            return Use.FREE
    except (FileNotFoundError, NotADirectoryError):
        return Use.FREE
    except OSError:
        return Use.HIDDEN
    return Use.ABANDONED if is_dead(holder_of(state, job), processes) else Use.HELD


def _is_held(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDWR)
    try:
        if free := lock_descriptor(descriptor, blocking=False):
            unlock_descriptor(descriptor)
        return not free
    finally:
        os.close(descriptor)


def wanted(state: Path, job: str) -> bool:
    """Whether a run waits for the job's lock: whoever holds it only to wait lets the run go first."""
    with suppress(OSError):
        return _is_held(_wish_of(state, job))
    return False


def _wish_of(state: Path, job: str) -> Path:
    return state / f"{job}.wanted"


def at_work(state: Path, job: str, processes: Processes = NO_PROCESSES) -> bool:
    """Whether somebody works under the job's lock now. Of a lock that we may not open its holder's note decides."""
    match use_of(state, job, processes):
        case Use.FREE | Use.ABANDONED:
            return False
        case Use.HELD:
            return True
        case Use.HIDDEN:
            return is_noted(state, job) and not is_dead(holder_of(state, job), processes)


@dataclass(slots=True)
class _Queue:
    """Whoever wants a lock that is held."""

    state: Path
    job: str
    clock: Clock
    stopped: Callable[[], bool]
    waiting: Callable[[str], None]
    processes: Processes
    yielding: bool
    tries: int = 0  # beside a run
    told: bool = False
    dead: Holder | None = None  # the holder that is dead
    seen: float = 0.0  # when that was first seen
    wish: Lock | None = None  # held for whoever only waits to see

    def close(self) -> None:
        """Want the lock no more."""
        if self.wish is not None:
            self.wish.close()

    def wait(self, *, wishing: bool) -> None:
        """Wait a second, or say why there is no use in it. Locked, LockNotReleased, Stopped."""
        if wishing:
            self.wish = self.wish or Lock(_wish_of(self.state, self.job))
            self.wish.try_acquire()
        holder = holder_of(self.state, self.job)
        whom = f"the {holder.role} of job {self.job} (process {holder.pid})"
        if is_dead(holder, self.processes):
            self._bury(holder)
        else:
            self.dead = None
            self._queue_behind(holder)
        if self.stopped():
            raise Stopped(f"stopped while waiting for {whom}")
        if self.dead is None and self.tries == 0 and not self.told:
            self.told = True
            self.waiting(f"waiting for {whom}, which settles a run")
        self.clock.wait(1, self.stopped)

    def _bury(self, holder: Holder) -> None:
        if holder != self.dead:
            self.dead, self.seen = holder, self.clock.monotonic()
        if self.clock.monotonic() - self.seen >= GRACE:
            raise not_released(self.state, self.job, holder)

    def _queue_behind(self, holder: Holder) -> None:
        self.tries = self.tries + 1 if holder.role in {RUN, UNKNOWN} and not self.yielding else 0
        # One that has not said who it is, is just leaving, or only asked (`at_work`) is given a moment.
        if self.tries > 1:
            raise locked(self.state, self.job, holder)


@contextmanager
def briefly(path: Path) -> Iterator[None]:
    """Hold a lock that everybody holds for milliseconds only; without patience left, go on without it."""
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


def _taken(state: Path, job: str, processes: Processes) -> Lock | None:
    """The lock, held; None: somebody else has it. A lock counts only while its file is the one at its path.

    Who has it by a file that was deleted meanwhile, as a stale one, goes on all the same: his note tells.
    """
    for _ in range(_REPLACED):
        lock = Lock(state / f"{job}.lock")
        try:
            if not lock.try_acquire():
                lock.close()
                return None
        except OSError:
            lock.close()
            raise
        if lock.in_place:
            if not is_alive(holder_of(state, job), processes):
                return lock
            lock.close()
            return None
        lock.close()
    raise OSError(ESTALE, "the file of the lock is another one at every look")


@contextmanager
def kept(lock: Lock, note: Path, role: str, clock: Clock, processes: Processes) -> Iterator[None]:
    """Say who holds the lock, which is held already, and give it up in the end."""
    try:
        with suppress(OSError):  # it only tells others whether waiting is worth it: a full disk stops no recover
            note_holder(note, role, clock.utc(), processes.itself())
        yield
    finally:
        if lock.in_place:  # else the note may be of whoever holds the lock that is there now
            with suppress(OSError):
                note.unlink(missing_ok=True)
        lock.close()
