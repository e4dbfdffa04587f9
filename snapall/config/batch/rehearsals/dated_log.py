"""A log that is named after the date: its name with `{date}`, and the date as strftime writes it."""

from __future__ import annotations

import ntpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from snapall.config.batch.desk import Desk
from snapall.config.batch.facts import Located
from snapall.config.batch.rehearsals.days import WRITTEN, Day, pattern_of, usual_day
from snapall.config.batch.rehearsals.nights import Paper, elsewhere, later, writing
from snapall.config.batch.tables.raw import Table
from snapall.config.cmd import ProgramCall, Rehearsal, Written
from snapall.config.logname import PLACEHOLDER

_KEY = ("log",)


@dataclass(frozen=True, slots=True)
class LogName:
    """The name on the first night, and what stands for it: the form of %date% is an assumption if it matters."""

    first: str
    name: str
    log_date: str
    line: int
    assumed: str  # %date% as it was rehearsed; "" if the form makes no difference

    def put(self, table: Table, desk: Desk) -> None:
        """Name the log in the table, and say what was assumed."""
        log = table.raw.get("log", "")
        if not log.endswith(self.first):
            return
        line = table.lines[_KEY]
        table.put(_KEY, log.removesuffix(self.first) + self.name, line)
        table.put(("log_date",), self.log_date, line)
        if self.assumed:
            text = f'the log is named after the date; %date% is read as "{self.assumed}"'
            remedy = f'if this machine writes %date% in another way, check that log_date = "{self.log_date}" is right'
            desk.findings.notice(self.line, text, remedy)


@dataclass(slots=True)
class DatedLog:
    """The logs of several nights."""

    first: Rehearsal
    place: ProgramCall | Written | None = None  # where a night first writes to another file than the first night
    nights: list[tuple[Day, dict[str, str]]] = field(default_factory=list)  # names on the first night -> on this one
    alike: bool = True  # whether each night writes the same files of the same folders, but for their names

    def add(self, day: Day, other: Rehearsal) -> None:
        """Remember to which files this night writes."""
        self.place = self.place or elsewhere(self.first, other)
        names: dict[str, str] = {}
        for one, twin in zip(_files(self.first), _files(other), strict=False):
            same_file = names.setdefault(one[-1], twin[-1]) == twin[-1]
            self.alike = self.alike and same_file and one[:-1] == twin[:-1]
        self.nights.append((day, names))

    def found(self, paper: Paper, logs: Sequence[Located], desk: Desk) -> LogName | None:
        """Return how the log is named; None if its name stays the same, or after a fault. `logs`: as it was read."""
        if self.place is None:
            return None
        line = desk.line(self.place.where)
        found = self._named(paper, {ntpath.basename(one.text) for one in logs}, line)
        if found is None:
            text = "the log's name changes from night to night"
            desk.findings.fault_once(line, text, "set log and log_date in the overlay file", _KEY)
        return found

    def _named(self, paper: Paper, logs: set[str], line: int) -> LogName | None:
        changing = {name for _, names in self.nights for name, other in names.items() if name != other}
        if not self.alike or len(changing) != 1 or changing != logs or not self._by_date_only(paper):
            return None
        (name,) = changing
        fits = list(self._patterns(name, usual_day(paper.text)))
        if not name.isascii() or PLACEHOLDER in name or not fits:
            return None
        day, parts = min(fits, key=_odd)
        if _is_odd("".join(parts)):
            return None
        of_date = [at for at, part in enumerate(parts) if part in WRITTEN]
        begin, end = of_date[0], of_date[-1] + 1
        before, after = ("".join(some).replace("%%", "%") for some in (parts[:begin], parts[end:]))
        forms = {one.form for one, _ in self.nights}
        certain = len(forms) > 1 and len(fits) == len(forms) and len({one for _, one in fits}) == 1
        shown = "" if certain else day.written
        return LogName(name, f"{before}{PLACEHOLDER}{after}", "".join(parts[begin:end]), line, shown)

    def _by_date_only(self, paper: Paper) -> bool:
        return elsewhere(self.first, later(paper)) is None

    def _patterns(self, name: str, usual: Day) -> Iterator[tuple[Day, tuple[str, ...]]]:
        """The pattern for each form of %date% that gives one, with a day in that form."""
        nights = [(usual, {name: name}), *self.nights]
        for form in dict.fromkeys(day.form for day, _ in nights):
            names: dict[date, str] = {day.day: names.get(name, "") for day, names in nights if day.form == form}
            parts = pattern_of(names)
            if not WRITTEN.keys().isdisjoint(parts):
                yield next(day for day, _ in nights if day.form == form), parts


def _odd(fit: tuple[Day, tuple[str, ...]]) -> bool:
    """Whether few write a date in this way: one that nobody does, or a weekday in a date without a year."""
    pattern = "".join(fit[1])
    weekday = "%a" in pattern and re.search("%[md]", pattern) is not None
    return _is_odd(pattern) or (weekday and re.search("%[Yy]", pattern) is None)


def _is_odd(pattern: str) -> bool:
    """Whether nobody writes a date in this way (year, day, month): this machine writes %date% in another form."""
    return re.search("%[Yy].*%d.*%m", pattern) is not None


def _files(rehearsal: Rehearsal) -> Iterator[tuple[str, str, str]]:
    """Each file that is written to: its folder, its folder as the batch names it, and its name."""
    for event, path in writing(rehearsal):
        full = event.full if isinstance(event, Written) else ntpath.normpath(ntpath.join(event.folder, path))
        yield ntpath.dirname(full), *ntpath.split(event.path if isinstance(event, Written) else path)
