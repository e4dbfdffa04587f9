"""The guardian of one run: ends it if it is stuck, and finishes its outstanding work."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from snapall.backup.facts import Failed, TakenOver
from snapall.backup.holder import holder_of, is_dead, not_released
from snapall.backup.journal import Journal
from snapall.backup.lock import GRACE, kept
from snapall.backup.lockfile import Lock
from snapall.backup.model import Job
from snapall.backup.reader import JournalReader
from snapall.backup.record import Guarded
from snapall.backup.recover import Recovery
from snapall.backup.runstate import RunState
from snapall.errors import Exit, JournalError

ROLE = "guardian"
TICK = 0.25  # seconds between two attempts to take the lock
LONGEST_TICK = 5.0  # seconds that one tick counts at most: while the machine slept, the run slept too
LONGEST_WAIT = 86400.0  # seconds to wait for the lock of a dead run: by then the next run has come


class Run(Protocol):
    """The guarded process."""

    pid: int

    @property
    def lives(self) -> bool:
        """Whether it is still running."""

    def kill(self) -> str:
        """Kill it; return why that is not permitted, "" on success."""


@dataclass(frozen=True, slots=True)
class StuckLimits:
    """When a run whose VMs may be quiesced counts as stuck, in seconds during which the machine was awake."""

    silence: float = 120.0  # without a heartbeat
    slack: float = 60.0  # beyond the longest time that a sound run takes from its first quiesce to its first release

    def before_release(self, state: RunState) -> float:
        """Return the seconds from the first quiesce within which a run must begin its release."""
        return state.header.job.max_quiesced + state.header.pace.filer_timeout + self.slack


class Guardian:
    """Watches one run of a job. It keeps journal and lock open, and opens no file of the state folder later."""

    def __init__(self, recovery: Recovery, job: Job, journal: Path, run: Run, limits: StuckLimits) -> None:
        """Open journal and lock. JournalError: that fails, or the file system has no locks."""
        self.job = job
        self._recovery = recovery
        self._store = recovery.store
        self._clock = recovery.store.clock
        self._run = run
        self._limits = limits
        self._lock_path = self._store.state / f"{job.name}.lock"
        self._reader = JournalReader(journal)
        try:
            self._lock = self._opened_lock()
        except JournalError:
            self._reader.close()
            raise
        self._awake = 0.0  # seconds watched so far, by which all times below are counted
        self._beat = 0.0  # when the journal last changed
        self._quiescing: float | None = None  # when the first quiesce was seen
        self._refused = False  # whether killing the run was not permitted
        self._alone: float | None = None  # when the run was first seen dead
        self._complained = False  # whether the lock of a dead run was reported
        self._yielded = False  # whether a run that wanted the lock was let in
        self._why = ""

    @property
    def state(self) -> RunState:
        """The state by the records of the run."""
        return self._reader.state

    def close(self) -> None:
        """Close journal and lock."""
        self._reader.close()
        self._lock.close()

    def watch(self, longest_wait: float = LONGEST_WAIT) -> bool:
        """Watch until nothing is outstanding, or nothing more can be done; return whether there was work to do.

        It never works while the run lives. It waits for the lock of a dead run for `longest_wait` seconds at most.
        """
        last = self._clock.monotonic()
        while True:
            self._look()
            if self.state.closed or self._waited_for(longest_wait):
                return self._yielded
            if self._is_ours():
                if (worked := self._settle()) is not None:
                    return worked or self._yielded
                self._replaced()
            self._judge()
            self._complain()
            self._clock.wait(TICK, lambda: False)
            now = self._clock.monotonic()
            self._awake += min(now - last, LONGEST_TICK)
            last = now

    def _look(self) -> None:
        """Read what the run has written, and note its heartbeat."""
        if self._reader.look():
            self._beat = self._awake
        if self._quiescing is None and self.state.quiesced_at is not None:
            self._quiescing = self._awake

    def _waited_for(self, longest_wait: float) -> bool:
        if self._run.lives:
            return False
        if self._alone is None:
            self._alone = self._awake
        return self._awake - self._alone > longest_wait

    # The lock

    def _opened_lock(self) -> Lock:
        """Open the lock that the run holds. If we can take it as well, it locks nobody out."""
        path = self._lock_path
        with ExitStack() as opened:
            try:
                lock = Lock(path)
                opened.callback(lock.close)
                free = lock.try_acquire()
                lock.release()
            except OSError as error:
                trouble = f"the lock {path} cannot be opened: {error.strerror}"
                raise JournalError(trouble, JournalError.remedy_for(error), "SA-5003") from error
            if free and self._run.lives and self.state.ended is None:
                text = f"the lock {path} is free although process {self._run.pid} holds it"
                raise JournalError(text, "move the state folder to a file system that supports locks", "SA-5002")
            opened.pop_all()
            return lock

    def _is_ours(self) -> bool:
        """Take the lock if possible; return whether it is ours, and the file at its path is still the same."""
        try:
            let_in = self._yielded and self._store.wanted(self.job.name)
            if let_in or not self._lock.try_acquire():
                return False
        except OSError:
            return False
        if self._lock.in_place:
            return True
        if self._run.lives and self.state.ended is None:
            self._lock.release()
            return False
        return not self._replaced()

    def _replaced(self) -> bool:
        """Switch to the file that has replaced the lock, which counts from now on; return False if there is none."""
        if not self._store.state.is_dir():
            return False  # deleted with its folder: the records that we have read are all that is left
        with suppress(OSError, JournalError):
            lock = Lock(self._lock_path)
            self._lock.close()
            self._lock = lock
        return True

    def _complain(self) -> None:
        """Report once that the lock is still held although the run is dead, and go on trying."""
        if self._complained or self._alone is None or self._awake - self._alone < GRACE:
            return
        state, job = self._store.state, self.job.name
        if is_dead(holder := holder_of(state, job), self._store.processes):
            self._complained = True
            error = not_released(state, job, holder)
            self._recovery.publish(Failed(*error.parts))

    # A run that is stuck

    def _judge(self) -> None:
        """Kill the run if it is stuck while VMs may be quiesced, since only then can they be released."""
        if self._refused or not self.state.outstanding or not self._run.lives:
            return
        if (why := self._stuck()) and self._is_at_work():
            self._kill(why)

    def _stuck(self) -> str:
        """Return why the run counts as stuck, "" if it does not."""
        if self._awake - self._beat >= self._limits.silence:
            return f"process {self._run.pid} had no heartbeat for {self._limits.silence:g} s"
        if self.state.released_at is not None or self._quiescing is None or self._reader.trouble is not None:
            return ""
        limit = self._limits.before_release(self.state)
        if self._awake - self._quiescing < limit:
            return ""
        return f"process {self._run.pid} began no release within {limit:g} s of its first quiesce"

    def _is_at_work(self) -> bool:
        """Whether this very run is at work: not another process, nor another job's run in the same process."""
        holder = holder_of(self._store.state, self.job.name)
        if self.state.takeovers:
            return False
        if holder.pid and not is_dead(holder, self._store.processes):
            return holder.pid == self._run.pid
        return self.state.ended is None

    def _kill(self, why: str) -> None:
        if refused := self._run.kill():
            self._refused = True
            text = f"{why}, and its guardian is not permitted to end it: {refused}"
            remedy = f"end process {self._run.pid}; its VMs are then released at once"
            self._recovery.publish(Failed(text, remedy, "SA-5004"))
        else:
            self._why = f"{why}, and was ended"

    # A run that is over

    def _settle(self) -> bool | None:
        """Finish outstanding work as `recover` does; return whether there was any, None if a run goes first."""
        with kept(self._lock, self._lock_path.with_suffix(".holder"), ROLE, self._clock, self._store.processes):
            self._look()  # the last records
            if self.state.closed:
                return False
            died = f"process {self._run.pid} died in the middle of the run"
            why = self._why or (died if self.state.ended is None else "the run has ended, but left outstanding work")
            journal = self._journal()
            how = ", from the records that were read before its journal was lost" if journal.lost else ""
            self._publish(f"{why}; finishing its outstanding work{how}")
            code = self._recovery.finish(journal, self.job, TakenOver(ROLE, why), alone=self._lock.in_place)
            if code is None:
                self._yielded = True
                self._publish("a run is waiting for the lock: it goes first")
                return None
            rest = "some work is still outstanding" + ("" if journal.lost else ": run `snapall recover`")
            self._publish("no work is outstanding any more" if code is Exit.OK else rest)
            return True

    def _journal(self) -> Journal:
        """Open the run's journal to continue it; use the records in memory if the file is lost or unreadable."""
        if self._reader.in_place:
            try:
                return self._store.open(self._reader.path)
            except JournalError as error:
                self._recovery.publish(Failed(*error.parts))
        return Journal.recalled(self._reader.path, self._clock, self._reader.records)

    def _publish(self, text: str) -> None:
        self._recovery.publish(Guarded(self.job.name, self._reader.path.stem.rpartition("-")[2], text))
