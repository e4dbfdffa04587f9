"""One job of a `run`: its backup, its hooks and the metrics, whatever comes of it, a defect of snapall included."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from snapall.app.opening import store_of
from snapall.app.statistics import history_of
from snapall.app.status import update_metrics
from snapall.backup.bus import Listener
from snapall.backup.clock import Clock, SystemClock
from snapall.backup.context import RunContext, defect, guarded, named_defect
from snapall.backup.facts import Failed
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
from snapall.site import OpenSite


@dataclass(frozen=True, slots=True)
class JobRun:
    """A job, and all that backing it up takes. `keep`: the name of a backup outside the chain."""

    settings: Config
    job: Job
    pace: Pace
    clock: Clock
    listener: Listener
    stopped: Callable[[], bool]
    post: GuardianLauncher
    keep: str = ""

    def run(self) -> Exit:
        """Back the job up. Raises no Exception: the next job does not pay for what goes wrong with this one."""
        attendant = HookRunner(self.settings, self.job.name, self.publish, self.stopped)
        report, code, why = self._back_up(attendant)
        defects: list[str] = []

        def fail(text: str, hint: str) -> None:
            defects.append(text)
            self.publish(Failed(text, hint))

        with guarded(fail):
            attendant.after(report, code, why)
        update_metrics(self.settings, self.publish)
        return worst(code, Exit.PARTIAL) if defects else code

    def publish(self, what: What) -> None:
        """Let the listener know."""
        self.listener(Record(datetime.now(UTC), what))

    def _back_up(self, attendant: HookRunner) -> tuple[Report | None, Exit, str]:
        """The report, the exit code, and why it is not 0 where no report says it."""
        earlier = frozenset(journals(self.settings.state / "journals", self.job.name))
        try:
            report = self._backup(attendant).run()
        except SnapallError as error:
            self.publish(Failed(error.message, error.hint))
            return None, error.exit, error.message
        except Exception as error:  # noqa: BLE001 - a defect must cost neither the next job nor the word of this one
            self.publish(Failed(*defect()))
            why = named_defect(error)
            return *self._left(earlier, why), why
        return report, report.exit, report.why

    def _backup(self, attendant: HookRunner) -> BackupRun:
        settings = self.settings
        arrange(settings.state, settings.readers)
        return BackupRun(
            job=self.job,
            pace=self.pace,
            context=RunContext(OpenSite(self.job, settings), self.clock, self.listener, self.stopped),
            store=store_of(settings, self.clock),
            keep=self.keep,
            keep_journals=settings.keep_journals,
            history=history_of(settings, self.job),
            guard=self.post.guard_of(self.job, self.stopped),
            before=attendant.before,
        )

    def _left(self, earlier: frozenset[Path], why: str) -> tuple[Report | None, Exit]:
        """What a defect has left, by the journals: the report of this very run, if it got as far as having one."""
        store = store_of(self.settings, SystemClock())
        try:
            left = any(alarming(store.read(path)) for path in store.open_runs(self.job.name))
            begun = [path for path in journals(store.folder, self.job.name) if path not in earlier]
            state = store.read(begun[-1]) if begun else RunState()
        except JournalError:
            return None, Exit.DEBTS
        code = Exit.PARTIAL if begun and state.confirmed else Exit.FAILED
        code = worst(code, Exit.DEBTS) if left else code
        if not begun:
            return None, code
        report = report_of(state, Before(self.job.name, state.header.stamp, code, why=why), 0.0)
        return report, report.exit
