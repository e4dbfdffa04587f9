"""snapall.log: the batch's own lines in its wording, and lines with a time where the batch wrote nothing."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import Enum, auto
from pathlib import Path
from typing import Self

from snapall.backup.facts import Answered, Began, Failed, Warned
from snapall.backup.outfile import CutShort, PlantedFile, append
from snapall.backup.patience import may_pass
from snapall.backup.record import Guarded, Record, RunEnded
from snapall.backup.steps import Capture, Delete, Done, Outcome, Quiesce, Release, Rename, Step
from snapall.errors import Exit, SnapallError, coded
from snapall.views import messages
from snapall.views.labels import Labels
from snapall.views.sentences import Weight, sentence

LOG_MODE = 0o640
"""The log names VMs and quotes programs: it is for its owner and that user's group."""

FOREIGN = "| "
"""Stands before each line that a program or the filer printed, so that none passes for a line of ours."""

_LONGEST = 2000  # characters of such a line
_BREAKS = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")  # whatever a reader may take for the end of a line


_MOST = 1 << 24
"""Bytes of lines that are kept while the log cannot be written."""


class _Kind(Enum):
    """Whose line it is: the batch's own has no time, a program's is marked, any other one has a time."""

    BATCH = auto()
    ANSWER = auto()
    OWN = auto()


_Line = tuple[str, _Kind]


def _short_zone(log_time: str) -> str:
    """The format with `%z`, as in +0100, for `%Z`, for which Windows writes "W. Europe Standard Time"."""
    return re.sub("%(.)", lambda hit: "%z" if hit[1] == "Z" else hit[0], log_time)


class LogRefused(SnapallError):
    """The log cannot be written now; `log` keeps its lines until it can be."""

    def __init__(self, message: str, hint: str, code: str, log: LogFile) -> None:
        super().__init__(message, hint, code)
        self.log = log


class LogFile:
    """Appends to the log. A step's line is written with its answer, so that the lines of parallel calls do not mix.

    The batch's lines end in a blank, as its `echo ... >>` left them. What programs print, which the batch copied as it
    was, is marked. `mark`, a guardian's, stands in every line. Lines that are refused are kept, and written before the
    next ones.
    """

    def __init__(
        self, path: Path, log_time: str, local: Callable[[datetime], datetime] = datetime.astimezone, mark: str = ""
    ) -> None:
        self._path = path
        self._log_time = _short_zone(log_time) if sys.platform == "win32" else log_time
        self._local = local
        self._mark = mark
        self._names = Labels()
        self._kept = b""  # the lines that are not in the file
        self._refused = ""  # since when the file is refused, and why
        self._remedy = ""
        self._announced = False  # whether it is known that there is no log

    @classmethod
    def open(
        cls, path: Path, log_time: str, local: Callable[[datetime], datetime] = datetime.astimezone, mark: str = ""
    ) -> Self:
        """Begin to append. LogRefused: not now. SnapallError: never. The backup depends on neither."""
        log = cls(path, log_time, local, mark)
        try:
            append(path, b"", LOG_MODE)
        except PlantedFile as error:
            raise SnapallError(
                f"nothing is written to the log {path}: {error.strerror}",
                "the backup goes on without it; remove that file, and set `log` to a path in a folder that only root "
                "and the user who runs snapall can write",
                "SA-7104",
            ) from error
        except OSError as error:
            log._announced = True
            raise LogRefused(
                f"cannot write the log {path}: {error.strerror}",
                "the backup goes on; create the log's folder, let this user write there, or set `log` to another file",
                "SA-6001",
                log,
            ) from error
        return log

    def __call__(self, record: Record) -> None:
        """Write the lines of one record, and those that were kept. SnapallError: there are too many of these."""
        time = self._local(record.at).strftime(self._log_time)
        lines = "".join(
            f"{self._prefix(kind, time)}{messages.safe(line)}\n" for line, kind in self._lines(record, time)
        )
        if lines:
            self._kept += lines.replace("\n", os.linesep).encode()
            self._write(time)
            if len(self._kept) > _MOST:
                self.finish()
                self._kept = b""

    def finish(self) -> None:
        """Write what was kept. SnapallError: lines are missing, which `open` has not announced already."""
        self._write("")
        if self._kept and not self._announced:
            raise SnapallError(
                f"the log {self._path} is incomplete from {self._refused}",
                f"{self._remedy}, or set `log` to another file; `snapall show` has the whole run",
                "SA-6006",
            )

    def _append(self, data: bytes) -> None:
        append(self._path, data, LOG_MODE)

    def _write(self, time: str) -> None:
        if not self._kept:
            return
        try:
            self._append(self._kept)
        except OSError as error:
            self._kept = error.rest if isinstance(error, CutShort) else self._kept
            if not self._refused:
                self._refused, self._remedy = f"{time} on: {error.strerror}", _remedy_for(error)
        else:
            self._kept, self._refused, self._announced = b"", "", False

    def _prefix(self, kind: _Kind, time: str) -> str:
        timed = "" if kind is not _Kind.OWN and not self._mark else f"{time} {self._mark}"
        return f"{timed}{FOREIGN}" if kind is _Kind.ANSWER else timed

    def _lines(self, record: Record, time: str) -> Iterator[_Line]:
        step = self._names.learn(record)
        match record.what:
            case Began():
                yield f"Script Execution Commenced at {time} ", _Kind.BATCH
            case Answered(_, outcome) if step is not None:
                yield from _answered(step, outcome)
            case RunEnded(report):
                for unanswered in self._names.unanswered:
                    yield from ((_announced(unanswered), _Kind.BATCH), ("no answer", _Kind.OWN))
                if report.exit is not Exit.OK:
                    yield "An error occurred during script execution ", _Kind.BATCH
                    yield from ((line, _Kind.OWN) for line in messages.summary(report, self._names.job))
                elif report.skipped:
                    yield f"no backup is due: {report.skipped}", _Kind.OWN
                yield f"Script Execution complete at {time} ", _Kind.BATCH
            case Guarded(job, run, text):
                yield f"job {job}, run {run}: {text}", _Kind.OWN
            case Warned(text, hint, code) | Failed(text, hint, code) as what:
                kind = "warning" if isinstance(what, Warned) else "error"
                yield from ((f"{kind}: {line}", _Kind.OWN) for line in coded(code, text).splitlines())
                yield from [(f"remedy: {hint}", _Kind.OWN)] if hint else []
            case what:
                found = sentence(what, self._names)
                yield from [(found.text, _Kind.OWN)] if found is not None and found.weight is not Weight.ROUTINE else []


def _remedy_for(error: OSError) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return "free some space on its disk"
    if isinstance(error, FileNotFoundError):
        return "create its folder again"
    if may_pass(error):
        return "close the program that has it open, or let this user write there"
    return "let this user write there"


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
    yield _announced(step), _Kind.BATCH
    if not isinstance(outcome, Done) or not isinstance(step, Rename):  # the batch discarded what renames print
        yield from ((_shortened(line), _Kind.ANSWER) for line in _BREAKS.split(outcome.output) if line.strip())
    if not isinstance(outcome, Done):
        yield messages.done(step, outcome), _Kind.OWN


def _shortened(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ... ({len(line) - _LONGEST} more characters)"
