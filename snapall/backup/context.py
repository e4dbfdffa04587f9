"""What a run works with: the site, time, a listener, and the operator's wish to stop."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from snapall.backup.bus import Listener
from snapall.backup.clock import SYSTEM, Clock, Threads
from snapall.backup.model import FilerSnapshot, Survey, VmSnapshot
from snapall.backup.record import Record, Stage, StageBegan, StageEnded, What
from snapall.backup.steps import Child, Outcome, Step
from snapall.errors import Notify, SnapallError


class Site(Protocol):
    """The systems of the site, as one job sees them.

    Looking raises SiteError; a changing command never raises, it has an Outcome.
    """

    vcenter: str
    filer: str

    def survey(self) -> Survey:
        """Read all that a plan needs. Refused: the site is not fit for a backup."""

    def perform(self, step: Step, on_start: Callable[[Child], None]) -> Outcome:
        """Send one changing command, and pass `on_start` the program that was started for it."""

    def preconnect(self) -> None:
        """Connect to the filer ahead of its next command, if possible."""

    def listing(self, volume: str) -> tuple[FilerSnapshot, ...]:
        """`snap list` of the volume, newest first."""

    def vm_snapshots(self, vms: Sequence[int], ssids: Sequence[str] = ()) -> tuple[VmSnapshot, ...]:
        """The rows of VPX_SNAPSHOT of these VMs, and those with these ids, of any VM."""

    def registered(self, vms: Sequence[int]) -> Mapping[int, str | None]:
        """The VMs among these that VirtualCenter knows now, each with its host; None where that may not be read."""

    def command(self, step: Step) -> str:
        """The command line of a step, passwords masked."""

    def alive(self, child: Child) -> bool:
        """Whether a program that was started for a step still runs."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """Everything a run works with. `stopped` turns true when a signal asks it to end."""

    site: Site
    clock: Clock
    listener: Listener
    stopped: Callable[[], bool]
    threads: Threads = SYSTEM

    def publish(self, what: What) -> None:
        """Publish to the listener. A listener that raises must not leave a VM quiesced."""
        self.forward(Record(self.clock.utc(), what))

    def forward(self, record: Record) -> None:
        """Publish a record that exists already."""
        with suppress(BaseException):  # SystemExit included: rich answers a closed pipe with it
            self.listener(record)

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        """Publish that a stage begins, and that it has ended, by whatever means."""
        began = self.clock.monotonic()
        self.publish(StageBegan(stage))
        try:
            yield
        finally:
            self.publish(StageEnded(stage, self.clock.monotonic() - began))


Claims = Callable[[Collection[int]], AbstractContextManager[Mapping[int, str]]]
"""Takes the lock under which VMs are claimed. Which of these VMs another run owns, each with the reason."""


def unclaimed(_vms: Collection[int]) -> AbstractContextManager[Mapping[int, str]]:
    """No other run owns any VM."""
    return nullcontext({})


Guard = Callable[[Path], Callable[[], None]]
"""Starts a guardian for the run of this journal; the answer waits until it is ready. SnapallError: it is not."""


def unguarded(_journal: Path) -> Callable[[], None]:
    """Start no guardian."""
    return lambda: None


@contextmanager
def guarded(failed: Notify) -> Iterator[None]:
    """Report the error that ends this part of the work with its remedy, a defect with its traceback."""
    try:
        yield
    except SnapallError as error:
        failed(*error.parts)
    except Exception:  # noqa: BLE001 - a defect must not keep the VMs quiesced
        failed(*defect())


def named_defect(error: BaseException) -> str:
    """A defect in one line."""
    return f"a bug in snapall: {type(error).__name__}: {error}"


def defect() -> tuple[str, str, str]:
    """The text for the exception that is being handled, its remedy and its code."""
    text = f"a bug in snapall:\n{traceback.format_exc()}"
    remedy = (
        "run `snapall status` to see whether VMs may be left quiesced; report the bug with this text and the journal"
    )
    return text, remedy, "SA-9001"
