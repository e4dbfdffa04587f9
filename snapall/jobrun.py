"""One job of a `run`: its backup, its hooks and the metrics, whatever comes of it, a defect of snapall included."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from snapall.asking import measure
from snapall.backup.clock import Clock, SystemClock
from snapall.backup.events import Event, Failed, Happening, Listener, Report, RunEnded
from snapall.backup.journal import journals
from snapall.backup.means import Means, guarded
from snapall.backup.memory import Memory
from snapall.backup.model import Job, Pace
from snapall.backup.run import Night
from snapall.errors import Exit, SnapallError, worst
from snapall.operate.aftermath import Aftermath, aftermath
from snapall.operate.hooks import Attendant
from snapall.operate.post import Post
from snapall.settings import Config
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
    post: Post
    keep: str = ""

    def run(self) -> Exit:
        """Back the job up. Raises no Exception: the next job is not to pay for what goes wrong with this one."""
        attendant = Attendant(self.settings, self.job.name, self.say, self.stopped)
        report, code, why = self._back_up(attendant)
        defects: list[str] = []

        def fail(text: str, hint: str) -> None:
            defects.append(text)
            self.say(Failed(text, hint))

        with guarded(fail):
            attendant.after(report, code, why)
        measure(self.settings, self.say)
        return worst(code, Exit.PARTIAL) if defects else code

    def say(self, what: Happening) -> None:
        """Let the listener know."""
        self.listener(Event(datetime.now(UTC), what))

    def _back_up(self, attendant: Attendant) -> tuple[Report | None, Exit, str]:
        """The report, the exit code, and why it is not 0 where no report tells it."""
        settings, job = self.settings, self.job
        earlier = frozenset(journals(settings.state / "journals", job.name))
        try:
            means = Means(OpenSite(job, settings), self.clock, self.listener, self.stopped)
            memory, guard = Memory(settings.state, self.clock), self.post.guard_of(job, self.stopped)
            night = Night(job, self.pace, means, memory, self.keep, settings.keep_journals, guard, attendant.before)
            report = night.run()
        except SnapallError as error:
            self.say(Failed(error.message, error.hint))
            return None, error.exit, error.message
        except Exception as error:  # noqa: BLE001 - a defect must cost neither the next job nor the word of this one
            text = f"a defect of snapall:\n{traceback.format_exc()}"
            self.say(Failed(text, "please report it, with the journal of this run"))
            left = self._left(earlier)
            if left.report is not None:
                self.say(RunEnded(left.report))
            return left.report, left.exit, f"a defect of snapall: {type(error).__name__}: {error}"
        return report, report.exit, ""

    def _left(self, earlier: frozenset[Path]) -> Aftermath:
        """What the run leaves; where even that cannot be found out, VMs may be left quiesced."""
        try:
            return aftermath(Memory(self.settings.state, SystemClock()), self.job, earlier)
        except Exception as error:  # noqa: BLE001 - as above
            self.say(Failed(f"what the run has left cannot be found out: {error}", "run `snapall recover`"))
            return Aftermath(Exit.DEBTS, None)
