"""The guardian of one run: waits until the run's lock is free, then settles what the run still owes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from snapall.backup.debts import owed
from snapall.backup.events import Failed, Guarded
from snapall.backup.facts import Began, Certified, Ended, Fact, Intent, Noted, Releasing, TakenUp
from snapall.backup.holder import is_dead, not_released
from snapall.backup.journal import is_closed, is_open
from snapall.backup.lock import GRACE, holder_of, seize
from snapall.backup.model import Job
from snapall.backup.recover import Recovery
from snapall.backup.steps import Quiesce, Release
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


class Guardian:
    """Watches over one run of a job: the one whose journal this is, or will be."""

    def __init__(self, recovery: Recovery, job: Job, journal: Path, run: Run, slack: float) -> None:
        """`slack`: seconds beyond all that a run may take before its first release."""
        self.job = job
        self.journal = journal
        self._recovery = recovery
        self._memory = recovery.memory
        self._clock = recovery.memory.clock
        self._run = run
        self._slack = slack
        self._awake = 0.0  # seconds that were watched through: it is they that count, whatever the clocks say
        self._size = 0  # of the journal when it was last read
        self._deadline: float | None = None  # by that count, once the first quiesce was seen
        self._judged = False  # whether it was looked whether the run is stuck; that is done once
        self._alone: float | None = None  # since when, by that count, the run is gone
        self._complained = False  # that somebody else keeps the lock of a run that is dead
        self._why = ""

    def watch(self, longest_wait: float = LONGEST_WAIT) -> bool:
        """Return when nothing is owed any more, or nothing more can be done; answers whether it had work to do.

        It never works beside a living run. The lock of one that is gone is waited for so many seconds at most.
        """
        last = self._clock.monotonic()
        while not self._over(longest_wait):
            with seize(self._memory.state, self.job.name, ROLE, self._clock, self._memory.processes) as ours:
                if ours:
                    return self._settle()
            self._judge()
            self._complain()
            self._clock.wait(TICK, lambda: False)
            now = self._clock.monotonic()
            self._awake += min(now - last, LONGEST_TICK)
            last = now
        return False

    def _over(self, longest_wait: float) -> bool:
        """Whether nobody needs this guardian: the report is written, or the run died before it had a journal."""
        if is_closed(self.journal):
            return True
        if self._run.lives:
            return False
        if self._alone is None:
            self._alone = self._awake
        return not self.journal.exists() or self._awake - self._alone > longest_wait

    # A run that is stuck

    def _judge(self) -> None:
        """Kill the run if it has had all its time and has begun no release: nobody else would free its VMs."""
        if self._judged or not self._run.lives:
            return
        if self._deadline is None:
            if facts := self._news():
                self._deadline = self._awake + limit_of(facts, self._slack) if _quiesces(facts) else None
        elif self._awake >= self._deadline and (facts := self._facts()):
            self._judged = True
            # Another run under the lock, or another job's in the same process, is none of ours.
            if is_stuck(facts) and holder_of(self._memory.state, self.job.name).pid == self._run.pid:
                self._kill(limit_of(facts, self._slack))

    def _kill(self, limit: float) -> None:
        text = f"process {self._run.pid} began no release within {limit:g} s of its first quiesce"
        if refused := self._run.kill():
            self._recovery.tell(
                Failed(
                    f"{text}, and may not be ended by its guardian: {refused}",
                    f"end process {self._run.pid}: then its VMs are released at once",
                )
            )
        else:
            self._why = f"{text}, and was ended"

    def _news(self) -> tuple[Noted, ...]:
        """What the journal holds, if it has grown."""
        size = 0
        with suppress(OSError):
            size = self.journal.stat().st_size
        if size == self._size:
            return ()
        self._size = size
        return self._facts()

    def _facts(self) -> tuple[Noted, ...]:
        """What the journal holds while the run writes it; nothing when it cannot be read now."""
        try:
            return self._memory.open(self.journal).facts
        except JournalError:
            return ()

    def _complain(self) -> None:
        """Say once that the lock is still held although the run is dead; it is tried again all the same."""
        if self._complained or self._alone is None or self._awake - self._alone < GRACE:
            return
        state, job = self._memory.state, self.job.name
        if is_dead(holder := holder_of(state, job), self._memory.processes):
            self._complained = True
            error = not_released(state, job, holder)
            self._recovery.tell(Failed(error.message, error.hint))

    # A run that is over

    def _settle(self) -> bool:
        """Settle what is owed, if anything, as `recover` does; the lock is ours."""
        if not self.journal.exists() or not is_open(self.journal):
            return False
        why = self._why or _how_it_ended(self._facts(), self._run.pid)
        self._say(f"{why}; what it owes is settled now")
        with suppress(JournalError):  # one that cannot be read is told by what follows
            self._memory.open(self.journal).note(TakenUp(ROLE, why))
        code = self._recovery.finish(self.journal, self.job)
        self._say("nothing is owed any more" if code is Exit.OK else "not all is settled: `snapall recover` goes on")
        return True

    def _say(self, text: str) -> None:
        self._recovery.tell(Guarded(self.job.name, self.journal.stem.rpartition("-")[2], text))


def limit_of(facts: Sequence[Noted], slack: float) -> float:
    """Seconds from the first quiesce after which a run must have begun its release."""
    began = next((noted.fact for noted in facts if isinstance(noted.fact, Began)), None)
    return slack + (began.job.max_quiesced + began.pace.filer_timeout if began is not None else 0.0)


def is_stuck(facts: Sequence[Noted]) -> bool:
    """Whether VMs may be quiesced, and their release has not begun."""
    return bool(owed(facts).vms) and not any(_releases(noted.fact) for noted in facts)


def _releases(fact: Fact) -> bool:
    match fact:
        case Intent(_, Release()) | Releasing() | Certified() | Ended():
            return True
        case _:
            return False


def _quiesces(facts: Sequence[Noted]) -> bool:
    return any(isinstance(noted.fact, Intent) and isinstance(noted.fact.step, Quiesce) for noted in facts)


def _how_it_ended(facts: Sequence[Noted], pid: int) -> str:
    if any(isinstance(noted.fact, Ended) for noted in facts):
        return "the run has ended, and could not settle all by itself"
    return f"process {pid} died in the middle of the run"
