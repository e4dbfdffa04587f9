"""What the engine is handed to work with: the site, time, a listener, and the operator's wish to stop."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from snapall.backup.clock import Clock
from snapall.backup.crew import SYSTEM, Crew, Threads
from snapall.backup.events import Event, Happening, Listener, StageBegan, StageEnded, StepBegan, StepEnded
from snapall.backup.facts import Answered, Started
from snapall.backup.journal import Journal
from snapall.backup.model import FilerSnapshot, Survey, VmSnapshot
from snapall.backup.plan import Stage
from snapall.backup.steps import Child, Outcome, Step
from snapall.errors import SnapallError


class Site(Protocol):
    """The world, as one job sees it. Looking raises SiteError; a changing command never raises, it has an Outcome."""

    vcenter: str
    filer: str

    def survey(self) -> Survey:
        """All that a plan is built from. Refused: the site is not fit for a backup."""

    def perform(self, step: Step, on_start: Callable[[Child], None]) -> Outcome:
        """Send one changing command, and tell `on_start` of the program that was started for it."""

    def approach(self) -> None:
        """Open the way to the filer ahead of its next command, as far as that can be done."""

    def listing(self, volume: str) -> tuple[FilerSnapshot, ...]:
        """`snap list` of the volume, newest first."""

    def vm_snapshots(self, vms: Sequence[int], ssids: Sequence[str] = ()) -> tuple[VmSnapshot, ...]:
        """The rows of VPX_SNAPSHOT of these VMs, and those of these ids, whatever VM they belong to."""

    def registered(self, vms: Sequence[int]) -> Mapping[int, str | None]:
        """Those of these VMs that VirtualCenter knows now, each with its host; None where that may not be read."""

    def command(self, step: Step) -> str:
        """The command line of a step, passwords masked."""

    def alive(self, child: Child) -> bool:
        """Whether a program that was started for a step still runs."""


@dataclass(frozen=True, slots=True)
class Means:
    """Everything a run works with. `stopped` comes true when a signal asked it to end."""

    site: Site
    clock: Clock
    listener: Listener
    stopped: Callable[[], bool]
    threads: Threads = SYSTEM

    def tell(self, what: Happening) -> None:
        """Let the listener know; one that raises here is nobody's reason to leave a VM quiesced."""
        with suppress(BaseException):  # SystemExit included: rich answers a closed pipe with it
            self.listener(Event(self.clock.utc(), what))

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        """Tell that a stage begins, and that it has ended, however it did."""
        began = self.clock.monotonic()
        self.tell(StageBegan(stage))
        try:
            yield
        finally:
            self.tell(StageEnded(stage, self.clock.monotonic() - began))

    def approach(self) -> None:
        """Open the way to the filer beside what goes on, so that the next command finds it: VMs are held by then."""
        Crew([None], lambda _: self.site.approach(), 1, threads=self.threads)

    def act(self, journal: Journal, stage: Stage, step: Step) -> Outcome:
        """Intent, then the act, then its answer. JournalError: it was not done."""
        return self._perform(journal, journal.intend(step), stage, step)

    def act_anyway(self, journal: Journal, stage: Stage, step: Step) -> Outcome:
        """The same for what takes something back: it needs no disk."""
        return self._perform(journal, journal.intend_anyway(step), stage, step)

    def _perform(self, journal: Journal, n: int, stage: Stage, step: Step) -> Outcome:
        began = self.clock.monotonic()
        self.tell(StepBegan(stage, step))
        outcome = self.site.perform(step, lambda child: journal.note(Started(n, child)))
        seconds = self.clock.monotonic() - began
        journal.note(Answered(n, outcome, seconds))
        self.tell(StepEnded(stage, step, outcome, seconds))
        return outcome


Guard = Callable[[Path], Callable[[], None]]
"""Sets a guardian over the run whose journal this is going to be; then waits for its word. SnapallError: none came."""


def unguarded(_journal: Path) -> Callable[[], None]:
    """Nobody looks after the run."""
    return lambda: None


@contextmanager
def guarded(failed: Callable[[str, str], None]) -> Iterator[None]:
    """An expected error ends this part of the work and is told with its hint; so is a defect, with its traceback."""
    try:
        yield
    except SnapallError as error:
        failed(error.message, error.hint)
    except Exception:  # noqa: BLE001 - a defect must not keep the VMs quiesced
        failed(f"a defect of snapall:\n{traceback.format_exc()}", "please report it, with the journal of this run")
