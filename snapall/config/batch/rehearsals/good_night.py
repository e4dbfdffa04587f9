"""The commands of one job on a good night as the batch sends them, without passwords, for a comparison."""

from __future__ import annotations

from collections.abc import Sequence

from snapall.config.batch.commands.reading import read
from snapall.config.batch.compared import ComparedCommand, Key
from snapall.config.batch.desk import Desk
from snapall.config.batch.facts import (
    Findings,
    QuiesceCall,
    ReleaseCall,
    Snap,
    SnapshotQuery,
    Statement,
    Statements,
    VmQuery,
)
from snapall.config.batch.rehearsals.nights import TWO_VMS, Paper
from snapall.config.batch.tables.sequences import sequences_of
from snapall.config.batch.text import MARKER
from snapall.config.cmd import ProgramCall

_SECRET = ("-P", "-p", "-pw")
_LONGEST = 60


def sequence_of(paper: Paper, desk: Desk, volumes: Sequence[str]) -> tuple[list[ComparedCommand], tuple[int, ...]]:
    """Return what the batch sends for these volumes, and the VMs of that night; nothing for other volumes."""
    rehearsal, night = paper.good(TWO_VMS)
    found = read(rehearsal, Desk(desk.name, desk.text, Findings()), night)
    calls = iter(found.calls)
    for sequence in sequences_of(found.statements, Findings()):
        created = [one.names[0].text for one in sequence.captures if _published(one, sequence)]
        commands = [_command(one, next(calls), desk, created) for one in sequence]
        if {one.volume.text.lower() for one in sequence.of(Snap)} == {one.lower() for one in volumes}:
            return commands, tuple(vm for query in sequence.of(VmQuery) for vm in query.vms)
    return [], ()


def _published(capture: Snap, sequence: Statements) -> bool:
    """Whether what is captured gets another name afterwards."""
    after = Statements(sequence[sequence.index(capture) :])
    return any(one.verb == "rename" and one.names[0].text == capture.names[0].text for one in after.of(Snap))


def _command(statement: Statement, call: ProgramCall, desk: Desk, created: Sequence[str]) -> ComparedCommand:
    key, why = _key(statement)
    if key[0] == "rename" and key[2] in created:
        key = ("publish", key[1], key[3])
    return ComparedCommand(key, desk.findings.masked(_text(call)), statement.line, why)


def _text(call: ProgramCall) -> str:
    shown, before = [call.name], ""
    for written in call.words:
        word = MARKER.sub("", written)  # as cmd leaves it: a variable that nothing sets is nothing
        attached = word.startswith(("-P", "/P")) and len(word) > len("-P")
        login = before == "-l" and ":" in word
        text = "***" if before in _SECRET else "-P***" if attached and word != "-pw" else word
        text = f"{word.partition(':')[0]}:***" if login else text
        shown += [text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."] if text else []
        before = word
    return " ".join(shown)


def _key(statement: Statement) -> tuple[Key, str]:
    match statement:
        case Snap(verb="create", volume=volume):
            return ("capture", volume.text), ""
        case Snap(verb=verb, volume=volume, names=names):
            return (verb, volume.text, *(one.text for one in names)), ""
        case QuiesceCall(vm=vm, login=login):
            return ("quiesce", f"vm-{vm}"), "1: the batch gives no user" if login.unset_user else ""
        case ReleaseCall(vm=vm):
            return ("release", f"vm-{vm}"), ""
        case VmQuery(templates=templates):
            return ("vms",), "7: snapall leaves templates out" if templates else ""
        case SnapshotQuery(limited_to=limited):
            return (
                "snapshots",
            ), "" if limited else "6: the batch asks for everyone's snapshots, snapall for its own VMs'"
        case _:
            return (type(statement).__name__,), ""
