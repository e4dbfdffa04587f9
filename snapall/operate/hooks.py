"""A job's hooks: the administrator's own commands before and after a run, never while a VM is quiesced."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from snapall.backup.facts import Warned
from snapall.backup.outcome import Report
from snapall.backup.record import What
from snapall.config.settings import Config, Hooks
from snapall.config.shells import is_batch, without_specials
from snapall.errors import Exit, SiteError, SnapallError, Stopped
from snapall.escaping import printable
from snapall.site import hook_process
from snapall.site.masking import Mask
from snapall.site.process import environment_without, exit_text
from snapall.site.programs import resolved

_LINES = 10  # of a hook's output that are reported
_SHORT = 4096  # characters in a variable: systems limit the size of the environment


class HookPoint(StrEnum):
    """When a hook runs; the value is its key in the configuration."""

    BEFORE = "before"
    AFTER = "after"
    ON_FAILURE = "on_failure"


@dataclass(frozen=True, slots=True)
class HookRunner:
    """Runs the hooks of one job. `publish` gets the warnings; `stopped`: whether a signal has arrived."""

    settings: Config
    job: str
    publish: Callable[[What], None]
    stopped: Callable[[], bool]

    @property
    def _hooks(self) -> Hooks:
        return self.settings.hooks.get(self.job, Hooks())

    def before(self, stamp: str) -> None:
        """Run the before-hook, if there is one. SnapallError: it failed and is required, so no backup is begun."""
        if not self._hooks.before:
            return
        facts = {"job": self.job, "run": stamp, "phase": str(HookPoint.BEFORE)}
        trouble = self._run(HookPoint.BEFORE, self._hooks.before, facts)
        if self.stopped():
            raise Stopped("stopped by a signal during the before-hook: nothing was begun", code="SA-5101")
        if trouble and self._hooks.required:
            raise SnapallError(
                f"the before-hook failed, so no backup was begun: {trouble}",
                f"fix the hook, or set required = false in [jobs.{self.job}.hooks] if the backup works without it",
                "SA-5102",
            )
        if trouble:
            self._warn(HookPoint.BEFORE, trouble)

    def after(self, report: Report | None, code: Exit, why: str = "") -> None:
        """Run `after`, and `on_failure` unless the exit code is 0. Neither changes the exit code.

        If the run did not begin, `report` is None and `after` is not run.
        """
        for phase, argv in (
            (HookPoint.AFTER, self._hooks.after if report is not None else ()),
            (HookPoint.ON_FAILURE, self._hooks.on_failure if code is not Exit.OK else ()),
        ):
            if argv:
                trouble = self._run(phase, argv, facts_of(self.job, phase, report, code, why))
                if trouble:
                    self._warn(phase, trouble)

    def _warn(self, phase: HookPoint, trouble: str) -> None:
        remedy = "check the hook; the backup is not affected"
        self.publish(Warned(f"the {phase} hook failed: {trouble}", remedy, "SA-5103"))

    def _run(self, phase: HookPoint, argv: tuple[str, ...], facts: Mapping[str, object]) -> str:
        """Run a hook and return why it failed, "" if it did not. A signal stops only the before-hook.

        A batch file expands its variables before it takes its lines apart, so the name of a VM could be a command
        there: what cmd.exe acts upon is replaced. The JSON on stdin has every text as it is.
        """
        batch = is_batch(resolved(argv)[0])
        environ = environment_without(self.settings.secret_variables) | {
            f"SNAPALL_{name.upper()}": without_specials(text) if batch else text for name, text in _scalars(facts)
        }
        stdin = json.dumps(facts).encode()
        try:
            stopped = self.stopped if phase is HookPoint.BEFORE else (lambda: False)
            ran = hook_process.run(argv, stdin, environ, self._hooks.timeout, stopped)
        except SiteError as error:
            return error.message
        if ran.code == 0:
            return ""
        how = exit_text(ran.code) if ran.code is not None else f"not finished after {self._hooks.timeout:g} s"
        said = Mask(*self.settings.passwords).broken_off(ran.output)
        output = " / ".join([line for line in said.splitlines() if line.strip()][-_LINES:])
        return printable(f"{how}: {output}" if output else how)


def _scalars(facts: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The facts that fit into a variable."""
    for name, value in facts.items():
        if isinstance(value, str | int | float):
            yield name, printable(str(value).lower() if isinstance(value, bool) else str(value))[:_SHORT]


def facts_of(job: str, phase: HookPoint, report: Report | None, code: Exit, why: str) -> dict[str, object]:
    """Return the facts for a hook: JSON on its stdin, scalar fields also in variables. They contain no password."""
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
