"""The characters that pictures in text are made of, and sparklines."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import astuple, dataclass


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The characters that a terminal can show. `levels` rise from the lowest to the highest."""

    quiescing: str
    quiesced: str
    uncertain: str
    releasing: str
    failed: str
    beyond: str
    line: str
    levels: str
    none: str


FINE = Alphabet("░", "█", "?", "▒", "x", ">", "┃", "▁▂▃▄▅▆▇█", "·")
PLAIN = Alphabet(".", "#", "?", "-", "x", ">", "|", "_.-=+*%#", " ")


def alphabet(encoding: str | None) -> Alphabet:
    """The finest that the encoding of an output can carry."""
    try:
        "".join(astuple(FINE)).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return PLAIN
    return FINE


PLAINER = "snapall-plainer"
"""How a stream writes what its encoding lacks: glyphs of the screen as ASCII of one column, all else escaped."""

_ASCII = {
    "○": "o",
    "●": "*",
    "✓": "+",
    "✗": "x",
    "·": "-",
    "…": ".",
    **dict(zip(FINE.levels, PLAIN.levels, strict=True)),
}


def _plainer(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_ASCII.get(one) or one.encode("ascii", "backslashreplace").decode() for one in lacking), error.end


codecs.register_error(PLAINER, _plainer)


def sparkline(values: Sequence[float | None], width: int, glyphs: Alphabet) -> str:
    """The last values, one column each, as heights between 0 and their greatest; None is a gap."""
    drawn = values[-width:] if width > 0 else ()
    high = max((value for value in drawn if value is not None), default=0.0)
    return "".join(glyphs.none if value is None else _level(value, high, glyphs.levels) for value in drawn)


def _level(value: float, high: float, levels: str) -> str:
    if high <= 0:
        return levels[0]
    return levels[min(len(levels) - 1, int(max(0.0, value) / high * len(levels)))]
