"""One line an event, for a pipe, a scheduler's mail, or a terminal without graces."""

from __future__ import annotations

from typing import TextIO

from snapall.backup.events import (
    CaptureProven,
    DebtFound,
    Event,
    Failed,
    Guarded,
    PlanMade,
    RunBegan,
    RunEnded,
    StageBegan,
    StageEnded,
    StepBegan,
    StepEnded,
    VmFree,
    Waiting,
    Warned,
)
from snapall.backup.steps import Done
from snapall.errors import Exit
from snapall.views import words


class PlainLines:
    """Writes to a stream, a line at a time. `quiet`: only trouble, and nothing at all of a good night.

    Raises what the stream raises: a reader that has gone is not written to again.
    """

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet

    def __call__(self, event: Event) -> None:
        """Tell one event."""
        lines = self._trouble(event) if self._quiet else [*self._story(event), *self._trouble(event)]
        for line in lines:
            indent = "" if line.startswith("  ") else f"{event.at.astimezone():%H:%M:%S} "
            self._stream.write(f"{indent}{words.safe(line)}\n")
        if lines:
            self._stream.flush()

    def _story(self, event: Event) -> list[str]:
        match event.what:
            case RunBegan(job, stamp, order):
                return [f"job {job.name}: run {stamp}, order {order}"]
            case StageBegan(stage):
                return [f"-- {stage}"]
            case PlanMade(plan):
                return [f"{len(plan.asked)} VMs to quiesce, {len(plan.left)} left out, {len(plan.skipped)} skipped"]
            case StepEnded(_, step, Done() as outcome, seconds):
                return [f"{words.done(step, outcome)}  {seconds:.1f} s"]
            case CaptureProven(volume, name, date, late):
                seen = "seen only now" if late else "proven"
                return [f"{name} on {volume} is {seen}, dated {date}"]
            case DebtFound(vm, name, run):
                return [f"{vm.label} may still have {name} of run {run}"]
            case Guarded(job, run, text):
                return [f"job {job}, run {run}: {text}"]
            case Waiting(until, why):
                return [f"waiting until {until.astimezone():%H:%M:%S}: {why}"]
            case RunEnded(report) if report.exit is Exit.OK:
                return words.summary(report)
            case StepBegan() | StepEnded() | StageEnded() | VmFree() | Warned() | Failed() | RunEnded():
                return []

    def _trouble(self, event: Event) -> list[str]:
        match event.what:
            case StepEnded(_, step, outcome) if not isinstance(outcome, Done):
                return [words.done(step, outcome)]
            case Warned(text, hint):
                return [f"warning: {text}", *_remedy(hint)]
            case Failed(text, hint):
                return [*f"FAILED: {text}".splitlines(), *_remedy(hint)]
            case RunEnded(report) if report.exit is not Exit.OK:
                return words.summary(report)
            case _:
                return []


def _remedy(hint: str) -> list[str]:
    return [f"  remedy: {hint}"] if hint else []
