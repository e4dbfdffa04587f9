"""One job's nightly run: lock, settle, survey, plan, execute, report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from snapall import __version__
from snapall.backup.debts import Debts, VmDebt, owed
from snapall.backup.engine import Engine, Execution
from snapall.backup.events import (
    DebtFound,
    Failed,
    PlanMade,
    Report,
    RunBegan,
    RunEnded,
    StageBegan,
    StageEnded,
    Warned,
)
from snapall.backup.facts import Began, Listed, Surveyed
from snapall.backup.journal import Journal, hold
from snapall.backup.means import Means
from snapall.backup.memory import Memory
from snapall.backup.model import Job, Order, Pace, Survey, stamp_of
from snapall.backup.plan import FindVmSnapshots, ListVolume, Plan, Stage, build
from snapall.backup.provenance import Past, recall
from snapall.backup.publish import Publisher
from snapall.backup.settle import Settlement
from snapall.errors import Exit, SnapallError, worst


@dataclass(frozen=True, slots=True)
class Night:
    """A job and all that its run needs. `keep`: the name of a backup outside the chain."""

    job: Job
    pace: Pace
    means: Means
    memory: Memory
    keep: str = ""
    keep_journals: int = 400

    def run(self) -> Report:
        """Back the job up. Every expected failure is told to the listener and is in the report's exit code.

        Locked: another run of the job is at work.
        """
        began = self.means.clock.monotonic()
        with hold(self.memory.state, self.job.name, "run", self.means.clock, self.means.stopped):
            stamp = self._stamp()
            self.means.tell(RunBegan(self.job, stamp, self.job.order))
            report = self._held(stamp, began)
        self.means.tell(RunEnded(report))
        return report

    def _stamp(self) -> str:
        """This second, or the next one that no run of the job has: names must be of one run alone."""
        moment = self.means.clock.utc()
        while not self.memory.fresh(self.job.name, stamp_of(moment)):
            moment += timedelta(seconds=1)
        return stamp_of(moment)

    def _held(self, stamp: str, began: float) -> Report:
        execution: Execution | None = None
        journal: Journal | None = None
        old: tuple[Debts, ...] = ()
        try:
            settled = self._settle()
            old = tuple(owed(one.facts) for one in settled)
            header = Began(
                self.job, stamp, self.means.site.vcenter, self.means.site.filer, self.pace, __version__, self.keep
            )
            journal = self.memory.begin(header)
            plan, past = self._plan(journal, settled, old)
            if self.means.stopped():
                code = Exit.STOPPED
            else:
                execution = Engine(plan, past.pending, journal, self.means).execute()
                code = execution.exit
        except SnapallError as error:
            self.means.tell(Failed(error.message, error.hint))
            code = Exit.STOPPED if self.means.stopped() else error.exit
        return self._report(stamp, began, code, execution, journal, old)

    def _settle(self) -> list[Journal]:
        """Settle what earlier runs of this job owe, without waiting; answers their journals."""
        settled = []
        paths = self.memory.open_runs(self.job.name)
        if paths:
            self.means.tell(StageBegan(Stage.SETTLE))
        for path in paths:
            journal = self.memory.open(path)
            for debt in owed(journal.facts).vms:
                self.means.tell(DebtFound(debt.vm, debt.name, journal.began.stamp))
            debts = Settlement(journal, self.means, wait=False).settle()
            self.memory.close(journal, Exit.DEBTS if debts.vms else Exit.OK, "settled by the next run")
            settled.append(journal)
        if paths:
            self.means.tell(StageEnded(Stage.SETTLE, 0))
        for job in self.memory.jobs():
            if job != self.job.name:
                self.means.tell(Warned(f"a run of job {job} is not settled", "`snapall recover` settles every job"))
        return settled

    def _plan(self, journal: Journal, settled: Sequence[Journal], owing: tuple[Debts, ...]) -> tuple[Plan, Past]:
        """Survey and plan; nothing is changed when this fails. In paper order, wait for a held name first."""
        known = self.memory.known(self.job.name, settled)
        began = self.means.clock.monotonic()
        self.means.tell(StageBegan(Stage.SURVEY))
        survey = self.means.site.survey()
        past = recall(self.job, known, survey.listings)
        plan = build(self.job, survey, past, owing, journal.began.stamp, self.keep)
        if self.job.order is Order.PAPER and plan.rotation.blocked is not None:
            survey = self._wait_for_room(journal, survey, plan)
            past = recall(self.job, known, survey.listings)
            plan = build(self.job, survey, past, owing, journal.began.stamp, self.keep)
        journal.note(self._surveyed(survey, past, plan))
        self.means.tell(StageEnded(Stage.SURVEY, self.means.clock.monotonic() - began))
        self.means.tell(PlanMade(plan))
        for warning in plan.warnings:
            self.means.tell(Warned(warning))
        return plan, past

    def _wait_for_room(self, journal: Journal, survey: Survey, plan: Plan) -> Survey:
        """Read the lists again until the filer holds no name that must move, or `busy_wait` is over."""
        publisher = Publisher(self.job, journal, self.means)
        end = self.means.clock.monotonic() + self.job.busy_wait
        known = self.memory.known(self.job.name)
        while plan.rotation.blocked is not None and not self.means.stopped():
            left = end - self.means.clock.monotonic()
            if left <= 0:
                break
            publisher.wait(plan.rotation, left)
            survey = replace(survey, listings=publisher.listings())
            plan = build(self.job, survey, recall(self.job, known, survey.listings), (), plan.stamp, self.keep)
        return survey

    def _surveyed(self, survey: Survey, past: Past, plan: Plan) -> Surveyed:
        commands = tuple(
            self.means.site.command(one.action)
            for one in plan.actions
            if not isinstance(one.action, ListVolume | FindVmSnapshots)
        )
        listings = tuple(Listed(volume, rows) for volume, rows in survey.listings.items())
        ssids = tuple(row.ssid for row in survey.vm_snapshots)
        return Surveyed(commands, tuple(vm.id for vm in plan.asked), ssids, listings, past.origins)

    def _report(
        self,
        stamp: str,
        began: float,
        code: Exit,
        execution: Execution | None,
        journal: Journal | None,
        old: tuple[Debts, ...],
    ) -> Report:
        own = owed(journal.facts) if journal is not None else Debts()
        open_ = [debt for debts in old for debt in debts.vms]
        if execution is None or not execution.unconfirmed:
            open_ += own.vms
        if open_:
            code = worst(code, Exit.DEBTS)
        told = tuple(_told(debt) for debt in [*open_, *(own.vms if execution and execution.unconfirmed else ())])
        report = Report(
            self.job.name,
            stamp,
            code,
            execution.certified.grade if execution is not None and execution.proven else None,
            execution.certified.verdicts if execution is not None else (),
            execution.name if execution is not None else "",
            execution is not None and execution.published,
            told,
            self.means.clock.monotonic() - began,
            execution.window if execution is not None else 0.0,
        )
        self._conclude(journal, report)
        return report

    def _conclude(self, journal: Journal | None, report: Report) -> None:
        """Write the report and forget old runs; neither is a reason to call a backup failed."""
        if journal is None:
            return
        self.memory.close(journal, report.exit, "; ".join(report.debts))
        if journal.broken:
            self.means.tell(Warned(journal.broken, "the next run looks again at what could not be written down"))
        try:
            self.memory.prune(self.job.name, self.keep_journals)
        except SnapallError as error:
            self.means.tell(Warned(error.message, error.hint))


def _told(debt: VmDebt) -> str:
    """A VM that may be left quiesced, with what is known of its snapshot."""
    what = f"{debt.name} ({debt.ssid})" if debt.ssid else f"{debt.name}, whose id is not known yet"
    return f"{debt.vm.label}: {what}"
