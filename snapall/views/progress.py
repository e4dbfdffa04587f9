"""A run while it goes on, folded from its records: what the console draws, without any drawing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from snapall.backup.certificate import verdicts_of
from snapall.backup.facts import Answered, Began, Failed, Surveyed, Warned
from snapall.backup.model import Job, Order, Vm
from snapall.backup.outcome import NOT_QUIESCED, Report
from snapall.backup.phases import VmPhase, VmState
from snapall.backup.record import OutstandingFound, Record, RunEnded, Stage, StageBegan, StageEnded, Waiting, What
from snapall.backup.runstate import RunState
from snapall.backup.state import apply
from snapall.backup.steps import Outcome, Quiesce, Refusal, Release, Step, Unknown
from snapall.views import messages
from snapall.views.labels import Labels
from snapall.views.sentences import Weight, sentence


class VmStage(StrEnum):
    """What a person wants to know of a VM."""

    WAITING = "waiting"
    QUIESCING = "quiescing"
    QUIESCED = "quiesced"
    RELEASING = "releasing"
    RELEASED = "released"
    UNCERTAIN = "uncertain"
    LEFT = "not quiesced"
    SKIPPED = "skipped"


IN_FLIGHT = (VmStage.QUIESCING, VmStage.RELEASING)
TROUBLE = (VmStage.UNCERTAIN, VmStage.LEFT)


@dataclass(frozen=True, slots=True)
class VmView:
    """One VM: its state and why it is in trouble; when it was asked to quiesce, and when it was released."""

    vm: Vm
    state: VmStage
    why: str = ""
    began: datetime | None = None
    ended: datetime | None = None

    def seconds(self, now: datetime) -> float | None:
        """How long it has been quiesced, or was; None when it never was."""
        return ((self.ended or now) - self.began).total_seconds() if self.began is not None else None


@dataclass(slots=True)
class Progress:
    """Fed with every record of a run, in order; those of earlier runs that it settles first are shown, too."""

    states: dict[str, RunState] = field(default_factory=dict)  # by the run's stamp
    moment: datetime | None = None  # of the last record
    spent: dict[Stage, float] = field(default_factory=dict)  # seconds; a stage may pause and go on
    running: dict[Stage, datetime] = field(default_factory=dict)  # since when
    taken: int = 0  # changing commands that were answered
    done: list[str] = field(default_factory=list)  # what was done on the filer, and other news
    troubles: list[tuple[str, str]] = field(default_factory=list)  # text and remedy
    waiting: str = ""
    report: Report | None = None
    stamp: str = ""  # of the run itself; "": only earlier ones are settled
    _names: Labels = field(default_factory=Labels)

    @property
    def state(self) -> RunState:
        """The run itself; empty before its header."""
        return self.states.get(self.stamp, RunState())

    @property
    def job(self) -> Job | None:
        """The run's own; None before its header."""
        return self.state.began.job if self.state.began is not None else None

    @property
    def total(self) -> int:
        """The changing commands of the plan."""
        return len(self.state.surveyed.commands) if self.state.surveyed is not None else 0

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that began and those that are planned, in order."""
        return tuple(dict.fromkeys((*self.spent, *_planned(self.state))))

    @property
    def vms(self) -> dict[int, VmView]:
        """What is to be shown of each VM: first the targets, then those left out, then the skipped."""
        views: dict[int, VmView] = {}
        for state in [self.state] if self.state.surveyed is not None else self.states.values():
            verdicts = {one.vm.id: one.why for one in verdicts_of(state) if one.state == NOT_QUIESCED}
            skipped = state.surveyed.skipped if state.surveyed is not None else ()
            views |= {one.vm.id: _view(one, verdicts) for one in state.vms.values()}
            views |= {vm.id: VmView(vm, VmStage.SKIPPED) for vm in skipped}
        return views

    def __call__(self, record: Record) -> None:
        """Take one record in."""
        self.moment = record.at
        self._fold(record)
        step = self._names.learn(record)
        match record.what:
            case StageBegan(stage):
                self.waiting = ""
                self.spent.setdefault(stage, 0.0)
                self.running[stage] = record.at
            case StageEnded(stage, seconds):
                self.waiting = ""
                self.running.pop(stage, None)
                self.spent[stage] = self.spent.get(stage, 0.0) + seconds
            case Surveyed():
                self.taken = 0
            case Answered(_, outcome):
                self._answered(step, outcome)
            case Waiting(_, why):
                self.waiting = why
            case RunEnded(report):
                self.report = report
            case what:
                self._show(what)

    def _fold(self, record: Record) -> None:
        run = record.run
        if isinstance(record.what, Began):
            run = self.stamp = record.what.stamp
        self.states[run] = apply(self.states.get(run, RunState()), record)

    def _answered(self, step: Step | None, outcome: Outcome) -> None:
        self.taken += 1
        if step is not None and not isinstance(step, Quiesce | Release):
            self.done.append(messages.done(step, outcome))

    def _show(self, what: What) -> None:
        match what:
            case OutstandingFound(vm, name, run):
                self.troubles.append((f"{vm.label} may still have {name} of run {run}: it is settled first", ""))
            case Warned(text, hint) | Failed(text, hint):
                self.troubles.append((text, hint))
            case _:
                found = sentence(what, self._names)
                if found is None or found.weight is Weight.ROUTINE:
                    return
                if found.weight is Weight.NEWS:
                    self.done.append(found.text)
                elif not found.of_vm:  # its row shows it, and many of a kind would hide the cause
                    self.troubles.append((found.text, ""))


def window(views: Mapping[int, VmView], now: datetime) -> float:
    """Seconds for which any VM has been quiesced by this run."""
    begun = [view for view in views.values() if view.began is not None]
    if not begun:
        return 0.0
    first = min(view.began for view in begun if view.began is not None)
    return (max(view.ended or now for view in begun) - first).total_seconds()


def count(views: Mapping[int, VmView], *states: VmStage) -> int:
    """How many VMs are in one of these states."""
    return sum(view.state in states for view in views.values())


def _planned(state: RunState) -> tuple[Stage, ...]:
    """The stages that the run intends, as far as its survey shows."""
    if state.surveyed is None or state.began is None:
        return ()
    job = state.began.job
    rotates = not state.began.keep
    before = rotates and job.order is Order.PAPER
    after = rotates and (job.order is Order.SAFE or state.surveyed.capture != job.newest)
    vms = bool(state.surveyed.targets)
    stages = (
        (Stage.SURVEY, True),
        (Stage.ROTATE, before),
        (Stage.QUIESCE, vms),
        (Stage.CAPTURE, True),
        (Stage.CONFIRM, True),
        (Stage.LOCATE, vms),
        (Stage.RELEASE, vms),
        (Stage.ROTATE, after),
    )
    return tuple(dict.fromkeys(stage for stage, planned in stages if planned))


def _view(one: VmState, verdicts: Mapping[int, str]) -> VmView:
    """What a person sees of a VM's phase. `verdicts`: why VMs count as not quiesced."""
    state, why = _shown(one, verdicts)
    never = state in (VmStage.WAITING, VmStage.LEFT, VmStage.SKIPPED) or one.create is None
    return VmView(one.vm, state, why, None if never or one.create is None else one.create.sent, one.released)


def _shown(one: VmState, verdicts: Mapping[int, str]) -> tuple[VmStage, str]:
    match one.phase:
        case VmPhase.PLANNED:
            return VmStage.WAITING, ""
        case VmPhase.LEFT_OUT | VmPhase.REFUSED:
            return VmStage.LEFT, one.why
        case VmPhase.ASKED:
            return VmStage.QUIESCING, ""
        case VmPhase.SILENT | VmPhase.FAILED:
            return VmStage.UNCERTAIN, one.why
        case VmPhase.QUIESCED:
            return VmStage.QUIESCED, ""
        case VmPhase.RELEASING:
            why = _not_released(one)
            return (VmStage.UNCERTAIN, why) if why else (VmStage.RELEASING, "")
        case VmPhase.RELEASED:
            return VmStage.RELEASED, ""
        case VmPhase.GONE:
            return (VmStage.LEFT, verdicts[one.vm.id]) if one.vm.id in verdicts else (VmStage.RELEASED, "")
        case VmPhase.LOST:
            return VmStage.UNCERTAIN, "VirtualCenter no longer knows it"


def _not_released(one: VmState) -> str:
    """Why its last removal did not succeed; "" while one is under way."""
    outcome = one.removals[-1].outcome if one.removals else None
    if one.in_flight or not isinstance(outcome, Refusal | Unknown):
        return ""
    return outcome.why
