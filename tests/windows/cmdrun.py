"""A batch of any kind run by cmd.exe with stand-ins for its programs: which commands it gave, and what it left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.windows.interpreter import Interpreter
from tests.windows.standins import Answers, StandIns

PROGRAMS = ("RSH", "plink", "ssh", "osql", "isql", "sqlcmd", "vcbsnapshot", "blat", "net")


@dataclass(frozen=True, slots=True)
class Command:
    """A program that a batch started: its name in small letters, its arguments, and its exit code."""

    name: str
    words: tuple[str, ...]
    code: int


@dataclass(frozen=True, slots=True)
class Observed:
    """What a batch did. `files`: what lies in its folder afterwards, with line feeds alone; `errorlevel`: one byte."""

    commands: tuple[Command, ...]
    files: Mapping[str, str]
    errorlevel: int


def run_under_cmd(
    folder: Path, batch: str, answers: Answers, peer: Interpreter, programs: Iterable[str] = PROGRAMS
) -> Observed:
    """Run the batch of that name in its folder, where each of these programs is a stand-in that `answers` answers."""
    with closing(StandIns(answers)) as standins, TemporaryDirectory() as path:
        standins.place(Path(path), programs)
        ended = peer.run(batch, folder, path=Path(path))
        commands = tuple(Command(call.name.lower(), call.argv, code) for call, code in standins.calls)
    return Observed(commands, files_in(folder), ended.code)


def files_in(folder: Path) -> dict[str, str]:
    """Every file of a folder by its name in it, as text with line feeds alone."""
    return {
        path.relative_to(folder).as_posix().lower(): path.read_bytes().decode("cp437").replace("\r\n", "\n")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
