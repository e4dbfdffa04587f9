"""Lines with times, for a pipe, a scheduler's mail, or a simple terminal."""

from __future__ import annotations

from typing import TextIO

from snapall.backup.facts import Answered, Began, Failed, Surveyed, Warned
from snapall.backup.record import (
    Forecast,
    Guarded,
    OutstandingFound,
    Record,
    RunEnded,
    Stage,
    StageBegan,
    Waiting,
    What,
)
from snapall.backup.steps import Done
from snapall.errors import Exit, coded
from snapall.views import messages
from snapall.views.labels import Labels
from snapall.views.sentences import Weight, sentence


class PlainLines:
    """Writes to a stream. `quiet`: only trouble, so that a good night writes nothing.

    Raises what the stream raises.
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
                if step is None or (self._quiet and isinstance(outcome, Done)):
                    return []
                took = f"  {seconds:.1f} s" if isinstance(outcome, Done) else ""
                return [f"{messages.done(step, outcome)}{took}"]
            case Warned(text, hint, code):
                return [f"warning: {coded(code, text)}", *_remedy(hint)]
            case Failed(text, hint, code):
                return [*f"FAILED: {coded(code, text)}".splitlines(), *_remedy(hint)]
            case RunEnded(report):
                return [] if self._quiet and report.exit is Exit.OK else messages.summary(report, self._names.job)
            case what if found := sentence(what, self._names):
                return [found.text] if found.weight is Weight.TROUBLE or not self._quiet else []
            case what:
                return [] if self._quiet else self._routine(what)

    def _routine(self, what: What) -> list[str]:
        match what:
            case Began(job, stamp, vcenter, filer):
                return [
                    f"job {job.name}: run {stamp}, order {job.order}",
                    f"filer {filer}, volume {', '.join(job.volumes)}; VirtualCenter {vcenter}",
                ]
            case Forecast(window, run):
                usual = f"VMs are quiesced for {messages.clocked(window)}, the run takes {messages.clocked(run)}"
                return [f"usually {usual}"]
            case StageBegan(stage) if stage not in self._stages:  # one that pauses and goes on has one heading
                self._stages.add(stage)
                return [f"-- {stage}"]
            case Surveyed(targets=targets, left=left, skipped=skipped):
                return [f"VMs: {len(targets)} to quiesce, {len(left)} left out, {len(skipped)} skipped"]
            case OutstandingFound(vm, name, run):
                return [f"{vm.label} may still have {name} of run {run}"]
            case Guarded(name, run, text):
                return [f"job {name}, run {run}: {text}"]
            case Waiting(until, why):
                return [f"waiting until {until.astimezone():%H:%M:%S}: {why}"]
            case _:
                return []


def _remedy(hint: str) -> list[str]:
    return [f"  remedy: {hint}"] if hint else []
