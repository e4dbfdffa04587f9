"""What a batch file does wrong on good nights and on bad ones: each defect with its lines, and what snapall does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from snapall.config.batch.commands.filer_calls import carries_password
from snapall.config.batch.commands.programs import QUERY_PROGRAMS
from snapall.config.batch.desk import Desk
from snapall.config.batch.facts import Defect, QuiesceCall, Snap, SnapshotQuery, Statements, VcbCall, VmQuery
from snapall.config.batch.lines import Line
from snapall.config.batch.rehearsals import bad_nights
from snapall.config.batch.rehearsals.nights import Paper, commands
from snapall.config.cmd import ProgramCall, Rehearsal, Written

_Found = tuple[Sequence[int], str, str]
"""The lines of a defect, none if the file does not have it; what is wrong; what snapall does instead."""
_NOWHERE = ("nul", "nul:", "con")
_CHANGE = re.compile(r"(cd|chdir|pushd)(?![a-z0-9_])\s*(/d\s+)?\S", re.IGNORECASE)


def defects_of(paper: Paper, good: Rehearsal, statements: Statements, log: str, desk: Desk) -> tuple[Defect, ...]:
    """Return the defects of a batch without faults, which was read from a good night; those that cost backups first."""
    found = [
        *_of_the_workflow(paper, statements, desk),
        *_of_the_results(paper, good, desk),
        *_of_the_log(good, log, desk),
        *_of_the_values(good, desk),
    ]
    return tuple(Defect(tuple(sorted(set(lines))), what, instead) for lines, what, instead in found if lines)


def _of_the_workflow(paper: Paper, statements: Statements, desk: Desk) -> Iterator[_Found]:
    unset = next((one.login.unset_user for one in statements.of(QuiesceCall) if one.login.unset_user), "")
    name = unset if unset.startswith("the ") else f"%{unset}%"
    yield (
        [one.line for one in statements.of(QuiesceCall) if one.login.unset_user],
        f"{name} is never set: a vcbsnapshot that refuses a missing user quiesces no VM",
        "it uses the user of the release line, and names each VM that was not quiesced",
    )
    captured = max(
        (at for at, one in enumerate(statements) if isinstance(one, Snap) and one.verb == "create"), default=0
    )
    yield (
        [one.line for one in statements[:captured] if isinstance(one, Snap) and one.verb != "create"],
        "it deletes and renames the older backups before the new one exists: failed nights push good backups out",
        "it rotates only after the new backup is confirmed",
    )
    yield (
        [one.line for one in statements.of(SnapshotQuery) if not one.limited_to],
        "the query is not limited to the datastore: it also removes other people's snapshots of that name",
        "it removes only what it made itself, by id",
    )
    templates = [one.line for one in statements.of(VmQuery) if one.templates]
    yield templates, "the query includes templates", "it leaves templates out"
    yield (
        [one.line for one in statements.of(VcbCall)],
        "it handles one VM after the other, without timeout or lock, and mistakes error text in the list for ids",
        "it has timeouts and a lock, reads only numbers, and handles vcenter.parallel VMs at a time",
    )
    yield (
        bad_nights.not_repeated(paper, desk),
        "it does not retry a failed removal: the VM keeps its snapshot",
        "the journal keeps it as outstanding, and recover or the next run releases it",
    )


def _of_the_results(paper: Paper, good: Rehearsal, desk: Desk) -> Iterator[_Found]:
    yield (
        bad_nights.stale(paper, good, desk),
        "when the query fails, it uses last night's list",
        "it keeps no lists, and changes nothing when a query fails",
    )
    always = [
        at for at, line in desk.text.lines.items() if re.match(r"if\s+errorlevel\s+0+\s", line.bare, re.IGNORECASE)
    ]
    yield always, "`if errorlevel 0` is true after every error but a crash", "it checks every result"
    yield (
        bad_nights.ignored(paper, good, desk),
        "it ignores results: it goes on after a failure, and takes the snapshot all the same",
        "it checks every call and looks up unknown outcomes; a failed run leaves the retained backups alone",
    )
    last = bad_nights.silent_end(paper, desk)
    yield last, "the exit code is that of the last command only", "the exit code covers the whole run"


def _of_the_log(good: Rehearsal, log: str, desk: Desk) -> Iterator[_Found]:
    every = commands(good)
    calls = [one for one in every if one.name not in QUERY_PROGRAMS]
    logged = [one for one in calls if one.output is not None and one.output.lower() not in _NOWHERE]
    yield _lines([one for one in calls if one not in logged], desk), "the output is not logged", "it logs every answer"
    yield (
        _lines([one for one in every if one.errors is None or one.errors.lower() in _NOWHERE], desk),
        "the error output is not logged",
        "it logs errors with the VM or the snapshot and the remedy",
    )
    yield (
        _lines(logged, desk),
        "while another program has the log open, the command does not run at all",
        "its work does not depend on the log",
    )
    echoes = [one for one in good.events if isinstance(one, Written) and one.path.lower() == log.lower()]
    emptied = [desk.line(one.where) for one in echoes if not one.append]
    yield emptied, "it overwrites the log with >", "it appends to the log"
    yield (
        [desk.line(one.where) for one in echoes if one.full.lower() != echoes[-1].full.lower()],
        "before the change of folder, it logs to another file",
        "it has one log, beside the configuration",
    )
    first = min(_lines(every, desk), default=0)
    folder = max((at for at, line in desk.text.lines.items() if at < first and _CHANGE.match(line.bare)), default=0)
    checked = re.search(r"errorlevel|\|\|", _text(folder, desk) + _text(folder + 1, desk), re.IGNORECASE)
    yield (
        [folder] if folder and checked is None else [],
        "it does not notice a failed change of folder, and rotates all the same",
        "it needs no change of folder",
    )


def _of_the_values(good: Rehearsal, desk: Desk) -> Iterator[_Found]:
    calls = commands(good)
    lines = list(dict.fromkeys(_lines(calls, desk)))
    used = {name for line in lines for name in desk.text.names_on(line)}
    for one in desk.text.assignments:
        if one.name in used and not one.quoted and one.value != one.value.rstrip():
            name = _written(one.name, one.line, desk)
            yield [one.line], f"there are blanks at the end of {name}, and cmd keeps them", "it removes them"
    yield (
        [line for line in lines if desk.text.names_on(line) and _bare(_text(line, desk))],
        "values are used without quotes: a blank splits the value, & ends the command",
        "no shell reads its values",
    )
    yield (
        _lines([one for one in calls if _shows_password(one)], desk),
        "a password is on the command line, where others on the machine can read it",
        "those of database and filer never are, and vcbsnapshot's need not be (config.js)",
    )


def _lines(calls: Sequence[ProgramCall], desk: Desk) -> list[int]:
    return [desk.line(call.where) for call in calls]


def _text(line: int, desk: Desk) -> str:
    return desk.text.lines.get(line, Line(line, "")).text


def _bare(text: str) -> bool:
    """Whether a variable stands outside of quotes."""
    return re.search(r"%[A-Za-z_][^%\s]*%|![A-Za-z_][^!\s]*!", re.sub(r'"[^"]*"', "", text)) is not None


def _written(name: str, line: int, desk: Desk) -> str:
    hit = re.search(re.escape(name), _text(line, desk), re.IGNORECASE)
    return hit[0] if hit is not None and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,40}", hit[0]) else "..."


def _shows_password(call: ProgramCall) -> bool:
    if call.name in QUERY_PROGRAMS:
        return any(word.startswith(("-P", "/P")) for word in call.words)
    return "-p" in call.words if call.name == "vcbsnapshot" else carries_password(call.words)
