"""A job's hooks: the administrator's own commands before and after a run, never while a VM is held."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from snapall.backup.facts import Warned
from snapall.backup.outcome import Report
from snapall.backup.record import What
from snapall.config.settings import Config, Hooks
from snapall.errors import Exit, SiteError, SnapallError, Stopped
from snapall.escaping import printable
from snapall.site import hook_process

_LINES = 10  # of what a hook printed that are told
_SHORT = 4096  # characters of a text that a variable holds: systems bound them all together


class HookMoment(StrEnum):
    """When a hook runs; the value is its key in the configuration."""

    BEFORE = "before"
    AFTER = "after"
    ON_FAILURE = "on_failure"


@dataclass(frozen=True, slots=True)
class HookRunner:
    """Runs the hooks of one job. `tell` hears of each; `stopped`: whether a signal came."""

    settings: Config
    job: str
    tell: Callable[[What], None]
    stopped: Callable[[], bool]

    @property
    def _hooks(self) -> Hooks:
        return self.settings.hooks.get(self.job, Hooks())

    def before(self, stamp: str) -> None:
        """Run the hook of that name, if there is one. SnapallError: it did not go well, so no backup is begun."""
        if not self._hooks.before:
            return
        facts = {"job": self.job, "run": stamp, "phase": str(HookMoment.BEFORE)}
        trouble = self._run(HookMoment.BEFORE, self._hooks.before, facts)
        if self.stopped():
            raise Stopped("a signal came while the before-hook ran: nothing was begun")
        if trouble:
            raise SnapallError(
                f"the before-hook did not go well, so no backup was begun: {trouble}",
                f"mend it, or take `before` out of [jobs.{self.job}.hooks]",
            )

    def after(self, report: Report | None, code: Exit, why: str = "") -> None:
        """Run `after`, and `on_failure` unless the run exits with 0. Neither changes what the run exits with.

        `report` is None, and `after` is left out, where the run did not begin.
        """
        for phase, argv in (
            (HookMoment.AFTER, self._hooks.after if report is not None else ()),
            (HookMoment.ON_FAILURE, self._hooks.on_failure if code is not Exit.OK else ()),
        ):
            if argv:
                trouble = self._run(phase, argv, facts_of(self.job, phase, report, code, why))
                if trouble:
                    self.tell(Warned(f"the {phase} hook did not go well: {trouble}", "the backup is what it is"))

    def _run(self, phase: HookMoment, argv: tuple[str, ...], facts: Mapping[str, object]) -> str:
        """Why the hook did not go well; "" it did. After a run a signal has been heeded already: it has its time."""
        environ = {name: value for name, value in os.environ.items() if name not in self.settings.secret_variables}
        environ |= {
            f"SNAPALL_{name.upper()}": printable(str(value).lower() if isinstance(value, bool) else str(value))[:_SHORT]
            for name, value in facts.items()
            if isinstance(value, str | int | float)
        }
        handed = json.dumps(facts).encode()
        try:
            stopped = self.stopped if phase is HookMoment.BEFORE else (lambda: False)
            ran = hook_process.run(argv, handed, environ, self._hooks.timeout, stopped)
        except SiteError as error:
            return error.message
        output = [line for line in ran.output.splitlines() if line.strip()]
        if ran.code == 0:
            return ""
        how = f"exit code {ran.code}" if ran.code is not None else f"no end within {self._hooks.timeout:g} s"
        return printable(": ".join([how, *([" / ".join(output[-_LINES:])] if output else [])]))


def facts_of(job: str, phase: HookMoment, report: Report | None, code: Exit, why: str) -> dict[str, object]:
    """What a hook is told of a run, on its stdin and, as far as it is short, in variables. No password is in it."""
    facts: dict[str, object] = {"job": job, "phase": str(phase), "exit": int(code), "why": why}
    if report is None:
        return facts
    return facts | {
        "run": report.stamp,
        "grade": report.grade.name.lower().replace("_", "-") if report.grade is not None else "",
        "snapshot": report.name,
        "published": report.published,
        "seconds": round(report.seconds, 1),
        "window": round(report.window, 1),
        "vms": [
            {"vm": one.vm.moref, "name": one.vm.name, "state": one.state, "why": one.why} for one in report.verdicts
        ],
        "outstanding": list(report.outstanding),
        "watched": list(report.watched),
    }
