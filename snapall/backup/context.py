"""What a run is handed to work with: the site, time, a listener, and the operator's wish to stop."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from snapall.backup.bus import Listener
from snapall.backup.clock import Clock
from snapall.backup.model import FilerSnapshot, Survey, VmSnapshot
from snapall.backup.record import Record, Stage, StageBegan, StageEnded, What
from snapall.backup.steps import Child, Outcome, Step
from snapall.backup.threads import SYSTEM, Threads
from snapall.errors import SnapallError


class Site(Protocol):
    """The systems of the site, as one job sees them.

    Looking raises SiteError; a changing command never raises, it has an Outcome.
    """

    vcenter: str
    filer: str

    def survey(self) -> Survey:
        """All that a plan is built from. Refused: the site is not fit for a backup."""

    def perform(self, step: Step, on_start: Callable[[Child], None]) -> Outcome:
        """Send one changing command, and tell `on_start` of the program that was started for it."""

    def preconnect(self) -> None:
        """Connect to the filer ahead of its next command, as far as that can be done."""

    def listing(self, volume: str) -> tuple[FilerSnapshot, ...]:
        """`snap list` of the volume, newest first."""

    def vm_snapshots(self, vms: Sequence[int], ssids: Sequence[str] = ()) -> tuple[VmSnapshot, ...]:
        """The rows of VPX_SNAPSHOT of these VMs, and those with these ids, whatever VM they belong to."""

    def registered(self, vms: Sequence[int]) -> Mapping[int, str | None]:
        """Those of these VMs that VirtualCenter knows now, each with its host; None where that may not be read."""

    def command(self, step: Step) -> str:
        """The command line of a step, passwords masked."""

    def alive(self, child: Child) -> bool:
        """Whether a program that was started for a step still runs."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """Everything a run works with. `stopped` comes true when a signal asked it to end."""

    site: Site
    clock: Clock
    listener: Listener
    stopped: Callable[[], bool]
    threads: Threads = SYSTEM

    def publish(self, what: What) -> None:
        """Tell the listener; one that raises here is nobody's reason to leave a VM quiesced."""
        self.forward(Record(self.clock.utc(), what))

    def forward(self, record: Record) -> None:
        """The same for a record that is there already."""
        with suppress(BaseException):  # SystemExit included: rich answers a closed pipe with it
            self.listener(record)

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        """Tell that a stage begins, and that it has ended, however it did."""
        began = self.clock.monotonic()
        self.publish(StageBegan(stage))
        try:
            yield
        finally:
            self.publish(StageEnded(stage, self.clock.monotonic() - began))


Claims = Callable[[Collection[int]], AbstractContextManager[Mapping[int, str]]]
"""Holds the lock under which VMs are claimed, and answers which of these VMs another run owns, with the reason."""


def unclaimed(_vms: Collection[int]) -> AbstractContextManager[Mapping[int, str]]:
    """No other run owns any VM."""
    return nullcontext({})


Guard = Callable[[Path], Callable[[], None]]
"""Sets a guardian over the run whose journal this is going to be; then waits for its word. SnapallError: none came."""


def unguarded(_journal: Path) -> Callable[[], None]:
    """Nobody looks after the run."""
    return lambda: None


@contextmanager
def guarded(failed: Callable[[str, str], None]) -> Iterator[None]:
    """An expected error ends this part of the work and is reported with its remedy; a defect with its traceback."""
    try:
        yield
    except SnapallError as error:
        failed(error.message, error.hint)
    except Exception:  # noqa: BLE001 - a defect must not keep the VMs quiesced
        failed(*defect())


def named_defect(error: Exception) -> str:
    """A defect in one line, for a report."""
    return f"a defect of snapall: {type(error).__name__}: {error}"


def defect() -> tuple[str, str]:
    """What is reported of the exception that is being handled, and the remedy."""
    return f"a defect of snapall:\n{traceback.format_exc()}", "please report it, with the journal of this run"
