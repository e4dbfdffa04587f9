"""snapall.log: the batch's own lines in its wording, and lines with a time where the batch wrote nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Self

from snapall.backup.facts import Answered, Began, Failed, Warned
from snapall.backup.outfile import PlantedFile, append
from snapall.backup.record import Guarded, Record, RunEnded
from snapall.backup.steps import Capture, Delete, Done, Outcome, Quiesce, Release, Rename, Step
from snapall.errors import Exit, SnapallError, coded
from snapall.views import messages
from snapall.views.labels import Labels
from snapall.views.sentences import Weight, sentence

LOG_MODE = 0o640
"""The log names VMs and quotes programs: it is for its owner and that user's group."""

_Line = tuple[str, bool]
"""A line, and whether it is one of the batch's own or a program's answer, which it copied: those have no time."""


class LogFile:
    """Appends to the log. A step's line is written with its answer, so that the lines of parallel calls do not mix.

    The batch's lines end in a blank, as its `echo ... >>` left them. `mark`, a guardian's, stands in every line.
    """

    def __init__(
        self, path: Path, log_time: str, local: Callable[[datetime], datetime] = datetime.astimezone, mark: str = ""
    ) -> None:
        self._path = path
        self._log_time = log_time
        self._local = local
        self._mark = mark
        self._names = Labels()

    @classmethod
    def open(
        cls, path: Path, log_time: str, local: Callable[[datetime], datetime] = datetime.astimezone, mark: str = ""
    ) -> Self:
        """Begin to append. SnapallError: the file cannot be written; the backup does not depend on it."""
        log = cls(path, log_time, local, mark)
        try:
            log._append("")
        except PlantedFile as error:
            raise SnapallError(
                f"nothing is written to the log {path}: {error.strerror}",
                "the backup goes on without it; remove that file, and set `log` to a path in a folder that only root "
                "and the user who runs snapall can write",
                "SA-7104",
            ) from error
        except OSError as error:
            raise SnapallError(
                f"cannot write the log {path}: {error.strerror}",
                "the backup goes on without it; set `log` in the configuration to a file that can be written",
                "SA-6001",
            ) from error
        return log

    def __call__(self, record: Record) -> None:
        """Write the lines of one record. Raises OSError when it cannot be written."""
        time = self._local(record.at).strftime(self._log_time)
        lines = list(self._lines(record, time))
        if lines:
            prefix = f"{time} {self._mark}"
            self._append(
                "".join(f"{'' if batch and not self._mark else prefix}{messages.safe(line)}\n" for line, batch in lines)
            )

    def _append(self, text: str) -> None:
        append(self._path, text.replace("\n", os.linesep).encode(), LOG_MODE)

    def _lines(self, record: Record, time: str) -> Iterator[_Line]:
        step = self._names.learn(record)
        match record.what:
            case Began():
                yield f"Script Execution Commenced at {time} ", True
            case Answered(_, outcome) if step is not None:
                yield from _answered(step, outcome)
            case RunEnded(report):
                for unanswered in self._names.unanswered:
                    yield from ((_announced(unanswered), True), ("no answer", False))
                if report.exit is not Exit.OK:
                    yield "An error occurred during script execution ", True
                    yield from ((line, False) for line in messages.summary(report, self._names.job))
                elif report.skipped:
                    yield f"no backup is due: {report.skipped}", False
                yield f"Script Execution complete at {time} ", True
            case Guarded(job, run, text):
                yield f"job {job}, run {run}: {text}", False
            case Warned(text, hint, code) | Failed(text, hint, code) as what:
                kind = "warning" if isinstance(what, Warned) else "error"
                yield from ((f"{kind}: {line}", False) for line in coded(code, text).splitlines())
                yield from [(f"remedy: {hint}", False)] if hint else []
            case what:
                found = sentence(what, self._names)
                yield from [(found.text, False)] if found is not None and found.weight is not Weight.ROUTINE else []


def _announced(step: Step) -> str:
    """The line with which the batch announced a step."""
    match step:
        case Quiesce(vm):
            return f"Creating snapshot for vmid={vm.id}  "
        case Release(vm):
            return f"Removing snapshot for vmid={vm.id}  "
        case Capture(_, name):
            return f"creating {name} "
        case Rename(_, old, new):
            return f"renaming {old} to {new} "
        case Delete(_, name):
            return f"deleting {name} "


def _answered(step: Step, outcome: Outcome) -> Iterator[_Line]:
    """The step, what the program or the filer printed, and, which the batch never wrote, that it failed."""
    yield _announced(step), True
    if not isinstance(outcome, Done) or not isinstance(step, Rename):  # the batch discarded what renames print
        yield from ((line, True) for line in outcome.output.splitlines() if line.strip())
    if not isinstance(outcome, Done):
        yield messages.done(step, outcome), False
