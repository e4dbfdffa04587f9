"""A batch's bytes as lines, and the labels among them."""

from __future__ import annotations

import codecs
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from snapall.config.cmd.puzzle import Puzzle

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
        raise Puzzle("the file is too large to be read here", "shorten it")
    if b"\0" in data or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise Puzzle("the file is UTF-16 or no text at all", "save it as ANSI or UTF-8 text")
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
    raise Puzzle("chcp selects a code page that is unknown here", "save the batch in code page 437, 850, 1252 or 65001")


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
