"""What a batch does on bad nights: each command of the backup fails in turn, and so do the lists of the database."""

from __future__ import annotations

import re
from collections.abc import Callable

from snapall.config.batch.answers import FILER_PROGRAMS, QUERY_PROGRAMS, Answers
from snapall.config.batch.desk import Desk
from snapall.config.batch.nights import Paper, commands
from snapall.config.batch.reading import lists_of
from snapall.config.cmd import ProgramCall, Rehearsal

_VMS = (108, 1226)
_STALE = (999999, 888888)
_MOST = 40


def ignored(paper: Paper, good: Rehearsal, desk: Desk) -> list[int]:
    """The lines whose failure changes nothing of what follows: vcbsnapshot's always, as the capture follows."""
    lines = list(dict.fromkeys(desk.line(call.where) for call in commands(good)))[:_MOST]
    vcb = {desk.line(call.where) for call in commands(good) if call.name == "vcbsnapshot"}
    usual = _trail(good, desk, vcb)
    found = []
    for line in lines:
        bad = failing(paper, lambda call, line=line: desk.line(call.where) == line)  # type: ignore[misc]
        if line in vcb or _trail(bad, desk, vcb) == usual:
            found.append(line)
    return found


def failing(paper: Paper, fails: Callable[[ProgramCall], bool], *, silent: bool = False) -> Rehearsal:
    """Rehearse a night on which some calls fail. `silent`: go on after programs whose answer nobody can know."""
    return paper.night(Answers(_VMS, fails, silent=silent))


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

        night = Answers(_VMS, lambda call, line=line: desk.line(call.where) == line)  # type: ignore[misc]
        bad = paper.night(night, read=read)
        if any(f"moref:vm-{_STALE[0]}" in call.words for call in commands(bad)):
            found.append(line)
    return list(dict.fromkeys(found))


def not_repeated(paper: Paper, desk: Desk) -> list[int]:
    """The lines whose failed removal of a VM's snapshot is not repeated."""
    bad = failing(paper, lambda call: "moref:vm-108" in call.words and "-d" in call.words)
    sent = [call for call in commands(bad) if "moref:vm-108" in call.words and "-d" in call.words]
    return [desk.line(call.where) for call in sent] if len(sent) == 1 else []


def silent_end(paper: Paper, desk: Desk) -> list[int]:
    """The last line, if a failed capture does not show in the batch's exit code."""
    bad = failing(paper, lambda call: call.name in FILER_PROGRAMS and "create" in call.words)
    return [desk.line(bad.events[-1].where)] if bad.events and bad.errorlevel == 0 else []
