"""Files that a batch reads or calls, and that snapall cannot find: the line that names the file is at fault."""

from __future__ import annotations

import re

from snapall.config.batch.desk import Desk
from snapall.config.batch.facts import BatchFault
from snapall.config.batch.rehearsals.nights import Paper
from snapall.config.batch.text import Assignment, Text
from snapall.escaping import printable

_LISTED = re.compile(r"\bfor\s+/f\b.*?\bin\s*\(\s*\"?([^()'\"]+?)\"?\s*\)\s*do\b.*\bset\b", re.IGNORECASE)
_BESIDE = "copy that file beside the batch"


def calls_missing(paper: Paper, desk: Desk) -> bool:
    """Whether the batch calls another that is not beside it; that is a fault."""
    for at, line in desk.text.lines.items():
        hit = re.search(r"\bcall\s+\"?([^:\"\s][^\"\r\n]*?\.(?:cmd|bat))\b", line.text, re.IGNORECASE)
        name = re.split(r"[\\/]|%~dp0", hit[1])[-1] if hit is not None else ""
        if name and "%" not in name and paper.files(name) is None:
            desk.findings.fault(at, f"it calls {name}, which is not in the batch's folder", "copy that file there, too")
            return True
    return False


def files_unread(paper: Paper, desk: Desk) -> None:
    """Lead faults of values that nothing sets to the files that would set them, if those are missing."""
    missing = {_name(path) for path in paper.missing}
    for fault in list(desk.findings.faults):
        source = _password_file(fault, desk.text, missing)
        if source is not None:
            del desk.findings.faults[fault]
            text = f"{source.name} is read from {_shown(source.file)}, which snapall cannot find"
            desk.findings.fault(source.line, text, f"{_BESIDE}, or set the value in the overlay file", *fault.keys)
    unset = [one for one in desk.findings.faults if "is never set" in one.text]
    found = [(at, hit[1]) for at, one in desk.text.lines.items() if (hit := _LISTED.search(one.text)) is not None]
    for at, file in found if unset else ():
        if _name(file) in missing:
            for fault in unset:
                desk.findings.faults.pop(fault, None)
            desk.findings.fault(at, f"it reads {_shown(file)}, which is not in the batch's folder", _BESIDE)


def _password_file(fault: BatchFault, text: Text, missing: set[str]) -> Assignment | None:
    """The `set /p NAME=<FILE` of a missing file that would give the password of which the fault speaks."""
    if not any(key[-1] == "password" for key in fault.keys):
        return None
    for name in text.names_on(fault.line):
        known = [one for one in text.assignments if one.name == name and one.line <= fault.line]
        if known and known[-1].secret and _name(known[-1].file) in missing:
            return known[-1]
    return None


def _name(path: str) -> str:
    return re.split(r"[\\/]|%~dp0", path)[-1].lower()


def _shown(path: str) -> str:
    return printable(path) if "%" not in path else printable(_name(path))
