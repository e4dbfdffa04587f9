"""Programs that a batch runs only on nights when something fails: mail, a pager, an entry in a log."""

from __future__ import annotations

import re

from snapall.config.batch.commands.others import QUIET
from snapall.config.batch.commands.programs import BACKUP, DECIDING
from snapall.config.batch.desk import Desk
from snapall.config.batch.redacted import NAMED
from snapall.config.batch.rehearsals.bad_nights import failing_in_turn
from snapall.config.batch.rehearsals.nights import Paper
from snapall.config.cmd import Rehearsal, Sent

_A_FILE = re.compile(r"[A-Za-z0-9_-]{1,30}\.(exe|com|bat|cmd|vbs|ps1)", re.IGNORECASE)


def alarms(paper: Paper, good: Rehearsal, desk: Desk) -> None:
    """Let each command of the backup fail in turn, and say what runs then: snapall runs none of it."""
    usual = {desk.line(one.where) for one in good.events if isinstance(one, Sent)}
    for _, bad in failing_in_turn(paper, good, desk):
        for call in bad.events:
            if not isinstance(call, Sent) or call.name in BACKUP | QUIET | DECIDING or desk.line(call.where) in usual:
                continue
            file = re.split(r"[\\/]", call.program)[-1]
            shown = call.name if call.name in NAMED or _A_FILE.fullmatch(file) else "a program"
            text = f"{shown} runs when something fails, and is not imported"
            desk.findings.notice(desk.line(call.where), text, "set [notify.mail], or on_failure in [jobs.NAME.hooks]")
