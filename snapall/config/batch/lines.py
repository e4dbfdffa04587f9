"""A batch file's bytes -> lines -> commands, split as cmd.exe splits them, without their meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from snapall.config.batch.facts import Findings

_LARGEST = 1 << 16
_LONGEST = 8191  # characters of a line that cmd takes (Microsoft's knowledge base, 830473)


@dataclass(frozen=True, slots=True)
class Line:
    """A line, joined with those that continue it after a `^`; the number is that of the first."""

    number: int
    text: str

    @property
    def bare(self) -> str:
        """The text without the leading characters that cmd ignores."""
        return self.text.lstrip(" \t@,;=")

    @property
    def is_comment(self) -> bool:
        """Whether it is a comment, by REM or `::`."""
        return self.bare.startswith("::") or re.match(r"rem(?![A-Za-z0-9_.])", self.bare, re.IGNORECASE) is not None


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a command in pieces, each with whether it was in quotes."""

    pieces: tuple[tuple[str, bool], ...]

    @property
    def text(self) -> str:
        """The word without its quotes, `%name%` unresolved."""
        return "".join(text for text, _ in self.pieces)


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a line, without its redirections; `join`: "", `&`, `&&`, `||` or `|` before it."""

    join: str
    argv: tuple[Word, ...] = ()

    @property
    def program(self) -> str:
        """The program's name in lower case, without folder and .exe."""
        return program_name(self.argv[0].text) if self.argv else ""


def program_name(text: str) -> str:
    """Return `rsh` for `C:\\tools\\RSH.exe`."""
    return re.split(r"[\\/]", text)[-1].lower().removesuffix(".exe")


def lines_of(data: bytes, findings: Findings) -> list[Line]:
    """Return the lines of a batch file; bytes that are not UTF-8 become lone surrogates."""
    if b"\0" in data or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        findings.fault(1, "the file is UTF-16 or not text", "save it as ANSI or UTF-8 text")
        return []
    data = data.rstrip(b"\x1a")  # old editors end a file with Ctrl-Z, and cmd stops there
    if len(data) > _LARGEST:
        findings.fault(
            1, "the file is larger than 64 KiB, which is too large for a batch file", "name the batch file itself"
        )
        return []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("ascii", "surrogateescape")
    # cmd removes every carriage return; a copy through two systems may have doubled them.
    single = [Line(number, one) for number, one in enumerate(text.replace("\r", "").split("\n"), 1)]
    for line in single:
        if len(line.text) > _LONGEST:
            findings.fault(line.number, "the line is too long for cmd", "split it")
    for line in single:
        if line.is_comment and not line.bare.startswith("::") and _continues(line.text):
            text = "a comment ends in ^, and cmd may read the next line as part of it"
            findings.fault(line.number, text, "remove the ^")
    return list(_joined(single))


def _joined(single: list[Line]) -> Iterator[Line]:
    pending: Line | None = None
    for line in single:
        now = line if pending is None else replace(pending, text=pending.text + line.text)
        pending = None
        if now.is_comment or not _continues(now.text):
            yield now
        else:
            pending = replace(now, text=now.text[:-1])
    if pending is not None:
        yield pending


def _continues(text: str) -> bool:
    return re.sub(r'"[^"]*"?|\^.', "", text).endswith("^")


_WORD = r'(?:"[^"]*"?|\^.?|[^ \t&|<>"^]+)+'
_PART = re.compile(
    r"(?P<join>&&|\|\||&|\|)"
    rf"|(?P<redirection>(?:(?<![^ \t])[0-9])?(?:>>|>|<)(?:&[0-9]|[ \t]*{_WORD})?)"
    rf"|(?P<word>{_WORD})"
)


def commands_of(text: str) -> list[Command]:
    """Return the commands of a line with their words."""
    found: list[Command] = []
    join, argv = "", list[Word]()
    for hit in _PART.finditer(text):
        if hit["join"]:
            found.append(Command(join, tuple(_unglued(argv))))
            join, argv = hit["join"], []
        elif hit["word"]:
            argv.append(_word(hit["word"]))
    return [*found, Command(join, tuple(_unglued(argv)))]


def _word(text: str) -> Word:
    pieces = re.findall(r'"[^"]*"?|\^.?|[^"^]+', text)
    return Word(tuple((one.strip('"') if one[0] == '"' else one.removeprefix("^"), one[0] == '"') for one in pieces))


def _unglued(argv: list[Word]) -> list[Word]:
    """`goto:End`, `exit/b`, `echo/`: cmd's own commands need no blank before these signs."""
    first, quoted = argv[0].pieces[0] if argv else ("", True)
    hit = re.fullmatch(r"(goto|call|exit|echo)([:/].*)", first, re.IGNORECASE | re.DOTALL)
    if hit is None or quoted:
        return argv
    return [Word(((hit[1], False),)), Word(((hit[2], False), *argv[0].pieces[1:])), *argv[1:]]
