"""A run as it stands, folded from its events: what the console draws, without a word about drawing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from snapall.backup.events import (
    DebtFound,
    Event,
    Failed,
    PlanMade,
    Report,
    RunBegan,
    RunEnded,
    StageBegan,
    StageEnded,
    StepBegan,
    StepEnded,
    VmFree,
    Waiting,
    Warned,
)
from snapall.backup.model import Job, Order, Vm
from snapall.backup.plan import Plan, Stage
from snapall.backup.steps import Capture, Delete, Done, Outcome, Quiesce, Release, Rename, Step
from snapall.views import words


class State(StrEnum):
    """What a person wants to know of a VM."""

    WAITING = "waiting"
    QUIESCING = "quiescing"
    QUIESCED = "quiesced"
    RELEASING = "releasing"
    RELEASED = "released"
    UNCERTAIN = "uncertain"
    LEFT = "not quiesced"
    SKIPPED = "skipped"


IN_FLIGHT = (State.QUIESCING, State.RELEASING)
TROUBLE = (State.UNCERTAIN, State.LEFT)


@dataclass(slots=True)
class VmView:
    """One VM: its state since when, for how long it was held in the end, and why it is in trouble."""

    vm: Vm
    state: State
    since: datetime
    held_from: datetime | None = None
    held_until: datetime | None = None
    why: str = ""
    quiesced: bool = False

    def seconds(self, now: datetime) -> float | None:
        """For how long it has been held, or was; None when it never was."""
        if self.held_from is None:
            return None
        return ((self.held_until or now) - self.held_from).total_seconds()


@dataclass(slots=True)
class Progress:
    """Fed with every event of a run, in order."""

    job: Job | None = None
    order: Order = Order.SAFE
    stamp: str = ""
    moment: datetime | None = None  # of the last event
    plan: Plan | None = None
    stages: dict[Stage, float | None] = field(default_factory=dict)  # seconds; None: it goes on
    began: dict[Stage, datetime] = field(default_factory=dict)
    vms: dict[int, VmView] = field(default_factory=dict)
    taken: int = 0  # changing steps that were answered
    filer: list[str] = field(default_factory=list)  # what was done on the filer
    troubles: list[tuple[str, str]] = field(default_factory=list)  # text and remedy
    waiting: str = ""
    report: Report | None = None

    @property
    def total(self) -> int:
        """The changing steps of the plan."""
        return len(self.plan.steps) if self.plan is not None else 0

    def window(self, now: datetime) -> float:
        """Seconds for which any VM has been held by this run."""
        begun = [view.held_from for view in self.vms.values() if view.held_from is not None]
        if not begun:
            return 0.0
        ends = [view.held_until or now for view in self.vms.values() if view.held_from is not None]
        return (max(ends) - min(begun)).total_seconds()

    def count(self, *states: State) -> int:
        """How many VMs are in one of these states."""
        return sum(view.state in states for view in self.vms.values())

    def __call__(self, event: Event) -> None:
        """Take one event in."""
        self.moment = event.at
        match event.what:
            case RunBegan(job, stamp, order):
                self.job, self.stamp, self.order = job, stamp, order
            case StageBegan(stage):
                self.waiting = ""
                self.stages[stage] = None
                self.began[stage] = event.at
            case StageEnded(stage, seconds):
                self.waiting = ""
                self.stages[stage] = seconds
            case PlanMade(plan):
                self._planned(plan, event.at)
            case StepBegan(_, step):
                self._begun(step, event.at)
            case StepEnded(_, step, outcome):
                self.taken += 1
                self._ended(step, outcome, event.at)
            case VmFree(vm) if vm.id in self.vms:
                self._free(self.vms[vm.id], event.at)
            case DebtFound(vm, name, run):
                self.troubles.append((f"{vm.label} may still have {name} of run {run}: it is settled first", ""))
            case Waiting(_, why):
                self.waiting = why
            case Warned(text, hint) | Failed(text, hint):
                self.troubles.append((text, hint))
            case RunEnded(report):
                self.report = report
            case _:
                pass

    def _planned(self, plan: Plan, at: datetime) -> None:
        self.plan = plan
        self.vms = {vm.id: VmView(vm, State.WAITING, at) for vm in plan.asked}
        self.vms |= {vm.id: VmView(vm, State.LEFT, at, why=why) for vm, why in plan.left}
        self.vms |= {vm.id: VmView(vm, State.SKIPPED, at) for vm in plan.skipped}

    def _begun(self, step: Step, at: datetime) -> None:
        match step:
            case Quiesce(vm):
                self._to(vm, State.QUIESCING, at)
                if vm.id in self.vms:
                    self.vms[vm.id].held_from = at
            case Release(vm):
                self._to(vm, State.RELEASING, at)
            case Capture() | Rename() | Delete():
                pass

    def _ended(self, step: Step, outcome: Outcome, at: datetime) -> None:
        match step, outcome:
            case Quiesce(vm), Done():
                self._to(vm, State.QUIESCED, at)
            case Quiesce(vm), _:
                self._to(vm, State.UNCERTAIN, at, outcome.why if not isinstance(outcome, Done) else "")
            case Release(vm), Done():
                self._to(vm, State.RELEASED, at)
            case Release(vm), _:
                self._to(vm, State.UNCERTAIN, at, outcome.why if not isinstance(outcome, Done) else "")
            case ((Capture() | Rename() | Delete()), _):
                self.filer.append(words.done(step, outcome))

    def _free(self, view: VmView, at: datetime) -> None:
        """Nothing of ours is on it; whether it ever was is another matter."""
        if view.quiesced:
            self._to(view.vm, State.RELEASED, at)
        else:
            self._to(view.vm, State.LEFT, at, view.why)
            view.held_from = None

    def _to(self, vm: Vm, state: State, at: datetime, why: str = "") -> None:
        view = self.vms.get(vm.id)
        if view is None:
            return
        view.state, view.since, view.why = state, at, why
        view.quiesced = view.quiesced or state is State.QUIESCED
        if state is State.RELEASED:
            view.held_until = view.held_until or at
