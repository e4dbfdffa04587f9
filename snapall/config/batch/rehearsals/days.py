"""Names of several days -> the strftime pattern that gives exactly these names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""As an English Windows begins %date%."""

WRITTEN: Mapping[str, Callable[[date], str]] = {
    "%Y": lambda day: f"{day.year:04}",
    "%y": lambda day: f"{day.year % 100:02}",
    "%m": lambda day: f"{day.month:02}",
    "%d": lambda day: f"{day.day:02}",
    "%a": lambda day: WEEKDAYS[day.weekday()],
}
"""The parts of a date that %date% has, each with what it writes."""


def pattern_of(names: Mapping[date, str]) -> tuple[str, ...]:
    """The pattern in its parts, directives and single characters; () if there is none."""
    first = next(iter(names.values()))
    if any(len(name) != len(first) for name in names.values()):
        return ()
    parts: list[str] = []
    at = 0
    while at < len(first):
        part = _directive(names, at) or _constant(names, at)
        if not part:
            return ()
        parts.append(part)
        at += 1 if part not in WRITTEN else len(WRITTEN[part](date.min))
    return tuple(parts)


def _directive(names: Mapping[date, str], at: int) -> str:
    fits = (
        part for part, write in WRITTEN.items() if all(name.startswith(write(day), at) for day, name in names.items())
    )
    return next(fits, "")


def _constant(names: Mapping[date, str], at: int) -> str:
    signs = {name[at] for name in names.values()}
    return signs.pop().replace("%", "%%") if len(signs) == 1 else ""
