"""What the rehearsal of a batch is given, and what it finds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

_PLAIN: Mapping[str, str] = {
    "ComSpec": "C:\\WINDOWS\\system32\\cmd.exe",
    "OS": "Windows_NT",
    "PATHEXT": ".COM;.EXE;.BAT;.CMD",
    "ProgramFiles": "C:\\Program Files",
    "SystemDrive": "C:",
    "SystemRoot": "C:\\WINDOWS",
    "TEMP": "C:\\WINDOWS\\Temp",
    "TMP": "C:\\WINDOWS\\Temp",
    "windir": "C:\\WINDOWS",
}


@dataclass(frozen=True, slots=True)
class BatchLine:
    """Where a statement begins; lines count from 1, in the file as `rehearse` or `call` named it."""

    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramCall:
    """An external program as the batch would start it."""

    program: str  # as written, without quotes: "RSH", "c:\\vcb\\vcbsnapshot.exe"
    words: tuple[str, ...]  # its arguments, split as the C runtime of Windows splits them
    line: str  # the whole command tail, expanded
    where: BatchLine
    folder: str  # the current folder
    output: str | None = None  # the target of stdout's redirection, as the batch names it; "nul" too
    append: bool = False  # whether stdout is appended to that file
    stdin: str = ""  # what `< file` or a pipe gives it
    connected: bool = False  # stdin from a file or a pipe, or stdout into a pipe or `for /F`

    @property
    def name(self) -> str:
        """The program's name in lower case, without folder and extension."""
        return re.sub(r"\.(exe|com|bat|cmd)$", "", re.split(r"[\\/:]", self.program)[-1].lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent(ProgramCall):
    """A program that the batch started, and the exit code that it was given."""

    exit_code: int = 0
    errors: str | None = None  # the target of stderr's redirection; "nul" too


@dataclass(frozen=True, slots=True)
class Written:
    """Text for a file: `path` as the batch names it, `full` with drive and folder, `by` the command or program."""

    path: str
    full: str
    text: str
    append: bool
    where: BatchLine
    by: str


@dataclass(frozen=True, slots=True)
class Echoed:
    """Text for the console, from the command or program `by`."""

    text: str
    where: BatchLine
    by: str


Event = Sent | Written | Echoed


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program answers; `files` are those that it writes itself (osql -o), named as on its command line."""

    exit_code: int = 0
    stdout: str = ""
    stderr: str = ""
    files: Mapping[str, str] = field(default_factory=dict)


Programs = Callable[[ProgramCall], Answer | None]  # None: this program is unknown, and the rehearsal stops


def _no_file(_path: str) -> bytes | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The surroundings of a batch. Nothing of the machine that the rehearsal runs on gets in."""

    variables: Mapping[str, str] = field(default_factory=lambda: dict(_PLAIN))
    arguments: str = ""  # the command line's tail: %1, %2, ...
    folder: str = "C:\\snapall"  # the current folder
    date: str = "Thu 03/22/2007"  # %date%, as the system's format writes it
    time: str = " 3:00:00.00"  # %time%
    clock: str = "03:00 AM"  # time /t
    code_page: int = 437  # of the console: the batch and its files are read in it
    read: Callable[[str], bytes | None] = _no_file  # a file, by its full path; None: there is none
    names: tuple[str, ...] = ()  # full paths that wildcards find, beside the files that the batch writes
    steps: int = 200_000  # so many statements end a rehearsal


@dataclass(frozen=True, slots=True)
class Stop:
    """What cannot be rehearsed. `reason` and `remedy` never quote a variable's value: it may be a password."""

    where: BatchLine
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What the batch did, in order, up to its end or its stop. Texts have line feeds only, no carriage returns.

    `files` has the files that the batch wrote, by full path, as it left them.
    """

    events: tuple[Event, ...]
    files: Mapping[str, str]
    errorlevel: int
    stop: Stop | None = None
