"""Night after night: what goes wrong at the site, what snapall does, and whether the promises hold in the morning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from snapall.lab.faults import FaultKind
from tests.lab import external_actors
from tests.year import invariants, lun_site, use_invariants
from tests.year.administrators import Administrators, Deed
from tests.year.in_process import Interruptions
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
    Incidents,
    offset_on,
    setup_on,
)
from tests.year.invariants import EndedCommand
from tests.year.journal_files import open_journals
from tests.year.lun_history import NOTHING, Use
from tests.year.lun_site import LUNS
from tests.year.operators import Operators
from tests.year.simulated_site import LabSite, grown
from tests.year.site_history import SiteHistory
from tests.year.snaps import Rules
from tests.year.tally import Tally
from tests.year.use_incidents import RECOVERED, USE_FAULTS

NEW_YEAR = datetime(2007, 1, 1, tzinfo=UTC)
AT_NIGHT, IN_THE_MORNING, BY_DAY = (timedelta(hours=hours) for hours in (1.5, 7, 12))


def history_of(site: LabSite) -> SiteHistory:
    """The history of a site that was just built."""
    history = SiteHistory.of({volume: [row.name for row in rows] for volume, rows in site.listings().items()})
    history.luns.begin(
        {path: one.content for path, one in lun_site.seen(site.world).items()},
        {one.path: f"{one.maps[0][0]}={one.maps[0][1]}" for one in LUNS},
        {volume: [snap.number for snap in rows.values()] for volume, rows in history.volumes.items()},
    )
    return history


class Year:
    """One seed's year on one world."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.seed = seed
        self.chance = Chance(seed)
        self.site = LabSite(folder, NEW_YEAR)
        world = self.site.world
        self.history = history_of(self.site)
        self.serials = {path: one.serial for path, one in lun_site.seen(world).items()}
        self.operators = Operators(self.history, self.chance)
        self.people = Administrators(self.history, self.chance)
        self.tally = Tally("")
        self.events: list[str] = []  # of tonight, to explain a broken promise

    def nights(self, count: int) -> Iterator[Tally]:
        """Live so many nights; a month's tally when it is over."""
        for day in range(count):
            date = NEW_YEAR + timedelta(days=day)
            if self.tally.month != f"{date:%Y-%m}":
                if self.tally.nights:
                    yield self.tally
                self.tally = Tally(f"{date:%Y-%m}")
                self.history.luns.verified = self.history.luns.updates = 0
            self._day(day, date)
        yield self.tally

    def _day(self, day: int, date: datetime) -> None:
        site, chance = self.site, self.chance
        setup, offset = setup_on(day), offset_on(day)
        if setup != site.setup:
            if setup.volumes != site.setup.volumes:
                self.history.other_volumes()
            site.configure(setup)
        if offset != site.offset:
            site.local(offset)
        midnight = date - timedelta(seconds=offset)
        if site.now > midnight + AT_NIGHT:
            return  # a recover of the day before still waited: the schedule has passed
        self.tally.nights += 1
        site.until(midnight + AT_NIGHT)
        incidents = chance.incidents(site.ahead)
        self.events = [f"{incidents}"]
        site.world.add_faults(*(FAULTS[incidents.fault][1] if incidents.fault else ()))
        code = self._command(("run",), incidents)
        self.tally.codes[code] = self.tally.codes.get(code, 0) + 1
        self._morning(incidents, code, midnight)
        self.history.read(site.news(), None)
        self._wrong(invariants.in_the_morning(site, self.history, self._rules()))
        self._wrong(use_invariants.in_the_morning(site, self.history.luns, self.people, self.serials))
        for ssid, (vm, _) in invariants.unknown(site, self.history).items():
            external_actors.remove_vm_snapshot(site.world, vm, ssid)  # report a broken promise once
            self.history.operator_removed(ssid)
        self.tally.verified, self.tally.updates = self.history.luns.verified, self.history.luns.updates
        self.tally.left += bool(invariants.left(self.history, self.site))
        site.until(midnight + BY_DAY)
        self._by_day(day)
        self._use(day)

    def _morning(self, incidents: Incidents, code: int, midnight: datetime) -> None:
        """Most faults go away; then an operator reacts to a run that did not end well."""
        chance, site = self.chance, self.site
        remedy = chance.weighed(MORNINGS) if code != 0 else "nothing"
        if remedy != "guardian":
            site.ahead += incidents.interruptions.clock_set_by
            site.until(midnight + IN_THE_MORNING)
        stays = chance.percent(FAULT_STAYS)
        if not stays and remedy != "guardian":
            self._clear_faults()
        if remedy != "nothing":
            killed_at = chance.number(1, LAST_TOUCH // 3) if chance.percent(KILLED_AGAIN) else 0
            fixed = not stays and remedy != "guardian"
            words = ("recover", "--no-wait") if "--no-wait" in remedy else ("recover",)
            self.events.append(f"exit {code}, then {remedy}{'' if fixed else ', the fault still there'}")
            self._command(words, Incidents("" if fixed else incidents.fault, Interruptions(killed_at)))
        if remedy == "guardian":  # it began with the run, and uses the clock of that time
            site.ahead += incidents.interruptions.clock_set_by
        self._clear_faults()

    def _clear_faults(self) -> None:
        self.site.world.clear_faults()
        external_actors.set_database(self.site.world, up=True)

    def _by_day(self, day: int) -> None:
        """The operators' day."""
        site, operators = self.site, self.operators
        operators.undo(site.world, day)
        operators.register_again(site.world)
        for volume, rows in site.listings().items():
            for row in rows:
                if row.tags:  # a fault's tags are taken away after some nights, too
                    number = str(self.history.volumes[volume][row.name].number)
                    operators.until.setdefault((volume, number), day + self.chance.number(1, 3))
        if self.chance.percent(TIDIED):
            operators.tidy(site.world)
        if self.chance.percent(OPERATORS):
            what = self.chance.weighed(INTERFERENCE)
            operators.interfere(site.world, what, self._rules().chain, day)
        operators.remember(site.world)
        if operators.keep:
            self._command(("run", "--keep", operators.keep), Incidents("", Interruptions()))
            operators.keep = ""

    def _use(self, day: int) -> None:
        """What administrators do with backups, and what VMs write."""
        site, people = self.site, self.people
        lun_site.forget_old_copies(site.world)
        if not use_invariants.open_uses(site):
            people.clean(site, day)
        for deed in people.deeds(site, self._rules(), day):
            incidents = self.chance.use_incidents()
            self.events.append(f"{incidents}")
            site.world.add_faults(*(USE_FAULTS[incidents.fault][1] if incidents.fault else ()))
            self._command(deed.words, incidents, deed, day)
            self._clear_faults()
            if use_invariants.open_uses(site) and self.chance.percent(RECOVERED):
                self._command(("recover",), Incidents("", Interruptions()))
        paths = [path for path in self.history.luns.maps if self.chance.percent(40)]
        content = lun_site.write(site.world, paths, f"day {day}")
        for path in paths:
            self.history.luns.written(path, content)

    def _rules(self, keep: str = "", use: Use = NOTHING) -> Rules:
        job = self.site.job
        undoes = job.order == "paper" or any(
            '"value": "PAPER"' in path.read_text(encoding="utf-8").split("\n", 1)[0]
            for path in open_journals(self.site.journals)
        )
        return Rules(str(job.order), job.chain, job.volumes, keep, undoes, use)

    def _command(self, words: tuple[str, ...], incidents: Incidents, deed: Deed | None = None, day: int = 0) -> int:
        """One command and its judgement."""
        site, history = self.site, self.history
        keep = words[2] if words[:2] == ("run", "--keep") else ""
        rules = self._rules(
            keep, deed.use if deed is not None else Use("recover") if words[0] == "recover" else NOTHING
        )
        untagged = {
            fault.snapshot
            for fault in (FAULTS[incidents.fault][1] if incidents.fault in FAULTS else ())
            if fault.kind is FaultKind.TAG
        }
        tagged = {(v, row.name) for v, rows in site.listings().items() for row in rows if row.tags}
        history.tagged = {one for one in tagged if one[1] not in untagged}
        history.read(site.news(), None)
        before, working = (
            invariants.before(site, history, rules),
            any(one.working for one in lun_site.seen(site.world).values()),
        )
        unsettled = bool(use_invariants.open_uses(site) or before.open)
        output = site.folder / "output.txt"
        size = output.stat().st_size if output.exists() else 0
        interruptions = incidents.interruptions
        code = site.command(
            words, replace(interruptions), self.chance.number(0, 1 << 30), deed.request if deed else None
        )
        history.read(site.news(), rules)
        ended = EndedCommand(words, code, incidents, rules, before, history.run, grown(output, size))
        self.events.append(f"{' '.join(words)}: exit {code}")
        self.tally.crashes += ended.killed
        self.tally.lost += invariants.lost(ended, history)
        self.tally.settled += len(before.open - open_journals(site.journals))
        self._wrong(invariants.after(ended, site, history))
        if deed is not None:
            self.tally.uses[deed.words[0], code == 0] += 1
            calm = incidents.quiet and not unsettled and not working
            self.people.ended(deed, code, history.run, day)
            self._wrong(use_invariants.after_use(deed, code, site, history.luns, history.run, calm=calm))
        if not use_invariants.open_uses(site):
            history.luns.unsettled.clear()
        elif deed is not None:
            history.luns.unsettled.add(history.run)
        return code

    def _wrong(self, found: Iterator[str]) -> None:
        for text in [*self.history.wrong, *found]:
            self.tally.wrong.append(
                f"seed {self.seed}, {self.site.now:%Y-%m-%d %H:%M}: {text} ({'; '.join(self.events)})"
            )
        self.history.wrong.clear()
