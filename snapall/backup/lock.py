"""The lock of a job: whoever changes the site takes it, and it dies with its process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from errno import ESTALE
from pathlib import Path

from snapall.backup import patience, private
from snapall.backup.clock import Clock
from snapall.backup.holder import (
    NO_PROCESSES,
    UNKNOWN,
    Holder,
    Processes,
    held_too_long,
    holder_file_exists,
    holder_of,
    is_alive,
    is_dead,
    label_of,
    locked,
    not_released,
    write_holder,
)
from snapall.backup.lockfile import Lock, is_locked
from snapall.backup.untrusted import unwritable
from snapall.errors import Notify, Stopped

RUN = "run"
"""The role of a process that takes a backup."""

RECOVER = "recover"
"""The role of a process that cleans up after one: `recover` or a guardian."""

GRACE = 10.0
"""Seconds that the system, or a process that only looks, may take to drop the lock of a dead process."""

LONGEST_USE = 900.0
"""Seconds that anybody waits for a use of a backup, such as a mount, which takes seconds, or a check, which lets a run
in between VMs: one that takes longer hangs, and a backup that begins much later would run into the working day."""

_DOES = {
    RECOVER: "which is cleaning up after an earlier run",
    "deletion": "which is deleting a backup",
    "mount": "which is mounting a backup",
    "unmount": "which is taking a mount down",
    "restore": "which is restoring from a backup",
    "verification": "which is checking a backup and makes way after the present VM",
    "replication": "which is starting a transfer to another filer",
}
"""What the holders that are waited for do, by their roles."""

_REPLACED = 20  # times in a row that the lock file may be a new one; then this file system cannot lock


@contextmanager
def hold(  # noqa: PLR0913 - the last two have defaults
    state: Path,
    job: str,
    role: str,
    clock: Clock,
    stopped: Callable[[], bool],
    waiting: Notify = lambda *_: None,
    *,
    processes: Processes = NO_PROCESSES,
    yielding: bool = False,
) -> Iterator[None]:
    """Take the job's lock and keep it for the block; the system drops it with the process.

    Wait for `recover` and the guardian, which end or yield by themselves, and call `waiting` once; wait `LONGEST_USE`
    for a use of a backup. With `yielding`, wait for all of them and for a run, however long: the caller makes way for
    a run. Locked: another run has it, or a use for too long. LockNotReleased: it is still locked after `GRACE` although
    its holder is dead. Stopped: `stopped` came true meanwhile. Untrusted: somebody else could have written the state.
    JournalError: the folder cannot be written.
    """
    queue = _Queue(state, job, clock, stopped, waiting, processes, yielding)
    try:
        private.make_folder(state)
        with closing(queue):
            while (lock := None if yielding and wanted(state, job) else _taken(state, job, processes)) is None:
                queue.wait(wishing=role == RUN)
    except OSError as error:
        raise unwritable(state, error) from error
    with kept(lock, state / f"{job}.holder", role, clock, processes):
        yield


class Use(Enum):
    """How a lock is used, as a look at it shows."""

    FREE = auto()
    HELD = auto()
    ABANDONED = auto()  # locked, but the process that its holder file names is dead
    HIDDEN = auto()  # this user may not open it


def use_of(state: Path, job: str, processes: Processes = NO_PROCESSES) -> Use:
    """How the job's lock is used now. A process that tries to take it during the look gets it a second later."""
    try:
        if not is_locked(state / f"{job}.lock"):
            return Use.FREE
    except (FileNotFoundError, NotADirectoryError):
        return Use.FREE
    except OSError:
        return Use.HIDDEN
    return Use.ABANDONED if is_dead(holder_of(state, job), processes) else Use.HELD


def wanted(state: Path, job: str) -> bool:
    """Whether a run waits for the job's lock: a holder that only waits lets the run go first."""
    with suppress(OSError):
        return is_locked(_wish_of(state, job))
    return False


def _wish_of(state: Path, job: str) -> Path:
    return state / f"{job}.wanted"


def at_work(state: Path, job: str, processes: Processes = NO_PROCESSES) -> bool:
    """Whether a process works under the job's lock now. If we may not open the lock, the holder file decides."""
    match use_of(state, job, processes):
        case Use.FREE | Use.ABANDONED:
            return False
        case Use.HELD:
            return True
        case Use.HIDDEN:
            return holder_file_exists(state, job) and not is_dead(holder_of(state, job), processes)


@dataclass(slots=True)
class _Queue:
    """A process that waits for a lock."""

    state: Path
    job: str
    clock: Clock
    stopped: Callable[[], bool]
    waiting: Notify
    processes: Processes
    yielding: bool
    tries: int = 0  # while a run has it
    announced: bool = False
    using_since: float | None = None  # when we first found a use of a backup, monotonic
    dead: Holder | None = None
    dead_since: float = 0.0  # when we first found it dead, monotonic
    wish: Lock | None = None  # shows a holder that only waits that a run wants the lock

    def close(self) -> None:
        """Stop waiting."""
        if self.wish is not None:
            self.wish.close()

    def wait(self, *, wishing: bool) -> None:
        """Wait a second. Locked, LockNotReleased, Stopped: waiting is pointless, and why."""
        if wishing:
            self.wish = self.wish or Lock(_wish_of(self.state, self.job))
            self.wish.try_acquire()
        holder = holder_of(self.state, self.job)
        whom = label_of(holder, self.job)
        if is_dead(holder, self.processes):
            self._bury(holder)
        else:
            self.dead = None
            self._queue_behind(holder)
        if self.stopped():
            raise Stopped(f"stopped while waiting for {whom}", code="SA-1014")
        if self.dead is None and self.tries == 0 and not self.announced:
            self.announced = True
            does = f", {_DOES[holder.role]}" if holder.role in _DOES else ""
            self.waiting(f"waiting for {whom}{does}", "", "SA-1015")
        self.clock.wait(1, self.stopped)

    def _bury(self, holder: Holder) -> None:
        if holder != self.dead:
            self.dead, self.dead_since = holder, self.clock.monotonic()
        if self.clock.monotonic() - self.dead_since >= GRACE:
            raise not_released(self.state, self.job, holder)

    def _queue_behind(self, holder: Holder) -> None:
        self.tries = self.tries + 1 if holder.role in {RUN, UNKNOWN} and not self.yielding else 0
        # Allow a second for a holder that has no holder file yet, is leaving, or only looks (`at_work`).
        if self.tries > 1:
            raise locked(self.state, self.job, holder)
        if holder.role in {RUN, UNKNOWN, RECOVER} or self.yielding:
            return
        now = self.clock.monotonic()
        self.using_since = now if self.using_since is None else self.using_since
        if now - self.using_since >= LONGEST_USE:
            raise held_too_long(self.job, holder, LONGEST_USE)


def _taken(state: Path, job: str, processes: Processes) -> Lock | None:
    """Take the lock; None: another process has it. A lock counts only while its file is the one at its path.

    A process whose lock file was deleted (as a stale one, say) continues all the same; its holder file shows that.
    """
    for _ in range(_REPLACED):
        with ExitStack() as failed:
            lock = failed.enter_context(closing(Lock(state / f"{job}.lock")))
            if not lock.try_acquire():
                return None
            if lock.in_place:
                if is_alive(holder_of(state, job), processes):
                    return None
                failed.pop_all()
                return lock
    raise OSError(ESTALE, "the lock file keeps being replaced")


@contextmanager
def kept(lock: Lock, holder_file: Path, role: str, clock: Clock, processes: Processes) -> Iterator[None]:
    """Record who has this lock, which is taken already, and release it at the end."""
    try:
        with suppress(OSError):  # the file only helps others: a full disk must not stop `recover`
            write_holder(holder_file, role, clock.utc(), processes.itself())
        yield
    finally:
        if lock.in_place:  # else the file may belong to the lock that is there now
            with suppress(OSError):
                patience.unlink(holder_file, missing_ok=True)
        lock.close()
