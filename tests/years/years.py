"""Night after night: what goes wrong with site and machine, which commands run, and whether the promises hold."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from snapall.backup.journal import journals
from snapall.backup.model import Job
from snapall.errors import Exit
from tests.years.commands import Commands, Tally
from tests.years.disk import Disk
from tests.years.external_actors import ExternalActors
from tests.years.faults import KINDS
from tests.years.judge import StrictJudge
from tests.years.process import Interruptions
from tests.years.setups import STORES, beginning, changed, vm_of
from tests.years.site import SiteFaults
from tests.years.turns import Turns
from tests.years.verdicts import KILLED, Verdicts
from tests.years.world import World

NEW_YEAR = datetime(2007, 1, 1, 1, 30, tzinfo=UTC).timestamp()
DAY = 86400.0
CALM = SiteFaults()


class Years:
    """The nights of one seed."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.turns = Turns(NEW_YEAR, seed)
        self.world = World(self.turns)
        self.judge = StrictJudge(self.world)
        self.world.judged_by(self.judge)
        self.verdicts = Verdicts(self.world, self.judge)
        self.disk = Disk()
        setup = beginning()
        self.commands = Commands(
            folder / "state", self.turns, self.world, self.judge, self.verdicts, self.disk, self.chance, setup
        )
        self.others = ExternalActors(self.world, self.verdicts, self.chance, self._outstanding)
        self.seconds = self.processor = 0.0  # that the nights took, and of the processor's time
        self._populate()

    @property
    def tally(self) -> Tally:
        return self.commands.tally

    def _outstanding(self) -> bool:
        alive = any(not one.dead for one in self.commands.running.values())
        return alive or self.commands.open_runs() > 0

    def _populate(self) -> None:
        """The batch has been at work for long."""
        self.world.vms = {vm: (vm_of(vm), store) for store, vms in STORES.items() for vm in vms}
        for volume, job in (("v", self.commands.setup.a), ("x", self.commands.setup.a), ("w", self.commands.setup.b)):
            self.world.volumes[volume] = []
            for name in reversed(job.chain):
                self.world.snap(volume, name)
        self.world.create(110, "Manual-before-upgrade")
        self.others.chain = self.commands.setup.a.chain

    def live(self, nights: int, record: int = -1) -> Iterator[str]:
        """Play so many nights; yield the report of each with a broken promise, and that of the night `record`."""
        began, spent = time.perf_counter(), time.process_time()
        with self.disk.under():
            for night in range(nights):
                self.world.log.clear()
                self._night(night)
                self.tally.nights += 1
                self.seconds, self.processor = time.perf_counter() - began, time.process_time() - spent
                if self.judge.wrong or night == record:
                    yield self._report(night)
                    self.judge.wrong.clear()

    def _report(self, night: int) -> str:
        wrong = "\n".join(f"  BROKEN: {text}" for text in self.judge.wrong)
        return f"seed {self.seed}, night {night}:\n{wrong}\n{self.world.rendered_log()}"

    # One night

    def _night(self, night: int) -> None:
        chance, commands = self.chance, self.commands
        self._by_day()
        self.turns.pause(max(0.0, NEW_YEAR + night * DAY - self.turns.now))
        site_faults = self._site_faults()
        calm = not site_faults.kinds and chance.random() < 0.5
        if not calm:
            self._interference()
        dead = self._runs(site_faults)
        for job, path in dead:
            if chance.random() < 0.3 and path.exists():
                commands.guard(job, path, site_faults)
        self._morning(site_faults)
        for kind, count in site_faults.struck.items():
            self.tally.faults[kind] = self.tally.faults.get(kind, 0) + count
        if chance.random() < 0.6:
            self._rest()

    def _site_faults(self) -> SiteFaults:
        chance, world = self.chance, self.world
        theirs = tuple(sorted(ssid for ssid, row in world.rows.items() if not row.by and row.vm in world.vms))
        if chance.random() < 0.4:
            return SiteFaults(others=theirs)
        kinds = {chance.choice(KINDS): chance.choice((0.2, 0.5, 1.0)) for _ in range(chance.randint(1, 3))}
        return SiteFaults(kinds, theirs)

    def _interference(self) -> None:
        """What happens beside the run: outages, and what others do."""
        chance, world = self.chance, self.world
        if chance.random() < 0.15:
            begin, length = chance.uniform(0, 40), chance.choice((5.0, 30.0, 300.0))
            world.at(begin, lambda: self._outage("database", length))
        if chance.random() < 0.15:
            start, span = chance.uniform(0, 40), chance.choice((5.0, 30.0, 300.0))
            world.at(start, lambda: self._outage("filer", span))
        for _ in range(chance.choice((0, 0, 1, 2))):
            self.others.later(chance.uniform(0, 60))

    def _outage(self, what: str, seconds: float) -> None:
        self.world.record(what, "is out of reach for", seconds, "s")
        self.tally.faults[f"{what} down"] = self.tally.faults.get(f"{what} down", 0) + 1
        if what == "database":
            self.world.database_up_at = self.turns.now + seconds
        else:
            self.world.filer_up_at = self.turns.now + seconds

    def _interruptions(self) -> Interruptions:
        chance = self.chance
        kind = chance.random()
        if kind < 0.14:
            return Interruptions(killed_at=chance.randint(1, 110))
        if kind < 0.2:
            return Interruptions(killed_after=chance.uniform(0, 90))
        if kind < 0.27:
            return Interruptions(cut_at=chance.randint(1, 110))
        if kind < 0.33:
            return Interruptions(stopped_after=chance.uniform(0, 60))
        if kind < 0.36:
            return Interruptions(stopped_at=chance.randint(1, 80), killed_at=chance.choice((0, 0, 100)))
        if kind < 0.39:
            return Interruptions(full_at=chance.randint(1, 100))
        return Interruptions()

    def _runs(self, site_faults: SiteFaults) -> list[tuple[Job, Path]]:
        """The night's runs; answers the jobs whose run has died, with its journal."""
        chance, setup = self.chance, self.commands.setup
        dead: list[tuple[Job, Path]] = []
        beside = chance.random()
        keep = f"kept-{self.world.number()}" if chance.random() < 0.04 else ""
        ended: list[int] = []

        def second() -> None:
            self.turns.pause(chance.uniform(0, 30))
            ended.append(self._run(setup.b, site_faults, dead))

        if beside < 0.25:
            self.turns.start(second)
        self._run(setup.a, site_faults, dead, keep)
        if beside < 0.25:
            self.turns.pause(float("inf"), lambda: bool(ended))
        elif beside < 0.5:
            self._run(setup.b, site_faults, dead)
        return dead

    def _run(self, job: Job, site_faults: SiteFaults, dead: list[tuple[Job, Path]], keep: str = "") -> int:
        code = self.commands.run(job, self._interruptions(), site_faults, keep)
        if code == KILLED and (paths := journals(self.commands.state / "journals", job.name)):
            dead.append((job, paths[-1]))
        return code

    def _morning(self, site_faults: SiteFaults) -> None:
        """What somebody does about it: nothing, mostly; else before the fault is found, or after."""
        chance, commands = self.chance, self.commands
        self.turns.pause(chance.choice((0.0, 1.0, 30.0, 3600.0)))
        if chance.random() < 0.15:
            # A clock set ahead between two processes shortens the wait for what the first of them saw end.
            forward = () if self.world.pending_creates else (60.0, 7200.0, 86400.0)
            commands.ahead += chance.choice((-7200.0, -60.0, -86400.0, *forward))
        site_faults = site_faults if chance.random() < 0.4 else CALM
        match chance.choice(("nothing", "nothing", "recover", "no-wait", "run", "adopt")):
            case "recover":
                commands.recover(self._interruptions(), site_faults)
            case "no-wait":
                commands.recover(self._interruptions(), site_faults, wait=False)
            case "run":
                commands.run(commands.setup.a, self._interruptions(), site_faults)
            case "adopt":
                commands.adopt(commands.setup.a, site_faults)
            case _:
                pass

    def _rest(self) -> None:
        """Everything works again, and a patient recover leaves nothing."""
        self.turns.pause(61)  # what was to happen tonight has happened then
        self.others.untag()
        self.turns.pause(max(0.0, self.world.database_up_at - self.turns.now, self.world.filer_up_at - self.turns.now))
        code = self.commands.recover(Interruptions(), CALM)
        if code == Exit.OUTSTANDING and (rivals := self.verdicts.rivals()):
            for row in rivals:  # the operator removes his own, as the remedy says
                del self.world.rows[row.ssid]
            code = self.commands.recover(Interruptions(), CALM)
        self.verdicts.at_rest(self.commands.running[max(self.commands.running)], code, self.commands.open_runs())

    def _by_day(self) -> None:
        chance, commands = self.chance, self.commands
        if chance.random() < 0.25:
            commands.setup = changed(commands.setup, chance)
            self.others.chain = commands.setup.a.chain
            self.world.record("configured:", commands.setup)
        for _ in range(chance.choice((0, 0, 0, 1, 2))):
            self.others.do_something()
        if chance.random() < 0.5:
            self.others.untag()
