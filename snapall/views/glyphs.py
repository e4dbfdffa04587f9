"""Pictures made of letters: their alphabets, and texts brought to a number of columns."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The letters that a terminal can show. `levels` rise from nothing to the most."""

    quiescing: str
    quiesced: str
    uncertain: str
    releasing: str
    failed: str
    beyond: str
    line: str
    levels: str
    none: str
    dot: str


FINE = Alphabet("░", "█", "?", "▒", "x", ">", "┃", "▁▂▃▄▅▆▇█", "·", "·")
PLAIN = Alphabet(".", "#", "?", "-", "x", ">", "|", "_.-=+*%#", " ", "-")


def alphabet(encoding: str | None) -> Alphabet:
    """The finest that the encoding of an output can hold."""
    try:
        "".join((FINE.quiescing, FINE.quiesced, FINE.releasing, FINE.line, FINE.levels, FINE.dot)).encode(
            encoding or "ascii"
        )
    except (UnicodeEncodeError, LookupError):
        return PLAIN
    return FINE


def columns(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def fitted(text: str, width: int) -> str:
    """The text in exactly so many columns: filled up, or cut and ended with two dots."""
    if columns(text) > width:
        dots = min(2, width)
        kept, used = "", 0
        for char in text:
            if used + _columns(char) > width - dots:
                break
            kept, used = kept + char, used + _columns(char)
        text = kept + "." * dots
    return text + " " * (width - columns(text))


def sparkline(values: Sequence[float | None], width: int, glyphs: Alphabet, top: float | None = None) -> str:
    """The last values, one column each, as heights between 0 and `top` (else their greatest); None is a gap."""
    shown = values[-width:] if width > 0 else ()
    known = [value for value in shown if value is not None]
    high = max(known, default=0.0) if top is None else top
    return "".join(glyphs.none if value is None else _level(value, high, glyphs.levels) for value in shown)


def _level(value: float, high: float, levels: str) -> str:
    if high <= 0:
        return levels[0]
    return levels[min(len(levels) - 1, int(max(0.0, value) / high * len(levels)))]
