"""snapall.log: the batch's own lines, in its wording, and more where the batch wrote nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Self

from snapall.backup.facts import Answered, Began, Failed, Warned
from snapall.backup.record import Guarded, Record, RunEnded
from snapall.backup.steps import Capture, Delete, Done, Outcome, Quiesce, Release, Rename, Step
from snapall.errors import Exit, SnapallError
from snapall.views import messages
from snapall.views.labels import Labels
from snapall.views.sentences import Weight, sentence


class LogFile:
    """Appends to the log. A step's line is written with its answer, so that several at a time stay readable.

    The batch's lines end in a blank, as its `echo ... >>` left them; the renames print no answer, as there.
    """

    def __init__(self, path: Path, log_time: str, local: Callable[[datetime], datetime], mark: str) -> None:
        self._path = path
        self._log_time = log_time
        self._local = local
        self._mark = mark
        self._names = Labels()

    @classmethod
    def open(
        cls, path: Path, log_time: str, local: Callable[[datetime], datetime] = datetime.astimezone, mark: str = ""
    ) -> Self:
        """Begin to append. `mark`, a guardian's, stands before every line.

        SnapallError: the file cannot be written; the backup does not depend on it.
        """
        log = cls(path, log_time, local, mark)
        try:
            log._write([])
        except OSError as error:
            raise SnapallError(
                f"the log {path} cannot be written: {error.strerror}",
                "the backup goes on without it; set `log` in the configuration to a file that can be written",
            ) from error
        return log

    def __call__(self, record: Record) -> None:
        """Write the lines of one record. Raises OSError when it cannot be written."""
        lines = [messages.safe(line) for line in self._lines(record)]
        if lines:
            self._write(lines)

    def _write(self, lines: list[str]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write("".join(f"{self._mark}{line}\n" for line in lines))

    def _lines(self, record: Record) -> list[str]:
        step = self._names.learn(record)
        match record.what:
            case Began():
                return [f"Script Execution Commenced at {self._moment(record)} "]
            case Answered(_, outcome):
                return [announced(step), *answered(step, outcome)] if step is not None else []
            case Guarded(job, run, text):
                return [f"job {job}, run {run}: {text} ({self._moment(record)})"]
            case Warned(text, hint):
                return _labelled("warning", text, hint)
            case Failed(text, hint):
                return _labelled("error", text, hint)
            case RunEnded(report):
                error = [] if report.exit is Exit.OK else ["An error occurred during script execution "]
                unanswered = [line for step in self._names.unanswered for line in (announced(step), "no answer")]
                summary = messages.summary(report, self._names.job) if error else []
                return [*unanswered, *error, *summary, f"Script Execution complete at {self._moment(record)} "]
            case what:
                found = sentence(what, self._names)
                return [found.text] if found is not None and found.weight is not Weight.ROUTINE else []

    def _moment(self, record: Record) -> str:
        return self._local(record.at).strftime(self._log_time)


def announced(step: Step) -> str:
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


def answered(step: Step, outcome: Outcome) -> list[str]:
    """What the program or the filer printed, and, which the batch never wrote, that it did not work."""
    output = [line for line in outcome.output.splitlines() if line.strip()]
    match outcome:
        case Done():
            return [] if isinstance(step, Rename) else output
        case _:
            return [*output, messages.done(step, outcome)]


def _labelled(kind: str, text: str, hint: str) -> list[str]:
    lines = [f"{kind}: {line}" for line in text.splitlines()]
    return [*lines, f"remedy: {hint}"] if hint else lines
