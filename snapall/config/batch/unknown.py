"""A command or a loop that snapall does not know -> the fault and its remedy."""

from __future__ import annotations

import re

from snapall.config.batch.lines import Command, program_name
from snapall.config.batch.redacted import NAMED

NOT_NEEDED = "if the backup works without it, put REM before it in the copy that snapall reads"
"""The remedy for a command that the backup may not need."""

_BY_SSH = (
    "write rsh FILER in its place in the copy, and set the filer's transport, user, known_hosts and key_file or "
    "password in the overlay file"
)
_REMEDIES = {
    "plink": _BY_SSH,
    "ssh": _BY_SSH,
    "start": "write the command itself, without start",
    "cmd": "write the command itself, without cmd /c",
    "call": "write what it does in its place: snapall imports only a batch that runs from top to bottom",
    "vcbsnapshot": "write it after for /F, as in the original",
}


def remedy_of(program: str) -> str:
    """Return the remedy for an unknown command."""
    return _REMEDIES.get(program, NOT_NEEDED)


_A_FILE = re.compile(r"[A-Za-z0-9_-]{1,30}\.(exe|com|bat|cmd|vbs|js|ps1)", re.IGNORECASE)


def unknown(command: Command, text: str) -> tuple[str, str]:
    """Return the fault and its remedy; `text` is the whole line. A name that may be a password is not shown."""
    first = re.split("[=,;]", command.argv[0].text)[0]  # as cmd parts the command's name: path=C:\\
    program = program_name(first)
    if text.lstrip().startswith(("(", ")")):
        return "a block in parentheses", "write its commands on lines of their own, or joined by && on one line"
    if "%" in first.replace("%%", ""):
        return "a variable takes the place of the command's name", "write the name itself"
    if program == "vcbsnapshot":
        return "vcbsnapshot is outside a loop over a list", _REMEDIES[program]
    if program in NAMED or _A_FILE.fullmatch(first) is not None:
        what = f"snapall does not know the command {first.lower()}"
        return what, remedy_of(program)
    return "snapall does not know the command", NOT_NEEDED


def unknown_loop(text: str) -> tuple[str, str]:
    """Return the fault of an unknown loop, and its remedy."""
    remedy = "write its commands out, one line for each turn"
    if re.match(r"for\s+/f\b", text, re.IGNORECASE):
        remedy = 'write for /F "eol=( tokens=1,2" %%i in (FILE) do COMMAND && COMMAND on one line'
    return "snapall does not know this loop", remedy
