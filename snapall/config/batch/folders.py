"""The folder to which a batch file changes by `c:`, `cd` and `pushd`: the one that holds vcbsnapshot."""

from __future__ import annotations

import re
from pathlib import PureWindowsPath

from snapall.config.batch.lines import Command

_CHANGE = re.compile(r"(cd|chdir|pushd)(?![a-z0-9_])\s*(/d\s+)?", re.IGNORECASE)


def changes_folder(command: Command) -> bool:
    """Whether the command changes the drive or the folder."""
    first = command.argv[0].text
    return re.fullmatch(r"[A-Za-z]:", first) is not None or _CHANGE.match(first) is not None


def folder_after(here: PureWindowsPath, command: Command, program: str) -> PureWindowsPath:
    """Return the folder after such a command; it is relative if the batch does not name the one it starts in."""
    if re.fullmatch(r"[a-z]:", program):
        return here if here.drive.lower() == program else PureWindowsPath(program + str(here)[len(here.drive) :])
    target = _CHANGE.sub("", " ".join(word.text for word in command.argv), count=1).strip()
    known = bool(target) and "%" not in target and all(char.isprintable() for char in target)
    return here / target if known else PureWindowsPath()
