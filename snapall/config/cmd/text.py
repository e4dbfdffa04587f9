"""A batch's bytes as lines, the labels among them, and how a line is split into words."""

from __future__ import annotations

import codecs
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from snapall.config.cmd.stops import Puzzle

LONGEST = 8191  # characters of a line that cmd takes (Microsoft's knowledge base, 830473)
LARGEST = 1 << 20  # bytes of a file that is read: a list of all VMs has a few kilobytes
_LABEL = re.compile(r"[ \t,;=@]*:[ \t]*(?P<name>[^\s:+,;=<>|&]*)")
_ASCII = bytes(range(32, 127))


@dataclass(frozen=True, slots=True)
class BatchText:
    """The lines of a batch with their numbers, and where each label stands (indexes into the lines)."""

    name: str
    lines: tuple[tuple[int, str], ...]
    labels: Mapping[str, Sequence[int]]

    def after(self, label: str, start: int) -> int | None:
        """Return the index of the line after a label, searched from `start` to the end and then from the top."""
        places = self.labels.get(label.lower())
        if places is None:
            return None
        following = bisect_left(places, start)
        return places[following if following < len(places) else 0] + 1


def text_of(data: bytes, code_page: int) -> str:
    """Decode a file as cmd reads it; undecodable bytes become lone surrogates. Line ends become line feeds.

    Raises Puzzle on UTF-16, on a NUL and on files that are too large.
    """
    if len(data) > LARGEST:
        raise Puzzle("the file is too large", "shorten it")
    if b"\0" in data or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise Puzzle("the file is UTF-16 or not text", "save it as ANSI or UTF-8 text")
    if data.startswith(codecs.BOM_UTF8):
        return _plain_ends(data[3:].decode("utf-8", "surrogateescape"))
    return _plain_ends(data.decode(codec_of(code_page), "surrogateescape"))


def codec_of(code_page: int) -> str:
    """Return Python's name of a code page that has ASCII in its usual place. Raises Puzzle for others."""
    name = "utf-8" if code_page == 65001 else f"cp{code_page}"
    try:
        if _ASCII.decode(name) == _ASCII.decode("ascii"):
            return name
    except LookupError:
        pass
    raise Puzzle(
        "chcp selects a code page that snapall does not know", "save the batch in code page 437, 850, 1252 or 65001"
    )


def batch_text(name: str, text: str) -> BatchText:
    """Take a batch apart into lines."""
    found: list[tuple[int, str]] = []
    for number, line in enumerate(text.replace("\r", "").split("\n"), 1):
        # cmd reads Ctrl-Z as the end of a line (jeb and dbenham, "How does CMD.EXE parse scripts?", phase 0).
        found.extend((number, part) for part in line.split("\x1a"))
    labels: dict[str, list[int]] = {}
    for index, (_, line) in enumerate(found):
        hit = _LABEL.match(line)
        if hit is not None and hit["name"]:
            labels.setdefault(hit["name"].lower(), []).append(index)
    return BatchText(name, tuple(found), labels)


def _plain_ends(text: str) -> str:
    return text.replace("\r\n", "\n")


_PARAMETER = re.compile(r'[ \t,;=]*((?:"[^"]*(?:"|$)|[^ \t,;="])+)')


def parameters(text: str) -> tuple[str, ...]:
    """Split as cmd does for %1, %2 and for the items of `for`: quotes stay, and `,`, `;` and `=` separate too."""
    return tuple(hit[1] for hit in _PARAMETER.finditer(text))


def unquoted(text: str) -> str:
    """Return a text without the quotes around it."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text.removeprefix('"')


def c_words(text: str) -> tuple[str, ...]:
    """Split as the C runtime of Windows does (Microsoft, "Parsing C command-line arguments").

    A doubled quote within quotes is one quote and the quotes stay open, as since 2008; before, it closed them.
    """
    found: list[str] = []
    at = 0
    while at < len(text):
        if text[at] in " \t":
            at += 1
            continue
        word, at = _c_word(text, at)
        found.append(word)
    return tuple(found)


def _c_word(text: str, at: int) -> tuple[str, int]:
    taken: list[str] = []
    quoted = False
    while at < len(text) and (quoted or text[at] not in " \t"):
        if text[at] == "\\":
            slashes = len(text) - at - len(text[at:].lstrip("\\"))
            at += slashes
            if text[at : at + 1] != '"':
                taken.append("\\" * slashes)
                continue
            taken.append("\\" * (slashes // 2))
            if slashes % 2:
                taken.append('"')
                at += 1
        elif text[at] == '"':
            if quoted and text.startswith('""', at):
                taken.append('"')
                at += 1
            else:
                quoted = not quoted
            at += 1
        else:
            taken.append(text[at])
            at += 1
    return "".join(taken), at
