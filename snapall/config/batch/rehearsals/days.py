"""The days of a batch's rehearsals, as %date% writes them, and the strftime pattern of names on several days."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import product

from snapall.config.batch.text import Text

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
_AMERICAN, _EUROPEAN, _ISO = "{weekday} {month}/{day}/{year}", "{day}.{month}.{year}", "{year}-{month}-{day}"
_DASHED = "{weekday}-{month}-{day}-{year}"  # as a file's name may be: the American one, part by part
_BRITISH = "{day}/{month}/{year}"
_USUAL = date(2007, 3, 22)


@dataclass(frozen=True, slots=True)
class Day:
    """The date of a rehearsal, and how %date% writes it."""

    day: date
    form: str

    @property
    def written(self) -> str:
        """The text of %date%."""
        day, weekday = self.day, WEEKDAYS[self.day.weekday()]
        return self.form.format(weekday=weekday, day=f"{day.day:02}", month=f"{day.month:02}", year=day.year)


def usual_day(text: Text) -> Day:
    """The day on which the batch is read."""
    return Day(_USUAL, _forms(text)[0])


def other_days(text: Text) -> Iterator[tuple[Day, str]]:
    """Dates and times for other rehearsals: two if the batch mentions them, each day and month if it uses them."""
    if text.first(r"date|time|random") is None:
        return
    forms = _forms(text)
    yield Day(date(2008, 2, 29), forms[-1]), "23:05:01,00"
    yield Day(date(1999, 11, 17), forms[0]), "11:11:11.11"
    used = text.uses(r"[%!](date|time|random)\b|\b(date|time)\s*/t\b")
    if not used and text.first(r">.*[%!](date|time|random)\b") is None:
        return
    for form, minute in zip(forms, ("00:00.00", "30:00,00", "45:00.00"), strict=False):
        for day in range(1, 32):
            yield Day(date(2007, 3, day), form), f"{day % 24:2}:{minute}"
    for form, month in product(forms, range(1, 13)):
        yield Day(date(2007, month, 12), form), f"{month + 11:2}:00:00.00"


def _forms(text: Text) -> tuple[str, ...]:
    """How %date% may be written where the batch runs: the parts that it takes can only be whole in some forms."""
    if text.first(r"[%!]date:~3,2[%!]") is not None:
        return (_EUROPEAN,)
    if text.first(r"delims=[^\".-]*/[^\".-]*\".*\bdate\b") is not None:
        return (_AMERICAN, _BRITISH)  # it splits the date at slashes
    if text.first(r"[%!]date[%!][^\s\"/\\>]*\.(log|txt)\b") is not None and text.first(r":/=|delims=[^\"]*/") is None:
        return (_EUROPEAN, _ISO, _DASHED)  # no file's name can contain a slash
    return (_ISO,) if text.first(r"[%!]date:~[58],2[%!]") is not None else (_AMERICAN, _EUROPEAN)


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
