"""What a batch's text says that its commands do not: on which line a value was set, and which names nothing sets."""

from __future__ import annotations

import re
from dataclasses import dataclass

from snapall.config.batch.facts import Findings
from snapall.config.batch.lines import Line, lines_of

_SET = re.compile(
    r"(?:^|[\s(&|@;,=])set\s+(?:/(?P<how>[ap])\s+)?(?P<quote>\"?)(?P<name>[^\s\"=%!&|<>/][^\"=%!&|<>]*?)\s*[-+*/%&|^]?="
    r"(?P<value>[^\r\n]*)",
    re.IGNORECASE,
)
_NAMES = re.compile(r"%([A-Za-z_][A-Za-z0-9_.-]*)(?::[^%\r\n]*)?%|!([A-Za-z_][A-Za-z0-9_.-]*)(?::[^!\r\n]*)?!")
_PLACEHOLDER = re.compile(r"\s*replace\b.*\btext\b", re.IGNORECASE)
_SECRET_NAME = re.compile(r"p(ass)?w(or)?d|pass|secret|kennw|pwd|pword|^pw$", re.IGNORECASE)
_BUILT_IN = frozenset({"date", "time", "cd", "errorlevel", "random", "cmdcmdline", "cmdextversion"})


@dataclass(frozen=True, slots=True)
class Assignment:
    """A `set` as it is written. `asked`: its value is computed or read (/A, /P)."""

    line: int
    name: str
    value: str
    quoted: bool
    asked: bool

    @property
    def secret(self) -> bool:
        """Whether the name says that it is a password."""
        return _SECRET_NAME.search(self.name) is not None

    @property
    def file(self) -> str:
        """The file that it is read from (`set /p NAME=<FILE`), or ""."""
        hit = re.match(r"[^<]*<\s*\"?([^\"]+)", self.value) if self.asked else None
        return hit[1].strip() if hit is not None else ""

    @property
    def plain(self) -> str:
        """The value without its blanks, its quotes and the doubling of %."""
        return self.value.strip().strip('"').replace("%%", "%")


@dataclass(frozen=True, slots=True)
class Text:
    """The lines of a batch file that are no comments."""

    lines: dict[int, Line]
    all: dict[int, str]
    assignments: tuple[Assignment, ...]

    def origin(self, line: int, value: str) -> int:
        """The line that sets this value for a command, or the command's own."""
        for name in self.names_on(line):
            known = [one for one in self.assignments if one.name == name and one.line <= line]
            if known and (known[-1].plain == value or known[-1].asked):
                return known[-1].line
        return line

    def names_on(self, line: int) -> list[str]:
        """The variables that a line uses, in lower case."""
        return names_in(self.lines[line].text) if line in self.lines else []

    def bare_names_on(self, line: int) -> list[str]:
        """The variables that a line uses outside of quotes, in lower case."""
        return names_in(re.sub(r'"[^"]*"', "", self.lines[line].text)) if line in self.lines else []

    def unset(self) -> list[str]:
        """The names that are used, and that nothing in the file sets; as they are first written."""
        known = {one.name for one in self.assignments} | _BUILT_IN
        used = {
            name.lower(): name
            for line in reversed(self.lines.values())
            for pair in reversed(_NAMES.findall(line.text))
            for name in pair
            if name
        }
        return [name for key, name in used.items() if key not in known]

    def uses(self, names: str) -> bool:
        """Whether a line other than an echo uses one of these variables (a pattern)."""
        return any(re.search(names, one.text, re.IGNORECASE) for one in self.lines.values() if not is_echo(one))

    def first(self, pattern: str) -> int | None:
        """The first line that a pattern is found in."""
        return next((at for at, one in self.lines.items() if re.search(pattern, one.text, re.IGNORECASE)), None)


def names_in(text: str) -> list[str]:
    """The variables that a text uses, in lower case."""
    return [(percent or delayed).lower() for percent, delayed in _NAMES.findall(text)]


def is_echo(line: Line) -> bool:
    """Whether the line is one echo and nothing more."""
    return re.match(r"echo(?![a-z0-9_])[^&|]*$", line.bare, re.IGNORECASE) is not None


def text_of(data: bytes, findings: Findings) -> Text:
    """Read a batch's text. Passwords that its `set` lines give are among the findings' secrets."""
    lines = lines_of(data, findings)
    code = {one.number: one for one in lines if not one.is_comment and not one.bare.startswith(":")}
    found = [
        Assignment(number, hit["name"].strip().lower(), _value(hit), bool(hit["quote"]), hit["how"] is not None)
        for number, line in code.items()
        for hit in _SET.finditer(line.text)
    ]
    for one in found:
        if one.secret and not one.asked:
            findings.secrets |= {one.value.strip(), one.value.strip().strip('"'), one.plain}
    return Text(code, {one.number: one.text for one in lines}, tuple(found))


def _value(hit: re.Match[str]) -> str:
    value = hit["value"]
    if hit["quote"]:
        return value.rpartition('"')[0] if '"' in value else value
    return re.sub(r"(?<!\^)&\s*(set|if|goto|call|echo)\b.*", "", value, flags=re.IGNORECASE)


def placeholders(text: Text) -> list[Assignment]:
    """The values that the batch's author left to be filled in."""
    return [one for one in text.assignments if _PLACEHOLDER.match(one.value)]


def with_markers(data: bytes, found: list[Assignment]) -> bytes:
    """The batch with a marker in place of each placeholder, so that it can be seen where the value goes."""
    for one in found:
        data = data.replace(f"={one.value}".encode(), f"={marker(one.line)}".encode(), 1)
    return data


def marker(of: object) -> str:
    """A value that stands for one that the batch does not have."""
    return f"zz.snapall.{of}.zz"


FOLDER = f"C:\\{marker('folder')}"
"""Stands for the batch's folder."""
MARKER = re.compile(r"zz\.snapall\.([A-Za-z0-9_.-]*?)\.zz")
"""A marker in a value; its first group is what it stands for."""
