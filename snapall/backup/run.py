"""One job's nightly run: lock, settle, survey, plan, drive, report."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta

from snapall import __version__
from snapall.backup.actions import Policy
from snapall.backup.case import Case
from snapall.backup.context import Guard, RunContext, defect, guarded, named_defect, unguarded
from snapall.backup.decide_rotation import BUSY_PAUSE
from snapall.backup.engine import Engine
from snapall.backup.facts import FORMAT, Began, Failed, Left, Listed, ReleaseBegan, Surveyed, TakenOver, Warned
from snapall.backup.freshness import not_due
from snapall.backup.journal import Journal
from snapall.backup.lock import RUN
from snapall.backup.model import Job, Order, Pace, Survey
from snapall.backup.origins import Provenance, recall
from snapall.backup.outcome import Origin, Report
from snapall.backup.plan import Plan, PlanContext, build
from snapall.backup.publishing import publish_due
from snapall.backup.record import Forecast, RunEnded, Stage, Waiting
from snapall.backup.report import Before, losses, report_of
from snapall.backup.rotation import Rotation, make_room
from snapall.backup.runstate import RunState
from snapall.backup.schedule import History
from snapall.backup.settling import announce, close, settled_code, sweep_policy
from snapall.backup.store import JournalStore
from snapall.errors import Exit, SiteError, SnapallError, worst

_LETTERS = string.ascii_lowercase + string.digits


@dataclass(slots=True)
class _Outcome:
    """What a run has come to so far."""

    stamp: str
    began: float  # monotonic
    code: Exit = Exit.OK  # of what stopped it before, or outside of, its plan
    why: str = ""
    case: Case | None = None
    earlier: list[Case] = field(default_factory=list)  # runs that were still open
    unsettled: bool = False  # whether settling one of them failed, so that nobody knows what is outstanding
    skipped: str = ""  # why no backup was due

    @property
    def cases(self) -> list[Case]:
        """All runs that this one works on."""
        return [*self.earlier, *([self.case] if self.case is not None else [])]


@dataclass(frozen=True, slots=True)
class BackupRun:
    """A job and what its run needs. `keep`: the name of a backup outside the chain."""

    job: Job
    pace: Pace
    context: RunContext
    store: JournalStore
    keep: str = ""
    keep_journals: int = 400
    history: History = field(default_factory=History)
    guard: Guard = unguarded
    token: str = field(default_factory=lambda: "".join(secrets.choice(_LETTERS) for _ in range(4)))
    before: Callable[[str], None] = lambda _: None  # called with the stamp before any quiesce; may refuse
    if_older_than: float | None = None  # seconds: no backup is due while the newest good one is younger

    def run(self) -> Report:
        """Back up the job. Every expected failure is published and counts in the report's exit code.

        Locked: another run of the job is at work.
        """
        began = self.context.clock.monotonic()
        with self.store.lock(self.job.name, RUN, self.context.stopped, self._warn):
            outcome = _Outcome(self.store.stamp(), began)
            try:
                self._work(outcome)
                report = self._report(outcome)
            finally:
                for case in outcome.cases:
                    case.journal.leave()
        self.context.publish(RunEnded(report))
        return report

    def _warn(self, *parts: str) -> None:
        self.context.publish(Warned(*parts))

    def _work(self, outcome: _Outcome) -> None:
        site, stamp = self.context.site, outcome.stamp
        header = Began(self.job, stamp, site.vcenter, site.filer, self.pace, __version__, self.keep, FORMAT, self.token)
        self.context.publish(header)
        if self.history.window is not None and self.history.run is not None:
            self.context.publish(Forecast(self.history.window, self.history.run))
        with self._reported(outcome):
            self._settle(outcome)  # first: no VM of an earlier run waits for a hook
            if not self._skips(outcome):
                self._back_up(outcome, header)
        self._look_again(outcome)

    def _back_up(self, outcome: _Outcome, header: Began) -> None:
        journal = self.store.begin(header)
        claims = self.store.claims(journal.path, header.vcenter)
        case = outcome.case = Case(journal, self.context, Policy(backup=True), claims)
        self.before(outcome.stamp)
        ready = self.guard(journal.path)  # it starts during the survey
        self._plan(case, outcome)
        ready()
        engine = Engine(case)
        try:
            engine.drive()
        except Exception:  # noqa: BLE001 - a defect of the decisions must not keep the VMs quiesced
            case.record(Failed(*defect()), ReleaseBegan("a bug in snapall"))
            case.policy = Policy()
            engine.drive()
        except BaseException:  # an interrupt without a handler: release first, then pass it on
            case.record(ReleaseBegan("an interrupt"))
            case.policy = Policy()
            engine.drive()
            raise

    @contextmanager
    def _reported(self, outcome: _Outcome) -> Iterator[None]:
        """Report what ends the work early; a defect with its traceback."""
        try:
            yield
        except SnapallError as error:
            self._fail(outcome, Failed(*error.parts))
            outcome.why = error.message
            outcome.code = Exit.STOPPED if self.context.stopped() else error.exit
        except Exception as error:  # noqa: BLE001 - other jobs, hooks and the report still have their turn
            self._fail(outcome, Failed(*defect()))
            confirmed = outcome.case is not None and outcome.case.state.confirmed
            outcome.why = named_defect(error)
            outcome.code = Exit.PARTIAL if confirmed else Exit.FAILED

    def _fail(self, outcome: _Outcome, failure: Failed) -> None:
        if outcome.case is not None:
            outcome.case.record(failure)
        else:
            self.context.publish(failure)

    # Earlier runs

    def _settle(self, outcome: _Outcome) -> None:
        """Settle what earlier runs of this job left, without waiting. SiteError: a name of the chain is in doubt."""
        paths = self.store.open_runs(self.job.name)
        with self.context.stage(Stage.SETTLE) if paths else nullcontext():
            for path in paths:  # a damaged one must stop neither the others nor tonight's backup
                with guarded(lambda *parts: self._unsettled(outcome, Failed(*parts))):
                    self._sweep(self.store.open(path), outcome)
        for job in self.store.unsettled(but=self.job.name):
            self.context.publish(
                Warned(f"an earlier run of job {job} is unfinished", f"run `snapall recover {job}`", "SA-1401")
            )
        for state in (case.state for case in outcome.earlier if case.policy.filer):
            for one in state.unsure:
                if one.name in self.job.chain:  # in paper order: a new capture would get the same name
                    raise SiteError(
                        f"it is unknown whether an earlier run made {one.name} on {one.volume}: nothing was changed",
                        "`snapall recover` finds out once the filer answers again",
                        "SA-1006",
                    )

    def _sweep(self, journal: Journal, outcome: _Outcome) -> None:
        case = Case(journal, self.context, sweep_policy(journal.began, self.context))
        outcome.earlier.append(case)
        announce(case)
        case.record(TakenOver("the next run", "the run had left it open"))
        self._drive(case)

    def _drive(self, case: Case, beside: Case | None = None) -> None:
        Engine(case, beside=beside).drive()
        close(case, settled_code(case.state), "settled by the next run")

    def _unsettled(self, outcome: _Outcome, failure: Failed) -> None:
        outcome.unsettled = True
        self.context.publish(failure)

    def _look_again(self, outcome: _Outcome) -> None:
        """At the end, check the VMs of earlier runs once more: nothing waits for it now."""
        for case in outcome.earlier:
            if case.state.outstanding and case.policy.vms:
                with guarded(lambda *parts: self._unsettled(outcome, Failed(*parts))):
                    case.policy = Policy(filer=False)
                    case.look_again()
                    self._drive(case, beside=outcome.case)

    def _skips(self, outcome: _Outcome) -> bool:
        """Whether no backup is due yet; then what is confirmed and still pending is published now."""
        if self.if_older_than is None:
            return False
        known = self.store.known(self.job.name, [one.state for one in outcome.earlier])
        listings = {volume: self.context.site.listing(volume) for volume in self.job.volumes}
        past, now = recall(self.job, known, listings), self.context.clock.utc()
        outcome.skipped = not_due(self.job, past, self.if_older_than, now)
        if outcome.skipped:
            outcome.code = publish_due(
                self.job, self.store, lambda _: self.context, outcome.earlier, "the next run", wait=False
            )
        return bool(outcome.skipped)

    # The plan

    def _plan(self, case: Case, outcome: _Outcome) -> None:
        """Survey and plan; if this fails, nothing has changed. In paper order, first wait for a busy name."""
        known = self.store.known(self.job.name, [one.state for one in outcome.earlier])
        owing = self.store.states(but=(case.journal.path,))
        with self.context.stage(Stage.SURVEY):
            survey = self.context.site.survey()
            plan, past = self._built(case, survey, known, owing)
            if self.job.order is Order.PAPER and plan.rotation.blocked is not None:
                self._wait_for_room(plan.rotation, known)
                survey = self.context.site.survey()
                plan, past = self._built(case, survey, known, owing)
            case.write(self._surveyed(survey, past, plan))
        for warning in plan.warnings:
            case.record(warning)

    def _built(
        self, case: Case, survey: Survey, known: Sequence[Origin], owing: Sequence[RunState]
    ) -> tuple[Plan, Provenance]:
        past = recall(self.job, known, survey.listings)
        here = tuple(state for state in owing if state.header.vcenter == self.context.site.vcenter)
        now, new = self.context.clock.utc(), self.store.new_for(self.job.name)
        context = PlanContext(here, (), self.history.usual, self.history.missed, self.pace.parallel, now, new)
        return build(self.job, survey, past, context, case.state.header.mark, self.keep), past

    def _wait_for_room(self, rotation: Rotation, known: Sequence[Origin]) -> None:
        """Read the lists again until no name that must move is busy, or `busy_wait` is over."""
        clock, site = self.context.clock, self.context.site
        end = clock.monotonic() + self.job.busy_wait
        while rotation.blocked is not None and not self.context.stopped():
            left = end - clock.monotonic()
            if left <= 0:
                return
            self.context.publish(Waiting(clock.utc() + timedelta(seconds=left), str(rotation.blocked)))
            clock.wait(min(BUSY_PAUSE, left), self.context.stopped)
            listings = {volume: site.listing(volume) for volume in self.job.volumes}
            rotation = make_room(self.job, listings, recall(self.job, known, listings).pending)

    def _surveyed(self, survey: Survey, past: Provenance, plan: Plan) -> Surveyed:
        return Surveyed(
            commands=tuple(self.context.site.command(step) for step in plan.steps),
            targets=plan.targets,
            present=tuple(row.ssid for row in survey.vm_snapshots),
            listings=tuple(Listed(volume, rows) for volume, rows in survey.listings.items()),
            origins=past.origins,
            left=tuple(Left(vm, why) for vm, why in plan.left),
            skipped=plan.skipped,
            capture=plan.capture,
            moves=plan.rotation.steps,
            removals=plan.removals,
        )

    # The report

    def _report(self, outcome: _Outcome) -> Report:
        case, earlier = outcome.case, tuple(one.state for one in outcome.earlier)
        before = Before(self.job.name, outcome.stamp, outcome.code, earlier, outcome.unsettled, outcome.why)
        state = case.state if case is not None else RunState()
        for loss in (loss for one in (*earlier, state) for loss in losses(one)):
            self._fail(outcome, loss)
        forgotten = case is not None and not case.journal.in_place
        report = report_of(state, before, self.context.clock.monotonic() - outcome.began, forgotten=forgotten)
        if case is None:
            return replace(report, skipped=outcome.skipped)
        why = [outcome.why] if outcome.why else []
        lost = "no later run knows of this one: `snapall audit` shows what it may have left" if report.forgotten else ""
        close(case, report.exit, "; ".join([*report.outstanding, *why]), lost)
        if case.journal.broken:  # an incomplete journal is no whole success
            report = replace(report, exit=worst(report.exit, Exit.PARTIAL))
        case.journal.leave()
        with guarded(lambda *parts: self.context.publish(Warned(*parts))):
            self.store.prune(self.job.name, self.keep_journals)
        return report
