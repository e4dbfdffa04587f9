"""One job of a `run`: the backup, its hooks and the metrics; a defect of snapall ends only this job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from snapall.app.opening import store_of
from snapall.app.runbook import update_books
from snapall.app.statistics import history_of
from snapall.app.status import update_metrics
from snapall.app.vmx import copy_vmx
from snapall.backup.bus import Listener
from snapall.backup.clock import Clock, SystemClock
from snapall.backup.context import RunContext, defect, guarded, named_defect
from snapall.backup.facts import Failed, Warned
from snapall.backup.journal import journals
from snapall.backup.model import Job, Pace
from snapall.backup.outcome import Report
from snapall.backup.private import arrange
from snapall.backup.record import Record, What
from snapall.backup.report import Before, alarming, report_of
from snapall.backup.run import BackupRun
from snapall.backup.runstate import RunState
from snapall.config.settings import Config
from snapall.errors import Exit, JournalError, SnapallError, worst
from snapall.operate.hooks import HookRunner
from snapall.operate.launcher import GuardianLauncher
from snapall.restore.journal import UseStore
from snapall.restore.luns.client import Luns
from snapall.restore.night import meet
from snapall.site import OpenSite, transport_to


@dataclass(frozen=True, slots=True)
class JobRun:
    """A job and everything its backup needs. `keep`: the name of a backup that is never rotated.

    `if_older_than`: seconds; no backup is taken while the newest good one is younger.
    """

    settings: Config
    job: Job
    pace: Pace
    clock: Clock
    listener: Listener
    stopped: Callable[[], bool]
    launcher: GuardianLauncher
    keep: str = ""
    if_older_than: float | None = None

    def run(self) -> Exit:
        """Back up the job. Raises no Exception, so that the next job runs whatever happens to this one."""
        hooks = HookRunner(self.settings, self.job.name, self.publish, self.stopped)
        report, code, why = self._back_up(hooks)
        defects: list[str] = []

        def fail(*parts: str) -> None:
            defects.append(parts[0])
            self.publish(Failed(*parts))

        with guarded(fail):
            code = worst(code, copy_vmx(self.settings, self.job, report, self.publish, self.stopped))
        if report is not None and not self.stopped():  # after the vmx copies, which it names
            update_books(self.settings, self.job, report.stamp, self.publish)
        with guarded(fail):
            hooks.after(report if report is None or not report.skipped else None, code, why)
        update_metrics(self.settings, self.publish)
        return worst(code, Exit.PARTIAL) if defects else code

    def publish(self, what: What) -> None:
        """Send the listener a record of this moment."""
        self.listener(Record(datetime.now(UTC), what))

    def _back_up(self, hooks: HookRunner) -> tuple[Report | None, Exit, str]:
        """Return the report, the exit code, and the reason of a failure that has no report."""
        earlier = frozenset(journals(self.settings.state / "journals", self.job.name))
        try:
            report = self._backup(hooks).run()
        except SnapallError as error:
            self.publish(Failed(*error.parts))
            return None, error.exit, error.message
        except Exception as error:  # noqa: BLE001 - a defect must stop neither the next job nor the hooks of this one
            self.publish(Failed(*defect()))
            why = named_defect(error)
            return *self._left(earlier, why), why
        return report, report.exit, report.why

    def _backup(self, hooks: HookRunner) -> BackupRun:
        settings = self.settings
        arrange(settings.state, settings.readers, lambda *parts: self.publish(Warned(*parts)))
        return BackupRun(
            job=self.job,
            pace=self.pace,
            context=RunContext(OpenSite(self.job, settings), self.clock, self.listener, self.stopped),
            store=store_of(settings, self.clock),
            keep=self.keep,
            keep_journals=settings.keep_journals,
            history=history_of(settings, self.job),
            guard=self.launcher.guard_of(self.job, self.stopped, lambda *parts: self.publish(Warned(*parts))),
            before=lambda stamp: self._before(hooks, stamp),
            if_older_than=self.if_older_than,
        )

    def _before(self, hooks: HookRunner, stamp: str) -> None:
        """Before the survey: what uses of backups mean for this run, then the hooks. Refused: nothing can be taken."""
        store = UseStore(store_of(self.settings, self.clock))
        filer = self.settings.filers[self.job.filer]
        luns = Luns(transport_to(filer.for_restore), filer.name, filer.host)

        def warn(*parts: str) -> None:
            self.publish(Warned(*parts))

        try:
            meet(store, luns, self.job, filer.host, warn)
            store.prune(self.job.name, self.settings.keep_journals)
        except JournalError as error:
            warn(*error.parts)
        hooks.before(stamp)

    def _left(self, earlier: frozenset[Path], why: str) -> tuple[Report | None, Exit]:
        """Return the report of the run that a defect ended, if it had begun, and the exit code, by the journals."""
        store = store_of(self.settings, SystemClock())
        try:
            left = any(alarming(store.read(path)) for path in store.open_runs(self.job.name))
            begun = [path for path in journals(store.folder, self.job.name) if path not in earlier]
            state = store.read(begun[-1]) if begun else RunState()
        except JournalError:
            return None, Exit.OUTSTANDING
        code = Exit.PARTIAL if begun and state.confirmed else Exit.FAILED
        code = worst(code, Exit.OUTSTANDING) if left else code
        if not begun:
            return None, code
        report = report_of(state, Before(self.job.name, state.header.stamp, code, why=why), 0.0)
        return report, report.exit
