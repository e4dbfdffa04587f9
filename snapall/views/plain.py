"""One line a record, for a pipe, a scheduler's mail, or a simple terminal."""

from __future__ import annotations

from typing import TextIO

from snapall.backup.facts import Answered, Began, Failed, Surveyed, Warned
from snapall.backup.record import Guarded, OutstandingFound, Record, RunEnded, Stage, StageBegan, Waiting
from snapall.backup.steps import Done, Outcome, Step
from snapall.errors import Exit
from snapall.views import messages
from snapall.views.labels import Labels
from snapall.views.sentences import Weight, sentence


class PlainLines:
    """Writes to a stream, a line at a time. `quiet`: only trouble, so that a good night writes nothing.

    Raises what the stream raises: a reader that has gone is not written to again.
    """

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet
        self._names = Labels()
        self._stages: set[Stage] = set()

    def __call__(self, record: Record) -> None:
        """Show one record."""
        lines = [messages.safe(line) for line in self._lines(record)]
        for line in lines:
            indent = "" if line.startswith("  ") else f"{record.at.astimezone():%H:%M:%S} "
            self._stream.write(f"{indent}{line}\n")
        if lines:
            self._stream.flush()

    def _lines(self, record: Record) -> list[str]:
        step = self._names.learn(record)
        match record.what:
            case Answered(_, outcome, seconds):
                return self._answer(step, outcome, seconds) if step is not None else []
            case Warned(text, hint):
                return [f"warning: {text}", *_remedy(hint)]
            case Failed(text, hint):
                return [*f"FAILED: {text}".splitlines(), *_remedy(hint)]
            case RunEnded(report):
                return [] if self._quiet and report.exit is Exit.OK else messages.summary(report, self._names.job)
            case what if found := sentence(what, self._names):
                return [found.text] if found.weight is Weight.TROUBLE or not self._quiet else []
            case _:
                return [] if self._quiet else self._story(record)

    def _story(self, record: Record) -> list[str]:
        match record.what:
            case Began(job, stamp):
                return [f"job {job.name}: run {stamp}, order {job.order}"]
            case StageBegan(stage):
                return self._heading(stage)
            case Surveyed(targets=targets, left=left, skipped=skipped):
                return [f"{len(targets)} VMs to quiesce, {len(left)} left out, {len(skipped)} skipped"]
            case OutstandingFound(vm, name, run):
                return [f"{vm.label} may still have {name} of run {run}"]
            case Guarded(job_, run, text):
                return [f"job {job_}, run {run}: {text}"]
            case Waiting(until, why):
                return [f"waiting until {until.astimezone():%H:%M:%S}: {why}"]
            case _:
                return []

    def _heading(self, stage: Stage) -> list[str]:
        """A stage may pause and go on: it has one heading."""
        if stage in self._stages:
            return []
        self._stages.add(stage)
        return [f"-- {stage}"]

    def _answer(self, step: Step, outcome: Outcome, seconds: float) -> list[str]:
        if not isinstance(outcome, Done):
            return [messages.done(step, outcome)]
        return [] if self._quiet else [f"{messages.done(step, outcome)}  {seconds:.1f} s"]


def _remedy(hint: str) -> list[str]:
    return [f"  remedy: {hint}"] if hint else []
