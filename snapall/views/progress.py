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
from snapall.backup.record import (
    Forecast,
    OutstandingFound,
    Record,
    RunEnded,
    Stage,
    StageBegan,
    StageEnded,
    Waiting,
    What,
)
from snapall.backup.runstate import RunState
from snapall.backup.state import apply
from snapall.backup.steps import Quiesce, Refusal, Release, Unknown
from snapall.errors import coded
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
    """One VM: its state, and why it is in trouble; when its quiesce was sent, and when it was released.

    `open`: it is being quiesced, or may be quiesced now.
    """

    vm: Vm
    state: VmStage
    why: str = ""
    began: datetime | None = None
    ended: datetime | None = None
    open: bool = False

    def seconds(self, now: datetime) -> float | None:
        """How long it has been quiesced, or was; None when it never was."""
        return ((self.ended or now) - self.began).total_seconds() if self.began is not None else None


@dataclass(frozen=True, slots=True)
class ScreenProblem:
    """A problem that the screen shows. `failed`: whether it ends the run, or is only a warning."""

    text: str
    remedy: str = ""
    failed: bool = False


@dataclass(slots=True)
class Progress:
    """Fed with every record of a run, in order. It shows the earlier runs that are settled first, too."""

    states: dict[str, RunState] = field(default_factory=dict)  # by the run's stamp
    first: datetime | None = None  # when the first record came
    last: datetime | None = None  # when the last one came
    forecast: Forecast | None = None
    spent: dict[Stage, float] = field(default_factory=dict)  # seconds; a stage may pause and go on
    running: dict[Stage, datetime] = field(default_factory=dict)  # since when
    taken: int = 0  # changing commands that were answered
    done: list[str] = field(default_factory=list)  # what was done on the filer, and other news
    problems: list[ScreenProblem] = field(default_factory=list)
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
        """The stages that began and those that are planned, in the order of the workflow."""
        planned = _planned(self.state)
        order = dict.fromkeys((Stage.SETTLE, *planned, *Stage))
        return tuple(stage for stage in order if stage in self.spent or stage in planned)

    @property
    def failed(self) -> tuple[Stage, ...]:
        """The stages that ended without their result: known at the end of the run."""
        if self.report is None:
            return ()
        reached = {Stage.CAPTURE: self.report.grade is not None, Stage.ROTATE: self.report.published}
        return tuple(stage for stage, well in reached.items() if stage in self.spent and not well)

    def spent_on(self, stage: Stage, now: datetime) -> float | None:
        """Seconds of a stage up to now; None: it has not begun."""
        if stage not in self.spent:
            return None
        since = self.running.get(stage)
        return self.spent[stage] + (max(0.0, (now - since).total_seconds()) if since is not None else 0.0)

    @property
    def vms(self) -> dict[int, VmView]:
        """The VMs by id: first the targets, then those left out, then the skipped."""
        views: dict[int, VmView] = {}
        for state in [self.state] if self.state.surveyed is not None else self.states.values():
            verdicts = {one.vm.id: one.why for one in verdicts_of(state) if one.state == NOT_QUIESCED}
            skipped = state.surveyed.skipped if state.surveyed is not None else ()
            views |= {one.vm.id: _view(one, verdicts) for one in state.vms.values()}
            views |= {vm.id: VmView(vm, VmStage.SKIPPED) for vm in skipped}
        return views

    def __call__(self, record: Record) -> None:
        """Take one record in."""
        self.first, self.last = self.first or record.at, record.at
        run = record.run
        if isinstance(record.what, Began):
            run = self.stamp = record.what.stamp
        self.states[run] = apply(self.states.get(run, RunState()), record)
        step = self._names.learn(record)
        match record.what:
            case Forecast() as forecast:
                self.forecast = forecast
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
                self.taken += 1
                if step is not None and not isinstance(step, Quiesce | Release):
                    self.done.append(messages.done(step, outcome))
            case Waiting(_, why):
                self.waiting = why
            case RunEnded(report):
                self.report = report
            case what:
                self._report(what)

    def _report(self, what: What) -> None:
        match what:
            case OutstandingFound(vm, name, run):
                self.problems.append(
                    ScreenProblem(f"{vm.label} may still have {name} of run {run}: it is released first")
                )
            case Warned(text, hint, code) | Failed(text, hint, code):
                self.problems.append(ScreenProblem(coded(code, text), hint, isinstance(what, Failed)))
            case _:
                found = sentence(what, self._names)
                if found is None or found.weight is Weight.ROUTINE:
                    return
                if found.weight is Weight.NEWS:
                    self.done.append(found.text)
                elif not found.of_vm:  # its row shows it, and many of a kind would hide the cause
                    self.problems.append(ScreenProblem(found.text))


def window(views: Mapping[int, VmView], now: datetime) -> float:
    """Seconds from the first quiesce to the last release, or to now while a VM may be quiesced."""
    began = [view.began for view in views.values() if view.began is not None]
    ended = [view.ended for view in views.values() if view.ended is not None]
    if not began:
        return 0.0
    until = now if any(view.open for view in views.values()) or not ended else max(ended)
    return max(0.0, (until - min(began)).total_seconds())


def count(views: Mapping[int, VmView], *states: VmStage) -> int:
    """How many VMs are in one of these states."""
    return sum(view.state in states for view in views.values())


def _planned(state: RunState) -> tuple[Stage, ...]:
    """The stages that the run intends, in order: by its header, and by its survey as soon as there is one."""
    if state.began is None:
        return ()
    job, survey, rotates = state.began.job, state.surveyed, not state.began.keep
    before = job.order is Order.PAPER and (survey is None or survey.capture == job.newest)
    vms = survey is None or bool(survey.targets)
    stages = (
        (Stage.SURVEY, True),
        (Stage.ROTATE, rotates and before),
        (Stage.QUIESCE, vms),
        (Stage.CAPTURE, True),
        (Stage.CONFIRM, True),
        (Stage.LOCATE, vms),
        (Stage.RELEASE, vms),
        (Stage.ROTATE, rotates and not before),
    )
    return tuple(stage for stage, planned in stages if planned)


_OPEN = (VmPhase.ASKED, VmPhase.QUIESCED, VmPhase.RELEASING)
_STAGES = {
    VmPhase.PLANNED: VmStage.WAITING,
    VmPhase.LEFT_OUT: VmStage.LEFT,
    VmPhase.REFUSED: VmStage.LEFT,
    VmPhase.ASKED: VmStage.QUIESCING,
    VmPhase.SILENT: VmStage.UNCERTAIN,
    VmPhase.FAILED: VmStage.UNCERTAIN,
    VmPhase.QUIESCED: VmStage.QUIESCED,
    VmPhase.RELEASING: VmStage.RELEASING,
    VmPhase.RELEASED: VmStage.RELEASED,
    VmPhase.GONE: VmStage.RELEASED,
    VmPhase.LOST: VmStage.UNCERTAIN,
}


def _view(one: VmState, verdicts: Mapping[int, str]) -> VmView:
    """What a person sees of a VM's phase. `verdicts`: why VMs count as not quiesced."""
    stage, why = _STAGES[one.phase], one.why
    if one.phase is VmPhase.RELEASING:
        last = one.removals[-1].outcome if one.removals and not one.in_flight else None
        stage, why = (VmStage.UNCERTAIN, last.why) if isinstance(last, Refusal | Unknown) else (stage, "")
    elif one.phase is VmPhase.GONE and one.vm.id in verdicts:
        stage, why = VmStage.LEFT, verdicts[one.vm.id]
    elif one.phase is VmPhase.LOST:
        why = "VirtualCenter no longer knows it"
    elif stage not in TROUBLE:
        why = ""
    if one.create is None or one.watched or stage in (VmStage.WAITING, VmStage.LEFT):
        return VmView(one.vm, stage, why)
    return VmView(one.vm, stage, why, one.create.sent, one.released, one.phase in _OPEN)
