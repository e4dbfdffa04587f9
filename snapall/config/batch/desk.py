"""Where the commands of a rehearsal are judged: a value's origin, and whether a configuration can hold it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from snapall.config.batch.facts import ANY, Located
from snapall.config.batch.text import FOLDER, MARKER

if TYPE_CHECKING:
    from snapall.config.batch.facts import Findings
    from snapall.config.batch.text import Text
    from snapall.config.cmd import BatchLine
    from snapall.config.tomlfile import KeyPath

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_RELATIVE = ((("log",),), (("filers", ANY, "key_file"),))  # to the batch's folder
_OVERLAY = "or set the value in the overlay file"


@dataclass(frozen=True, slots=True)
class Desk:
    """The batch's text and the findings so far. `name`: the batch's path in the rehearsal."""

    name: str
    text: Text
    findings: Findings

    def line(self, where: BatchLine) -> int:
        """The line of the batch; for a file that it calls, the line that names this file."""
        if where.file.lower() == self.name.lower():
            return where.line
        called = re.escape(re.split(r"[\\/]", where.file)[-1])
        stem = re.escape(re.sub(r"\.[^.]*$", "", re.split(r"[\\/]", where.file)[-1]))
        return self.text.first(called) or self.text.first(rf"\bcall\b.*{stem}") or 1

    def take(self, line: int, value: str, what: str, *keys: KeyPath, secret: bool = False) -> Located:
        """Return a value with the line that it comes from. What no configuration can hold is a fault, too."""
        text = value if secret else value.strip()
        if keys in _RELATIVE and text.lower().startswith(f"{FOLDER}\\".lower()):
            text = text[len(FOLDER) + 1 :]
        origin = self.text.origin(line, _as_read(value.strip()))
        if secret and MARKER.search(text) is None:
            self.findings.secrets.add(text)
        why, at, remedy = self._fault(text, what, line, origin, secret)
        if why:
            self.findings.fault(at, why, f"{remedy}, {_OVERLAY}" if keys else remedy, *keys)
        return Located(_in_utf_8(text), origin)

    def cut(self, line: int, *keys: KeyPath) -> bool:
        """Whether a value that this line uses without quotes is cut by cmd; then that is a fault of the value."""
        for name in self.text.bare_names_on(line):
            known = [one for one in self.text.assignments if one.name == name and one.line <= line]
            sign = re.search(r"[&|<>]|\s", known[-1].plain) if known else None
            if sign is None or MARKER.search(known[-1].value):
                continue
            shown = name if re.fullmatch(r"[a-z_][a-z0-9_]{0,40}", name) else "the value"
            what = f"a {sign[0]}" if sign[0].strip() else "a blank"
            does = "cuts or changes it" if sign[0].strip() else "splits it in two"
            remedy = 'write set "NAME=VALUE", and "%NAME%" in quotes where it is used'
            text = f"{shown}: the value has {what} and is used without quotes, so cmd {does}"
            self.findings.fault(known[-1].line, text, f"{remedy}, {_OVERLAY}" if keys else remedy, *keys)
            return True
        return False

    def unset(self, value: str) -> str:
        """The name of the variable, if the value is nothing but one that nothing sets."""
        hit = MARKER.fullmatch(value.strip())
        return hit[1] if hit is not None and not hit[1].isdigit() and hit[1] != "folder" else ""

    def _fault(self, text: str, what: str, line: int, origin: int, secret: bool) -> tuple[str, int, str]:
        hit = MARKER.search(text)
        if hit is not None and hit[1].isdigit():
            number = int(hit[1])
            name = next((one.name for one in self.text.assignments if one.line == number), "the value")
            return f"{name}: the placeholder was not replaced", number, "write the value in its place"
        if hit is not None and hit[1] == "folder":
            return f"{what} depends on the batch's own folder", line, "write the full path"
        if hit is not None:
            return f"{what}: %{hit[1]}% is never set above", line, "write it out"
        if not text:
            return f"{what} is empty", origin, "fill it in"
        if _CONTROL.search(text):
            return f"{what}: it contains a control character", origin, "remove it"
        if not _in_utf_8(text).isascii() and _in_utf_8(text) == text:
            why = f"{what}: it contains a letter outside ASCII, which code pages 437 and 1252 read differently"
            return why, origin, "save the file as UTF-8"
        if secret and text != text.strip():
            why = f"{what}: it begins or ends with a blank, which may or may not be part of it"
            return why, origin, "write the password without it"
        return "", line, ""


def _as_read(text: str) -> str:
    """The text as the lines of the file are read: UTF-8, or a lone surrogate for each byte beyond ASCII."""
    if text.isascii():
        return text
    try:
        data = text.encode("cp437")
    except UnicodeError:
        return text
    try:
        return data.decode()
    except UnicodeError:
        return data.decode("ascii", "surrogateescape")


def _in_utf_8(text: str) -> str:
    """The text as its author sees it, if the file is UTF-8: a rehearsal reads its bytes in code page 437."""
    try:
        return text.encode("cp437").decode()
    except UnicodeError:
        return text
