"""Programs that a batch runs only on some nights: on a bad one, on some dates, or when a file is there."""

from __future__ import annotations

from snapall.config.batch.commands import others
from snapall.config.batch.commands.programs import BACKUP, DECIDING
from snapall.config.batch.desk import Desk
from snapall.config.batch.rehearsals.bad_nights import failing
from snapall.config.batch.rehearsals.nights import Paper, captures, commands
from snapall.config.cmd import ProgramCall, Rehearsal, Sent

_MOST = 40
_ACTING = frozenset({"cscript", "curl", "net", "perl", "powershell", "python", "sc", "wscript"})
"""Those of the deciding programs that may do something; the others only look."""


def alarms(paper: Paper, good: Rehearsal, desk: Desk) -> None:
    """Let each command and each program fail in turn, and say what runs then: snapall runs none of it."""
    sent = [one for one in good.events if isinstance(one, Sent)]
    lines = list(dict.fromkeys(desk.line(call.where) for call in [*commands(good), *sent]))
    for line in lines[:_MOST]:

        def fails(call: ProgramCall, line: int = line) -> bool:
            return desk.line(call.where) == line

        for call in added(good, failing(paper, fails, ("all of a line", line), silent=True)):
            _note(call, desk)


def occasional(first: Rehearsal, other: Rehearsal, desk: Desk) -> None:
    """Judge the programs that run on another good night and not on the first, as if they ran on that one, too."""
    own = [at for at, one in enumerate(other.events) if isinstance(one, Sent) and one.name in BACKUP]
    for call in added(first, other):
        at = other.events.index(call)
        hook = "" if not own else "before" if at < own[0] else "after" if at > own[-1] else ""
        if captures(other):
            others.judge(call, desk.line(call.where), desk, hook)
        else:
            _note(call, desk)


def added(first: Rehearsal, other: Rehearsal) -> list[Sent]:
    """The programs of another night that the first does not run, and that may do something."""
    usual = {(one.where, one.name) for one in first.events if isinstance(one, Sent)}
    without = BACKUP | others.QUIET | (DECIDING - _ACTING)
    calls = (one for one in other.events if isinstance(one, Sent) and one.name not in without)
    return [one for one in calls if (one.where, one.name) not in usual]


def _note(call: Sent, desk: Desk) -> None:
    shown = others.named(call) or (call.name if call.name in _ACTING else "a program")
    text = f"{shown} runs when something fails, and is not imported"
    desk.findings.notice(desk.line(call.where), text, "set [notify.mail], or on_failure in [jobs.NAME.hooks]")
