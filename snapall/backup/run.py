"""One job's nightly run: lock, settle, survey, plan, execute, report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

from snapall import __version__
from snapall.backup.debts import Debts, VmDebt, alarming, owed
from snapall.backup.engine import Engine, Execution
from snapall.backup.events import (
    DebtFound,
    Failed,
    PlanMade,
    Report,
    RunBegan,
    RunEnded,
    Warned,
)
from snapall.backup.facts import Began, Listed, Origin, Surveyed, TakenUp
from snapall.backup.journal import Journal
from snapall.backup.lock import hold
from snapall.backup.means import Guard, Means, guarded, unguarded
from snapall.backup.memory import Memory
from snapall.backup.model import Job, Order, Pace, Survey
from snapall.backup.plan import Plan, Stage, build
from snapall.backup.provenance import Past, recall
from snapall.backup.publish import Publisher
from snapall.backup.rotation import Rotation, make_room
from snapall.backup.settle import Settlement
from snapall.errors import Exit, SiteError, SnapallError, worst


@dataclass(slots=True)
class _Outcome:
    """What a run has come to so far."""

    stamp: str
    began: float
    exit: Exit = Exit.OK
    journal: Journal | None = None
    execution: Execution | None = None
    earlier: list[Settlement] = field(default_factory=list)  # of runs that were still open
    debts: list[VmDebt] = field(default_factory=list)  # VMs that may be left quiesced now
    watched: list[VmDebt] = field(default_factory=list)  # those that are only kept in view
    why: str = ""  # what stopped it before, or outside of, the plan
    lost: list[VmDebt] = field(default_factory=list)  # those that VirtualCenter does not know any more
    unsettled: bool = False  # whether settling an earlier run failed, so that nobody knows what it still owes

    def add(self, owing: Debts, unreachable: bool) -> None:
        """Take what a run still owes; `unreachable`: the database could not be asked about it."""
        alarms = alarming(owing.vms, unreachable)
        self.debts += alarms
        self.watched += [debt for debt in owing.vms if debt not in alarms]
        self.lost += owing.lost


@dataclass(frozen=True, slots=True)
class Night:
    """A job and all that its run needs. `keep`: the name of a backup outside the chain."""

    job: Job
    pace: Pace
    means: Means
    memory: Memory
    keep: str = ""
    keep_journals: int = 400
    guard: Guard = unguarded
    before: Callable[[str], None] = lambda _: None  # with the run's stamp, while no VM is held; may refuse the run

    def run(self) -> Report:
        """Back the job up. Every expected failure is told to the listener and is in the report's exit code.

        Locked: another run of the job is at work.
        """
        began = self.means.clock.monotonic()
        means, memory = self.means, self.memory
        with hold(
            memory.state, self.job.name, "run", means.clock, means.stopped, self._wait_for, processes=memory.processes
        ):
            stamp = self.memory.stamp()
            self.means.tell(RunBegan(self.job, stamp, self.job.order))
            report = self._held(stamp, began)
        self.means.tell(RunEnded(report))
        return report

    def _wait_for(self, text: str) -> None:
        self.means.tell(Warned(text))

    def _held(self, stamp: str, began: float) -> Report:
        outcome = _Outcome(stamp, began)
        try:
            self._settle(outcome)  # before all else: no VM of an earlier run waits for a hook, or for want of one
            header = Began(
                self.job, stamp, self.means.site.vcenter, self.means.site.filer, self.pace, __version__, self.keep
            )
            outcome.journal = self.memory.begin(header)
            self.before(stamp)
            ready = self.guard(outcome.journal.path)  # it gets ready while the survey is made
            plan, past = self._plan(outcome.journal, [one.journal for one in outcome.earlier])
            ready()
            if self.means.stopped():
                outcome.exit = Exit.STOPPED
            else:
                outcome.execution = Engine(plan, past.pending, outcome.journal, self.means).execute()
                outcome.exit = outcome.execution.exit
        except SnapallError as error:
            self.means.tell(Failed(error.message, error.hint))
            outcome.why = error.message
            outcome.exit = Exit.STOPPED if self.means.stopped() else error.exit
        self._look_again(outcome)
        return self._report(outcome)

    def _settle(self, outcome: _Outcome) -> None:
        """Settle what earlier runs of this job owe, without waiting. SiteError: a name of the chain is in doubt."""
        paths = self.memory.open_runs(self.job.name)
        with self.means.stage(Stage.SETTLE) if paths else nullcontext():
            for path in paths:  # whatever one of them hides, neither the others nor tonight's backup are the price
                with guarded(lambda text, hint: self._unsettled(outcome, text, hint)):
                    settlement = Settlement(self.memory.open(path), self.means, wait=False)
                    outcome.earlier.append(settlement)
                    self._settle_run(settlement, outcome)
        for job in self.memory.unsettled(but=self.job.name):
            self.means.tell(Warned(f"a run of job {job} is not settled", "`snapall recover` settles every job"))
        here = [one.journal for one in outcome.earlier if one.journal.began.filer == self.means.site.filer]
        for capture in (capture for journal in here for capture in owed(journal.facts).captures):
            if capture.name in self.job.chain:  # paper order: who captures under this name now would be mistaken for it
                raise SiteError(
                    f"whether an earlier run made {capture.name} on {capture.volume} is not known: nothing was changed",
                    "`snapall recover` finds out as soon as the filer can be asked",
                )

    def _settle_run(self, settlement: Settlement, outcome: _Outcome) -> None:
        journal = settlement.journal
        for debt in owed(journal.facts).vms:
            self.means.tell(DebtFound(debt.vm, debt.name, journal.began.stamp))
        journal.note(TakenUp("the next run", "the run had left it open"))
        settlement.settle(linger=False)
        self._close(settlement, outcome)

    def _close(self, earlier: Settlement, outcome: _Outcome) -> None:
        debts = owed(earlier.journal.facts)
        outcome.lost += debts.lost
        code = Exit.PARTIAL if debts.vms else Exit.OK
        if debts.lost or alarming(debts.vms, earlier.vms.unreachable):
            code = Exit.DEBTS
        self.memory.close(earlier.journal, code, "settled by the next run")

    def _unsettled(self, outcome: _Outcome, text: str, hint: str) -> None:
        outcome.unsettled = True
        self.means.tell(Failed(text, hint))

    def _look_again(self, outcome: _Outcome) -> None:
        """At the end of the run, look once more at the VMs that earlier runs owe: now nobody waits for it."""
        for one in outcome.earlier:
            if owed(one.journal.facts).vms and one.reaches_vms:
                with guarded(lambda text, hint: self._unsettled(outcome, text, hint)):
                    one.vms.settle()
                    self._close(one, outcome)

    def _plan(self, journal: Journal, settled: Sequence[Journal]) -> tuple[Plan, Past]:
        """Survey and plan; nothing is changed when this fails. In paper order, wait for a held name first."""
        here = [one for one in settled if one.began.vcenter == self.means.site.vcenter]  # elsewhere an id is another VM
        owing = [owed(one.facts) for one in here]
        known = self.memory.known(self.job.name, settled)
        with self.means.stage(Stage.SURVEY):
            survey = self.means.site.survey()
            past = recall(self.job, known, survey.listings)
            plan = build(self.job, survey, past, owing, journal.began.stamp, self.keep)
            if self.job.order is Order.PAPER and plan.rotation.blocked is not None:
                self._wait_for_room(journal, plan.rotation, known)
                survey = self.means.site.survey()
                past = recall(self.job, known, survey.listings)
                plan = build(self.job, survey, past, owing, journal.began.stamp, self.keep)
            journal.write(self._surveyed(survey, past, plan))
        self.means.tell(PlanMade(plan))
        for warning in plan.warnings:
            self.means.tell(Warned(warning))
        return plan, past

    def _wait_for_room(self, journal: Journal, rotation: Rotation, known: Sequence[Origin]) -> None:
        """Read the lists again until the filer holds no name that must move, or `busy_wait` is over."""
        publisher = Publisher(self.job, journal, self.means)
        end = self.means.clock.monotonic() + self.job.busy_wait
        while rotation.blocked is not None and not self.means.stopped():
            left = end - self.means.clock.monotonic()
            if left <= 0:
                return
            publisher.wait(rotation, left)
            listings = publisher.listings()
            rotation = make_room(self.job, listings, recall(self.job, known, listings).pending)

    def _surveyed(self, survey: Survey, past: Past, plan: Plan) -> Surveyed:
        commands = tuple(self.means.site.command(step) for step in plan.steps)
        listings = tuple(Listed(volume, rows) for volume, rows in survey.listings.items())
        ssids = tuple(row.ssid for row in survey.vm_snapshots)
        asked, left = tuple(vm.id for vm in plan.asked), tuple(vm.id for vm, _ in plan.left)
        return Surveyed(commands, asked, ssids, listings, past.origins, left)

    def _report(self, outcome: _Outcome) -> Report:
        execution = outcome.execution
        for one in outcome.earlier:
            outcome.add(owed(one.journal.facts), one.vms.unreachable)
        if outcome.journal is not None:
            unreachable = execution is not None and execution.unreachable
            outcome.add(owed(outcome.journal.facts), unreachable)
        alarm = outcome.debts or outcome.lost or outcome.unsettled
        code = worst(outcome.exit, Exit.DEBTS) if alarm else outcome.exit
        report = Report(
            self.job.name,
            outcome.stamp,
            code,
            execution.certified.grade if execution is not None and execution.proven else None,
            execution.certified.verdicts if execution is not None else (),
            execution.name if execution is not None else "",
            execution is not None and execution.published,
            (*map(_told, outcome.debts), *map(_told_lost, outcome.lost)),
            _kept_in_view(outcome.watched),
            self.means.clock.monotonic() - outcome.began,
            execution.window if execution is not None else 0.0,
        )
        self._conclude(outcome.journal, report, outcome.why)
        return report

    def _conclude(self, journal: Journal | None, report: Report, why: str) -> None:
        """Write the report and forget old runs; neither is a reason to call a backup failed."""
        if journal is None:
            return
        self.memory.close(journal, report.exit, "; ".join([*report.debts, why] if why else report.debts))
        if journal.broken:
            self.means.tell(Warned(journal.broken, "the next run looks again at what could not be written down"))
        journal.leave()
        try:
            self.memory.prune(self.job.name, self.keep_journals)
        except SnapallError as error:
            self.means.tell(Warned(error.message, error.hint))


def _told(debt: VmDebt) -> str:
    """A VM that may be left quiesced, with what is known of its snapshot."""
    what = f"{debt.name} ({debt.ssid})" if debt.ssid else f"{debt.name}, whose id is not known yet"
    return f"{debt.vm.label}: {what}"


def _told_lost(debt: VmDebt) -> str:
    """A VM that was given up on; its files may hold the snapshot."""
    return f"{debt.vm.label}: not registered any more, and {debt.name} may be among its files"


def _kept_in_view(watched: Sequence[VmDebt]) -> tuple[str, ...]:
    """Why the next run looks at these VMs again although no alarm is due."""
    released = [debt.vm.label for debt in watched if debt.released is not None]
    failed = [debt.vm.label for debt in watched if debt.released is None]
    lines = []
    if released:
        lines.append(f"released, but the database could not be asked whether that took effect: {', '.join(released)}")
    if failed:
        lines.append(f"failed and not there, though the next run looks once more: {', '.join(failed)}")
    return tuple(lines)
