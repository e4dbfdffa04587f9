"""The guardian of one run: ends it when it is stuck, and settles what it leaves outstanding."""

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
TICK = 0.25  # seconds between two tries for the lock
LONGEST_TICK = 5.0  # seconds that one of them counts at most: what was slept through, the run has slept through, too
LONGEST_WAIT = 86400.0  # seconds for which the lock of a run that is gone is waited for: a next run has come by then


class Run(Protocol):
    """The process that is guarded."""

    pid: int

    @property
    def lives(self) -> bool:
        """Whether it still runs."""

    def kill(self) -> str:
        """End it at once; answers why that may not be done."""


@dataclass(frozen=True, slots=True)
class StuckLimits:
    """When a run with VMs that may be quiesced counts as stuck, in seconds in which the machine was awake."""

    silence: float = 120.0  # without a sign of life
    slack: float = 60.0  # without a release, beyond all that may pass between the first quiesce and the first release


class Guardian:
    """Watches over one run of a job. It keeps journal and lock open, and needs no file of the state folder later."""

    def __init__(self, recovery: Recovery, job: Job, journal: Path, run: Run, limits: StuckLimits) -> None:
        """JournalError: the run's journal or lock cannot be opened, or the lock is no lock."""
        self.job = job
        self._recovery = recovery
        self._store = recovery.store
        self._clock = recovery.store.clock
        self._run = run
        self._limits = limits
        self._reader = JournalReader(journal)
        try:
            self._lock = self._opened_lock()
        except JournalError:
            self._reader.close()
            raise
        self._awake = 0.0  # seconds that were watched through: it is they that count, whatever the clocks say
        self._beat = 0.0  # when, by that count, the journal last changed
        self._quiescing: float | None = None  # since when, by that count, the run has sent creates
        self._refused = False  # that the run may not be ended by us
        self._alone: float | None = None  # since when, by that count, the run is gone
        self._complained = False  # that somebody else keeps the lock of a run that is dead
        self._yielded = False  # to a run that wanted the lock
        self._why = ""

    @property
    def state(self) -> RunState:
        """What the run's records tell."""
        return self._reader.state

    def close(self) -> None:
        """Let journal and lock go."""
        self._reader.close()
        self._lock.close()

    def watch(self, longest_wait: float = LONGEST_WAIT) -> bool:
        """Return when nothing is outstanding, or nothing more can be done; answers whether it had work to do.

        It never works beside a living run. The lock of one that is gone is waited for so many seconds at most.
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
        """See what the run has written, and whether it gives signs of life."""
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
        """The lock that the run holds. One that we get beside it keeps nobody out."""
        path = self._lock_path
        with ExitStack() as opened:
            try:
                lock = Lock(path)
                opened.callback(lock.close)
                free = lock.try_acquire()
                lock.release()
            except OSError as error:
                raise JournalError(
                    f"the lock {path} cannot be opened: {error.strerror}", JournalError.RIGHTS
                ) from error
            if free and self._run.lives and self.state.ended is None:
                text = f"the lock {path} is free, although process {self._run.pid} holds it"
                raise JournalError(text, "the state folder must be on a file system that has locks")
            opened.pop_all()
            return lock

    @property
    def _lock_path(self) -> Path:
        return self._store.state / f"{self.job.name}.lock"

    def _is_ours(self) -> bool:
        """Whether the lock is ours now, and nobody else can hold one that counts."""
        try:
            if self._yielded and self._store.wanted(self.job.name):
                return False
            if not self._lock.try_acquire():
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
        """Take up the file that has come in place of the lock, if any has: it is that one which counts now."""
        if not self._store.state.is_dir():
            return False  # deleted with its folder: only what we have read still tells of the run
        with suppress(OSError, JournalError):
            lock = Lock(self._lock_path)
            self._lock.close()
            self._lock = lock
        return True

    def _complain(self) -> None:
        """Say once that the lock is still held although the run is dead; it is tried again all the same."""
        if self._complained or self._alone is None or self._awake - self._alone < GRACE:
            return
        state, job = self._store.state, self.job.name
        if is_dead(holder := holder_of(state, job), self._store.processes):
            self._complained = True
            error = not_released(state, job, holder)
            self._recovery.publish(Failed(error.message, error.hint))

    # A run that is stuck

    def _judge(self) -> None:
        """End the run if it is stuck while VMs may be quiesced: nobody else would release them."""
        if self._refused or not self.state.outstanding or not self._run.lives:
            return
        if (why := self._stuck()) and self._is_at_work():
            self._kill(why)

    def _stuck(self) -> str:
        """Why the run counts as stuck; "" when it does not."""
        if self._awake - self._beat >= self._limits.silence:
            return f"process {self._run.pid} gave no sign of life for {self._limits.silence:g} s"
        if self.state.released_at is not None or self._quiescing is None or self._reader.trouble is not None:
            return ""
        limit = limit_of(self.state, self._limits)
        if self._awake - self._quiescing < limit:
            return ""
        return f"process {self._run.pid} began no release within {limit:g} s of its first quiesce"

    def _is_at_work(self) -> bool:
        """Whether it is this run that works: another process, or another job's run in the same one, is none of ours."""
        holder = holder_of(self._store.state, self.job.name)
        if self.state.takeovers:
            return False
        if holder.pid and not is_dead(holder, self._store.processes):
            return holder.pid == self._run.pid
        return self.state.ended is None

    def _kill(self, why: str) -> None:
        if refused := self._run.kill():
            self._refused = True
            self._recovery.publish(
                Failed(
                    f"{why}, and may not be ended by its guardian: {refused}",
                    f"end process {self._run.pid}: then its VMs are released at once",
                )
            )
        else:
            self._why = f"{why}, and was ended"

    # A run that is over

    def _settle(self) -> bool | None:
        """Settle what is outstanding, as `recover` does; answers whether anything was. None: a run goes first."""
        with kept(self._lock, self._lock_path.with_suffix(".holder"), ROLE, self._clock, self._store.processes):
            self._look()  # what it wrote last
            if self.state.closed:
                return False
            why = self._why or _how_it_ended(self.state, self._run.pid)
            journal = self._journal()
            how = ", by the records that were read while its journal could be read" if journal.lost else ""
            self._say(f"{why}; what is outstanding is settled now{how}")
            code = self._recovery.finish(journal, self.job, TakenOver(ROLE, why), alone=self._lock.in_place)
            if code is None:
                self._yielded = True
                self._say("a run wants the lock: it goes first")
                return None
            rest = "not all is settled" if journal.lost else "not all is settled: `snapall recover` goes on"
            self._say("nothing is outstanding any more" if code is Exit.OK else rest)
            return True

    def _journal(self) -> Journal:
        """The run's journal, to go on with it; its records in memory where the file is lost or cannot be read."""
        if self._reader.in_place:
            try:
                return self._store.open(self._reader.path)
            except JournalError as error:
                self._recovery.publish(Failed(error.message, error.hint))
        return Journal.recalled(self._reader.path, self._clock, self._reader.records)

    def _say(self, text: str) -> None:
        self._recovery.publish(Guarded(self.job.name, self._reader.path.stem.rpartition("-")[2], text))


def limit_of(state: RunState, limits: StuckLimits) -> float:
    """Seconds from the first quiesce within which a run must have begun its release."""
    return state.header.job.max_quiesced + state.header.pace.filer_timeout + limits.slack


def _how_it_ended(state: RunState, pid: int) -> str:
    if state.ended is not None:
        return "the run has ended, and could not settle all by itself"
    return f"process {pid} died in the middle of the run"
