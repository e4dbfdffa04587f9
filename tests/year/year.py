"""Night after night: what befalls the site, what snapall makes of it, and whether the promises hold at dawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from snapall.lab.faults import FaultKind
from tests.lab import external_actors
from tests.year import invariants
from tests.year.in_process import Fate
from tests.year.incidents import (
    FAULT_STAYS,
    FAULTS,
    INTERFERENCE,
    KILLED_AGAIN,
    LAST_TOUCH,
    MORNINGS,
    OPERATORS,
    TIDIED,
    Chance,
    Night,
    offset_on,
    setup_on,
)
from tests.year.invariants import Deed
from tests.year.operators import Operators
from tests.year.simulated_site import Town, grown
from tests.year.site_history import Chronicle, Rules

NEW_YEAR = datetime(2007, 1, 1, tzinfo=UTC)
AT_NIGHT, IN_THE_MORNING, BY_DAY = (timedelta(hours=hours) for hours in (1.5, 7, 12))


@dataclass
class Tally:
    """What a month came to."""

    month: str
    nights: int = 0
    codes: dict[int, int] = field(default_factory=dict)
    crashes: int = 0
    settled: int = 0
    left: int = 0  # dawns at which a VM was still quiesced, a journal knowing it
    lost: int = 0  # backups that are gone though nothing newer stands for them: paper order's oldest
    wrong: list[str] = field(default_factory=list)

    def line(self) -> str:
        named = {0: "whole", 3: "partial", 1: "failed", 130: "stopped", 5: "with debts"}
        told = ", ".join(f"{self.codes.get(code, 0)} {name}" for code, name in named.items())
        return (
            f"{self.month}: {self.nights:2} nights, {told}, {self.crashes} crashes, {self.settled} debts settled, "
            f"{self.left} dawns with a VM left, {self.lost} backups lost"
        )


class Year:
    """One seed's year on one world."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.seed = seed
        self.chance = Chance(seed)
        self.town = Town(folder, NEW_YEAR)
        world = self.town.world
        self.chronicle = Chronicle.of({v: [row.name for row in world.listing(v)] for v in world.volumes()})
        self.operators = Operators(self.chronicle, self.chance)
        self.tally = Tally("")
        self.told: list[str] = []  # what befell tonight, for whoever looks into a broken promise

    def nights(self, count: int) -> Iterator[Tally]:
        """Live so many nights; a month's tally when it is over."""
        for day in range(count):
            date = NEW_YEAR + timedelta(days=day)
            if self.tally.month != f"{date:%Y-%m}":
                if self.tally.nights:
                    yield self.tally
                self.tally = Tally(f"{date:%Y-%m}")
            self._day(day, date)
        yield self.tally

    def _day(self, day: int, date: datetime) -> None:
        town, chance = self.town, self.chance
        setup, offset = setup_on(day), offset_on(day)
        if setup != town.setup:
            if setup.volumes != town.setup.volumes:
                self.chronicle.other_volumes()
            town.configure(setup)
        if offset != town.offset:
            town.local(offset)
        midnight = date - timedelta(seconds=offset)
        if town.now > midnight + AT_NIGHT:
            return  # a recover of the day before still waited: the schedule has passed
        self.tally.nights += 1
        town.until(midnight + AT_NIGHT)
        night = chance.night(town.ahead)
        self.told = [f"{night}"]
        town.world.add_faults(*(FAULTS[night.fault][1] if night.fault else ()))
        code = self._command(("run",), night)
        self.tally.codes[code] = self.tally.codes.get(code, 0) + 1
        self._morning(night, code, midnight)
        self.chronicle.read(town.news(), None)
        self._wrong(invariants.at_dawn(town, self.chronicle, self._rules()))
        for ssid, (vm, _) in invariants.unknown(town, self.chronicle).items():
            external_actors.remove_vm_snapshot(town.world, vm, ssid)  # a promise broken is told once
            self.chronicle.operator_removed(ssid)
        self.tally.left += bool(invariants.left(self.chronicle, self.town))
        town.until(midnight + BY_DAY)
        self._by_day(day)

    def _morning(self, night: Night, code: int, midnight: datetime) -> None:
        """Faults go away, mostly; then what somebody does about a night that did not go well."""
        chance, town = self.chance, self.town
        remedy = chance.weighed(MORNINGS) if code != 0 else "nothing"
        if remedy != "guardian":
            town.ahead += night.fate.clock_set_by
            town.until(midnight + IN_THE_MORNING)
        stays = chance.percent(FAULT_STAYS)
        if not stays and remedy != "guardian":
            self._mend()
        if remedy != "nothing":
            fate = Fate(killed_at=chance.number(1, LAST_TOUCH // 3)) if chance.percent(KILLED_AGAIN) else Fate()
            mended = not stays and remedy != "guardian"
            words = ("recover", "--no-wait") if "--no-wait" in remedy else ("recover",)
            self.told.append(f"exit {code}, then {remedy}{'' if mended else ', the fault still there'}")
            self._command(words, Night("" if mended else night.fault, fate))
        if remedy == "guardian":  # it began with the run, and goes by the time that the clock told then
            town.ahead += night.fate.clock_set_by
        self._mend()

    def _mend(self) -> None:
        self.town.world.clear_faults()
        external_actors.set_database(self.town.world, up=True)

    def _by_day(self, day: int) -> None:
        """The operators' day."""
        town, operators = self.town, self.operators
        operators.undo(town.world, day)
        operators.register_again(town.world)
        for volume in town.world.volumes():
            for row in town.world.listing(volume):
                if row.tags:  # a fault's tags are taken away after some nights, too
                    number = str(self.chronicle.volumes[volume][row.name].number)
                    operators.until.setdefault((volume, number), day + self.chance.number(1, 3))
        if self.chance.percent(TIDIED):
            operators.tidy(town.world)
        if self.chance.percent(OPERATORS):
            what = self.chance.weighed(INTERFERENCE)
            operators.interfere(town.world, what, self._rules().chain, day)
        operators.remember(town.world)
        if operators.keep:
            self._command(("run", "--keep", operators.keep), Night("", Fate()))
            operators.keep = ""

    def _rules(self, keep: str = "") -> Rules:
        job = self.town.job
        undoes = job.order == "paper" or any(
            '"value": "PAPER"' in path.read_text(encoding="utf-8").split("\n", 1)[0]
            for path in invariants.open_journals(self.town.journals)
        )
        return Rules(str(job.order), job.chain, job.volumes, keep, undoes)

    def _command(self, words: tuple[str, ...], night: Night) -> int:
        """One command and its judgement."""
        town, chronicle = self.town, self.chronicle
        rules = self._rules(words[2] if len(words) > 2 else "")
        freed = {
            fault.snapshot for fault in (FAULTS[night.fault][1] if night.fault else ()) if fault.kind is FaultKind.TAG
        }
        tagged = {(v, row.name) for v in town.world.volumes() for row in town.world.listing(v) if row.tags}
        chronicle.tagged = {one for one in tagged if one[1] not in freed}
        chronicle.read(town.news(), None)
        before = invariants.before(town, chronicle, rules)
        story = town.folder / "story.txt"
        size = story.stat().st_size if story.exists() else 0
        fate = night.fate
        code = town.command(words, replace(fate), self.chance.number(0, 1 << 30))
        chronicle.read(town.news(), rules)
        deed = Deed(words, code, night, rules, before, chronicle.run, grown(story, size))
        self.told.append(f"{' '.join(words)}: exit {code}")
        self.tally.crashes += deed.killed
        self.tally.lost += invariants.lost(deed, chronicle)
        self.tally.settled += len(before.open - invariants.open_journals(town.journals))
        self._wrong(invariants.after(deed, town, chronicle))
        return code

    def _wrong(self, found: Iterator[str]) -> None:
        for text in [*self.chronicle.wrong, *found]:
            self.tally.wrong.append(
                f"seed {self.seed}, {self.town.now:%Y-%m-%d %H:%M}: {text} ({'; '.join(self.told)})"
            )
        self.chronicle.wrong.clear()
