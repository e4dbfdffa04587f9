"""Whether the programs around a backup run every night alike, and what the batch does when one of them fails."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from snapall.config.batch.commands.others import is_unknown
from snapall.config.batch.commands.programs import BACKUP
from snapall.config.batch.desk import Desk
from snapall.config.batch.rehearsals.answers import ProgramAnswers
from snapall.config.batch.rehearsals.bad_nights import failing, failing_in_turn
from snapall.config.batch.rehearsals.nights import Paper, changed, commands, elsewhere, on_other_days
from snapall.config.batch.rehearsals.surroundings import on_other_machines
from snapall.config.batch.rehearsals.varying import on_other_arguments
from snapall.config.cmd import BatchLine, ProgramCall, Rehearsal, Sent, Written

_MOST = 40
_CODES = (1, 2, 9009)  # 9009: cmd does not find the program
_LARGEST = 1 << 16


class WhenFailing(Enum):
    """What the batch does when the program ends with an exit code above 0."""

    NOTHING = "takes no backup"
    THE_SAME = "takes the backup all the same"
    OTHERWISE = "does something else"


@dataclass(frozen=True, slots=True)
class Around:
    """The programs of a good night that are no part of the backup, `before` and `after` it."""

    paper: Paper
    first: Rehearsal
    vms: Sequence[int]  # of that night
    own: frozenset[BatchLine]  # the commands of the backup
    desk: Desk

    def varies(self, call: ProgramCall, hook: str) -> str:
        """Return on which nights the program does not run, or not alike; "" if there are none."""
        nights: dict[str, Iterator[Rehearsal]] = {
            "on other dates": (other for _, other in on_other_days(self.paper)),
            "with an argument": on_other_arguments(self.paper),
            "with other VMs": (self.paper.good(vms)[0] for vms in [self.paper.near(())]),
            "on another machine": (other for _, other in on_other_machines(self.paper)),
        }
        for when, others in nights.items():
            if any(not self._alike(other, call, hook) for other in others):
                return when
        if any(self._decides(other, call, hook) for other in self._files()):
            return "by a file that may or may not exist, and that it may write itself"
        if any(commands(other) and not self._runs(other, call, hook) for other in self._quiet()):
            return "when another program fails"
        return "when another command fails" if any(not self._runs(one, call, hook) for one in self._bad(call)) else ""

    def when_failing(self, call: ProgramCall, hook: str) -> WhenFailing:
        """Rehearse nights on which the program fails, with each exit code that the batch may know."""
        found = {self._outcome(call, hook, code) for code in self._codes()}
        crashed = self._outcome(call, hook, -1)
        one = found.pop() if len(found) == 1 else WhenFailing.OTHERWISE
        worse = one is WhenFailing.THE_SAME and crashed is not one
        return WhenFailing.OTHERWISE if worse or crashed is WhenFailing.OTHERWISE else one

    def printing(self, call: ProgramCall, hook: str) -> tuple[bool, frozenset[str]]:
        """Rehearse a night on which it prints every word of the batch: whether that changes nothing; and its files."""
        words = {word: None for line in self.desk.text.all.values() for word in re.findall(r"[^\s\"'|&<>^%]+", line)}
        text = "".join(f"{word}\n" for word in words)
        night = ProgramAnswers(self.vms, prints=lambda one: text if _key(one) == _key(call) else "")
        other = self.paper.night(night, ("prints", _key(call)))
        written = (one for one in other.events if isinstance(one, Written) and one.by == call.name)
        targets = frozenset(one.full.lower() for one in written if one.where == call.where)
        return self._alike(other, call, hook) and self._same(other), targets

    def _files(self) -> Iterator[Rehearsal]:
        """Nights with each file that the batch looked for in vain, and without each that was taken to be there."""
        names = {event.name for event in self.first.events if isinstance(event, Sent)}
        for path in list(self.paper.missing)[:_MOST] + sorted(self.paper.present):
            if re.split(r"[\\/]", path)[-1].rpartition(".")[0] not in names:
                yield replace(self.paper, present=self.paper.present ^ {path}, missing={}).good()[0]

    def _bad(self, call: ProgramCall) -> Iterator[Rehearsal]:
        yield from (bad for _, bad in failing_in_turn(self.paper, self.first, self.desk))
        yield failing(self.paper, _is_own, "all")
        for key in {_key(one) for one in programs(self.first)} - {_key(call)}:
            yield failing(self.paper, lambda one, key=key: _key(one) == key, ("program", key))  # type: ignore[misc]

    def _quiet(self) -> Iterator[Rehearsal]:
        """Nights on which a program fails that the backup does not need: no host answers ping, nothing is copied."""
        sent = [one for one in self.first.events if isinstance(one, Sent)]
        for key in dict.fromkeys(_key(one) for one in sent if not _is_own(one) and not is_unknown(one)):
            night = ProgramAnswers(self.vms, lambda one, key=key: _key(one) == key)  # type: ignore[misc]
            yield self.paper.night(night, ("code", night.code, key))

    def _codes(self) -> tuple[int, ...]:
        """Exit codes on both sides of each number with which the batch may compare one."""
        lines = [one.text for one in self.desk.text.lines.values() if re.search(r"\bif\b", one.text, re.IGNORECASE)]
        numbers = [int(one) for line in lines for one in re.findall(r"(?<!\d)\d{1,5}(?!\d)", line)]
        near = (number + step for number in numbers for step in (0, 1, -1))
        return tuple(dict.fromkeys((*_CODES, *(code for code in near if 0 < code < _LARGEST))))[:_MOST]

    def _outcome(self, call: ProgramCall, hook: str, code: int) -> WhenFailing:
        night = ProgramAnswers(self.vms, lambda one: _key(one) == _key(call), code)
        other = self.paper.night(night, ("code", code, _key(call)))
        ran = {_key(one) for one in programs(other)}
        if other.stop is not None or ran - {_key(one) for one in programs(self.first)}:
            return WhenFailing.OTHERWISE
        if not commands(other):
            return WhenFailing.NOTHING
        same = self._alike(other, call, hook) and self._same(other)
        return WhenFailing.THE_SAME if same else WhenFailing.OTHERWISE

    def _same(self, other: Rehearsal) -> bool:
        return other.stop is None and changed(self.first, other) is None and elsewhere(self.first, other) is None

    def _runs(self, rehearsal: Rehearsal, call: ProgramCall, hook: str) -> bool:
        """Whether the program runs once, before or after all commands of the backup."""
        sent = [one for one in rehearsal.events if isinstance(one, Sent)]
        places = [at for at, one in enumerate(sent) if _key(one) == _key(call)]
        if len(places) != 1 or rehearsal.stop is not None:
            return False
        side = sent[: places[0]] if hook == "before" else sent[places[0] :]
        return not any(one.where in self.own for one in side)

    def _alike(self, other: Rehearsal, call: ProgramCall, hook: str) -> bool:
        """Whether the same programs run, each once, and this one where it belongs."""
        ran = [(_key(one), one.output, one.folder) for one in programs(other)]
        usual = [(_key(one), one.output, one.folder) for one in programs(self.first)]
        return ran == usual and self._runs(other, call, hook)

    def _decides(self, other: Rehearsal, call: ProgramCall, hook: str) -> bool:
        """Whether a file decides what the batch does once the program has run, or whether it runs beside a backup."""
        ran = any(_key(one) == _key(call) for one in programs(other))
        if not commands(other):
            return ran and hook == "before"  # otherwise a lock, which ends the batch before it begins
        return not (self._alike(other, call, hook) and self._same(other))


def programs(rehearsal: Rehearsal) -> list[Sent]:
    """The calls of programs that are neither part of the backup nor known to be of no matter to it."""
    return [one for one in rehearsal.events if isinstance(one, Sent) and not _is_own(one) and is_unknown(one)]


def _is_own(call: ProgramCall) -> bool:
    return call.name in BACKUP


def _key(call: ProgramCall) -> tuple[object, ...]:
    return call.where, call.program, call.words
