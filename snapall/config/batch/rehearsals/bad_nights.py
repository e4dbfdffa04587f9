"""What a batch does on bad nights: each command of the backup fails in turn, and so do the lists of the database."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator

from snapall.config.batch.commands.programs import BACKUP, FILER_PROGRAMS, QUERY_PROGRAMS
from snapall.config.batch.commands.reading import lists_of
from snapall.config.batch.desk import Desk
from snapall.config.batch.rehearsals.answers import ProgramAnswers
from snapall.config.batch.rehearsals.nights import TWO_VMS, Paper, commands
from snapall.config.cmd import ProgramCall, Rehearsal

_STALE = (999999, 888888)
_MOST = 40


def ignored(paper: Paper, good: Rehearsal, desk: Desk) -> list[int]:
    """The lines whose failure changes nothing of what follows: vcbsnapshot's always, as the capture follows."""
    vcb = {desk.line(call.where) for call in commands(good) if call.name == "vcbsnapshot"}
    usual = _trail(good, desk, vcb)
    return [line for line, bad in failing_in_turn(paper, good, desk) if line in vcb or _trail(bad, desk, vcb) == usual]


def failing(paper: Paper, fails: Callable[[ProgramCall], bool], key: Hashable, *, silent: bool = False) -> Rehearsal:
    """Rehearse a night on which some calls fail, which the key names.

    `silent`: go on after programs whose answer nobody can know.
    """
    return paper.night(ProgramAnswers(TWO_VMS, fails, silent=silent), (key, silent))


def failing_in_turn(paper: Paper, good: Rehearsal, desk: Desk) -> Iterator[tuple[int, Rehearsal]]:
    """Let each command of the backup fail in turn: its line, and the night on which it fails."""
    for line in list(dict.fromkeys(desk.line(call.where) for call in commands(good)))[:_MOST]:

        def fails(call: ProgramCall, line: int = line) -> bool:
            return call.name in BACKUP and desk.line(call.where) == line

        yield line, failing(paper, fails, ("line", line))


def _trail(rehearsal: Rehearsal, desk: Desk, without: set[int]) -> list[int]:
    lines = (desk.line(event.where) for event in rehearsal.events)
    return list(dict.fromkeys(line for line in lines if line not in without))


def stale(paper: Paper, good: Rehearsal, desk: Desk) -> list[int]:
    """The queries after whose failure the batch works with the list of an earlier night."""
    found = []
    for query in [call for call in commands(good) if call.name in QUERY_PROGRAMS]:
        line = desk.line(query.where)
        names = tuple("\\" + re.split(r"[\\/]", one)[-1].lower() for one in lists_of(query))
        lists = {full.lower() for full in good.files if full.lower().endswith(names)}
        text = f"{_STALE[0]:11} {_STALE[1]:11}\n".encode()

        def read(path: str, lists: set[str] = lists, text: bytes = text) -> bytes | None:
            return text if path.lower() in lists else None

        night = ProgramAnswers(TWO_VMS, lambda call, line=line: desk.line(call.where) == line)  # type: ignore[misc]
        bad = paper.night(night, ("stale", line), read=read)
        if any(f"moref:vm-{_STALE[0]}" in call.words for call in commands(bad)):
            found.append(line)
    return list(dict.fromkeys(found))


def not_repeated(paper: Paper, desk: Desk) -> list[int]:
    """The lines whose failed removal of a VM's snapshot is not repeated."""
    bad = failing(paper, lambda call: "moref:vm-108" in call.words and "-d" in call.words, "release")
    sent = [call for call in commands(bad) if "moref:vm-108" in call.words and "-d" in call.words]
    return [desk.line(call.where) for call in sent] if len(sent) == 1 else []


def silent_end(paper: Paper, desk: Desk) -> list[int]:
    """The last line, if a failed capture does not show in the batch's exit code."""
    bad = failing(paper, lambda call: call.name in FILER_PROGRAMS and "create" in call.words, "capture")
    return [desk.line(bad.events[-1].where)] if bad.events and bad.errorlevel == 0 else []
