"""A rehearsal -> the backup's commands in the order in which they were sent, and where the log is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from snapall.config.batch.commands import filer_calls, others, sql_calls, vcb_calls
from snapall.config.batch.commands.drives import by_whole_names
from snapall.config.batch.commands.programs import BACKUP, FILER_PROGRAMS, QUERY_PROGRAMS, query_options
from snapall.config.batch.desk import Desk
from snapall.config.batch.facts import Located, Statement, Statements
from snapall.config.batch.rehearsals.answers import ProgramAnswers
from snapall.config.batch.text import is_echo
from snapall.config.cmd import ProgramCall, Rehearsal, Sent, Written

_COPIED = re.compile(
    r"(?:^|[&(|)]|\bdo\s|\belse\s|\bexist\s+\S+\s|(?:==|\b(?:equ|neq|lss|leq|gtr|geq|errorlevel)\b)\s*\S+\s)"
    r"\s*(copy|move|ren|rename)\s",
    re.IGNORECASE,
)
_NOWHERE = ("nul", "nul:", "con")
_NAMED = re.compile(rf"(?<![\w.-])({'|'.join(sorted(BACKUP))})(\.exe)?[\s\"]", re.IGNORECASE)


@dataclass(slots=True)
class Read:
    """What a rehearsal says: its commands, and each place where it writes the log."""

    statements: Statements = field(default_factory=Statements)
    calls: list[ProgramCall] = field(default_factory=list)  # for each of them, as it was sent
    logs: list[Located] = field(default_factory=list)
    around: dict[str, list[ProgramCall]] = field(default_factory=dict)  # unknown programs before and after all of them


def read(rehearsal: Rehearsal, desk: Desk, night: ProgramAnswers) -> Read:
    """Read a rehearsal. What is not understood, or not imported, is among the desk's findings."""
    found = Read()
    sent = [event for event in rehearsal.events if isinstance(event, Sent)]
    own: list[int] = []
    for at, call in enumerate(sent):
        statement = _statement(call, desk.line(call.where), desk, night, captured=bool(found.statements.captures))
        if statement is not None:
            found.statements.append(statement)
            found.calls.append(call)
            own.append(at)
    for at, call in enumerate(sent):
        if call.name not in BACKUP:
            hook = "" if not own else "before" if at < own[0] else "after" if at > own[-1] else ""
            others.judge(call, desk.line(call.where), desk, hook)
            if hook and others.is_unknown(call):
                found.around.setdefault(hook, []).append(call)
    for line, path in _written(rehearsal, desk):
        value = desk.take(line, path, "the log file", ("log",))
        found.logs.append(Located(value.text, line))
    found.logs = list(by_whole_names(found.logs, sent, desk))
    for number, text in desk.text.lines.items():
        hit = _COPIED.search(text.bare)
        if hit is not None:
            remedy = "snapall appends to one log; a hook of the job can copy or rename it"
            desk.findings.notice(number, f"{hit[1].lower()} is not imported", remedy)
    return found


def unreached(desk: Desk) -> None:
    """Name the first command of the backup in the text, to which a good night does not come."""
    for number, text in desk.text.lines.items():
        if _NAMED.search(text.text) and not is_echo(text) and re.match(r"set\s", text.bare, re.IGNORECASE) is None:
            what = "on a good night without arguments, the batch does not reach this command"
            remedy = "write a copy without the condition that leads past it, or set [batch] in the overlay file"
            desk.findings.fault(number, what, remedy)
            return


def _statement(call: ProgramCall, line: int, desk: Desk, night: ProgramAnswers, *, captured: bool) -> Statement | None:
    if call.name in FILER_PROGRAMS:
        return filer_calls.snap(call, line, desk, captured=captured)
    if call.name in QUERY_PROGRAMS:
        return sql_calls.query(call, line, desk, night)
    if call.name == "vcbsnapshot":
        return vcb_calls.vcbsnapshot(call, line, desk)
    return None


def _written(rehearsal: Rehearsal, desk: Desk) -> Iterator[tuple[int, str]]:
    """Where the filer, vcbsnapshot and echo write to: lists and files that are gone in the end are no log."""
    lists = {one.lower() for event in rehearsal.events if isinstance(event, Sent) for one in lists_of(event)}
    left = {path.lower() for path in rehearsal.files}
    seen: dict[tuple[int, str], None] = {}
    for event in rehearsal.events:
        path = ""
        if isinstance(event, Sent) and event.name in BACKUP - QUERY_PROGRAMS:
            path = event.output or ""
        elif isinstance(event, Written) and event.by == "echo" and event.full.lower() in left:
            path = event.path
        if path and path.lower() not in lists and path.lower() not in _NOWHERE:
            seen[(desk.line(event.where), path)] = None
    yield from seen


def lists_of(call: ProgramCall) -> list[str]:
    """The file to which a program that queries the database writes its answer; with -o it prints nothing."""
    if call.name not in QUERY_PROGRAMS:
        return []
    out = query_options(call).value("-o") or call.output
    return [out] if out else []
