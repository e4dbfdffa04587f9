"""What happened, as frozen data; who listens to it never decides anything."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from snapall.backup.facts import Verdict
from snapall.backup.model import Grade, Job, Order, Vm
from snapall.backup.plan import Plan, Stage
from snapall.backup.steps import Capture, Delete, Outcome, Quiesce, Release, Rename
from snapall.errors import Exit


@dataclass(frozen=True, slots=True)
class RunBegan:
    """A run of a job holds its lock and begins."""

    job: Job
    stamp: str
    order: Order


@dataclass(frozen=True, slots=True)
class StageBegan:
    """A stage of the workflow begins."""

    stage: Stage


@dataclass(frozen=True, slots=True)
class StageEnded:
    """It has ended, after so many seconds."""

    stage: Stage
    seconds: float


@dataclass(frozen=True, slots=True)
class PlanMade:
    """The survey is done and the plan is whole; nothing has been changed yet."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class StepBegan:
    """A changing command is sent."""

    stage: Stage
    step: Quiesce | Release | Capture | Rename | Delete


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A changing command was answered, or is given up on."""

    stage: Stage
    step: Quiesce | Release | Capture | Rename | Delete
    outcome: Outcome
    seconds: float


@dataclass(frozen=True, slots=True)
class CaptureProven:
    """The filer lists the new snapshot; `late`: not while the VMs were provably held."""

    volume: str
    name: str
    date: str
    late: bool


@dataclass(frozen=True, slots=True)
class VmFree:
    """The database lists nothing of ours on this VM any more."""

    vm: Vm


@dataclass(frozen=True, slots=True)
class DebtFound:
    """An earlier run may have left this VM quiesced; it is settled first."""

    vm: Vm
    name: str
    run: str


@dataclass(frozen=True, slots=True)
class Guarded:
    """A guardian takes up the run of a job that is over, or has done with it."""

    job: str
    run: str
    text: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing is to be done before `until` (UTC), because of `why`."""

    until: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that the operator should know, with its remedy; it is no failure by itself."""

    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """Why the exit code is not 0: the first of these is the cause."""

    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """How a run ended. `debts` name VMs that may be left quiesced, `watched` those that are only looked at again."""

    job: str
    stamp: str
    exit: Exit
    grade: Grade | None  # None: nothing was captured
    verdicts: tuple[Verdict, ...]
    name: str  # what the new backup is called now; "" when there is none
    published: bool
    debts: tuple[str, ...]
    watched: tuple[str, ...]
    seconds: float
    window: float  # seconds from the first quiesce sent to the last removal answered


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The last word of a run."""

    report: Report


Happening = (
    RunBegan
    | StageBegan
    | StageEnded
    | PlanMade
    | StepBegan
    | StepEnded
    | CaptureProven
    | VmFree
    | DebtFound
    | Guarded
    | Waiting
    | Warned
    | Failed
    | RunEnded
)


@dataclass(frozen=True, slots=True)
class Event:
    """A happening and its moment (UTC)."""

    at: datetime
    what: Happening


Listener = Callable[[Event], None]


class Herald:
    """Tells every listener on a thread of its own: one that raises is dismissed, one that hangs holds nobody up.

    A terminal may close and a pipe may block while VMs are quiesced; what releases them must not notice.
    """

    def __init__(self, *listeners: Listener) -> None:
        self._queues: list[queue.SimpleQueue[Event | None]] = []
        self._threads: list[threading.Thread] = []
        self.dismissed: list[BaseException] = []
        for listener in listeners:
            inbox: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
            thread = threading.Thread(target=self._deliver, args=(listener, inbox), daemon=True)
            self._queues.append(inbox)
            self._threads.append(thread)
            thread.start()

    def __call__(self, event: Event) -> None:
        """Hand the event over; never blocks and never raises."""
        for inbox in self._queues:
            inbox.put(event)

    def close(self, patience: float = 10) -> None:
        """Let the listeners finish, but wait no longer than so many seconds for each."""
        for inbox in self._queues:
            inbox.put(None)
        for thread in self._threads:
            thread.join(patience)

    def _deliver(self, listener: Listener, inbox: queue.SimpleQueue[Event | None]) -> None:
        while (event := inbox.get()) is not None:
            try:
                listener(event)
            except BaseException as error:  # noqa: BLE001 - rich answers a closed pipe with SystemExit
                self.dismissed.append(error)
                return
