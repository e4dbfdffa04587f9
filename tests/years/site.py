"""The site of one process: the world behind it, what goes wrong with each command, and a touch around every call."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from snapall.backup.model import FilerSnapshot, Pace, Survey, VmPolicy, VmSnapshot
from snapall.backup.steps import Capture, Child, Delete, Done, Outcome, Quiesce, Refusal, Release, Rename, Step
from snapall.errors import SiteError
from tests.years.faults import FILER, NEVER, QUIESCE, RELEASE, CommandBehaviour, behaviour_of
from tests.years.process import Process
from tests.years.world import PendingCreate, SiteRefusal, World


@dataclass
class SiteFaults:
    """What may go wrong tonight: kinds of faults, each with its probability."""

    kinds: dict[str, float] = field(default_factory=dict)
    others: tuple[str, ...] = ()  # ids of somebody else's snapshots, for a vcbsnapshot that prints them
    struck: dict[str, int] = field(default_factory=dict)

    def kind_for(self, step: Step, chance: random.Random) -> str:
        fitting = _fitting(step)
        for kind, probability in self.kinds.items():
            if kind in fitting and chance.random() < probability:
                return kind
        return ""


def _fitting(step: Step) -> tuple[str, ...]:
    match step:
        case Quiesce():
            return QUIESCE
        case Release():
            return RELEASE
        case Capture() | Rename() | Delete():
            return FILER


class YearSite:
    """`snapall.backup.context.Site` over the world."""

    def __init__(
        self, world: World, process: Process, pace: Pace, site_faults: SiteFaults, chance: random.Random
    ) -> None:
        self.world = world
        self.process = process
        self.pace = pace
        self.site_faults = site_faults
        self.chance = chance
        self.vcenter, self.filer = "vc01", "filer1"

    def survey(self) -> Survey:
        job = self.process.job
        self._take(0.5)
        self._require_database()
        vms = tuple(vm for vm, store in self.world.vms.values() if store in job.datastores)
        ids = {vm.id for vm in vms}
        rows = tuple(row for row in self.world.database_rows() if row.vm in ids)
        self.process.eligible = tuple(vm for vm in vms if job.policies.of(vm) is not VmPolicy.SKIP)
        listings = {volume: self.listing(volume) for volume in job.volumes}
        return Survey(vms, rows, listings, "NetApp Release 7.2.3")

    def perform(self, step: Step, on_start: Callable[[Child], None]) -> Outcome:
        process, world = self.process, self.world
        process.touch()
        kind = self.site_faults.kind_for(step, self.chance)
        on_filer = not isinstance(step, Quiesce | Release)
        if on_filer and world.turns.now < world.filer_up_at:
            kind = "filer refuses"
        if isinstance(step, Release) and step.ssid not in world.rows and kind.startswith("removal says yes"):
            kind = ""  # of what is not there it says that it is not there
        other = self.chance.choice(self.site_faults.others) if self.site_faults.others else ""
        behaviour = behaviour_of(step, kind, self.pace, self.chance, other)
        if behaviour.kind:
            self.site_faults.struck[behaviour.kind] = self.site_faults.struck.get(behaviour.kind, 0) + 1
            world.record(process.words, process.pid, step, behaviour.kind, f"acts after {behaviour.acts:.1f} s")
        if isinstance(step, Rename | Delete):
            name = step.old if isinstance(step, Rename) else step.name
            shown = world.shown.get(step.volume, {}).get(name)
            process.known_tagged[step.volume, name] = bool(shown is not None and shown.tags)
        result: list[str] = []
        self._send(step, behaviour, result)
        if behaviour.ends:
            pid = world.number()
            world.programs[pid] = world.turns.now + behaviour.ends
            on_start(Child(pid, world.turns.now))
            process.touch()
        process.pause(behaviour.answers)
        process.touch()
        answer = behaviour.answer(result[0] if result else "!it did nothing yet")
        if not isinstance(answer, Refusal):
            self._answered(step, answer)
        return answer

    def _send(self, step: Step, behaviour: CommandBehaviour, result: list[str]) -> None:
        """What was sent takes effect whether or not the process lives to read the answer."""
        if behaviour.acts == NEVER:
            return
        pending = None
        if isinstance(step, Quiesce):
            pending = PendingCreate(self.process, self.process.mark, step.vm.id, behaviour.said_failed)
            self.world.pending_creates.append(pending)

        def act() -> None:
            if pending is not None:
                self.world.pending_creates.remove(pending)
            try:
                result.append(self._change(step, behaviour))
            except SiteRefusal as trouble:
                result.append(f"!{trouble}")

        self.world.at(behaviour.acts, act)

    def _change(self, step: Step, behaviour: CommandBehaviour) -> str:
        world, process = self.world, self.process
        match step:
            case Quiesce(vm, name):
                lag = 4.0 if "create shown late" in (behaviour.kind, *self.site_faults.kinds) else 0.0
                row = world.create(vm.id, name, process.mark, process.job.name, lag)
                row.said_failed = behaviour.said_failed
                return row.ssid
            case Release(vm, ssid):
                return "" if world.remove(process, vm.id, ssid) else "already"
            case Capture(volume, name):
                world.snap(volume, name, process.mark)
            case Rename(volume, old, new):
                world.rename(process, volume, old, new)
            case Delete(volume, name):
                world.delete(process, volume, name)
        return ""

    def _answered(self, step: Step, answer: Outcome) -> None:
        if isinstance(step, Release) and isinstance(answer, Done) and (row := self.world.rows.get(step.ssid)):
            row.said_removed = True

    def preconnect(self) -> None:
        self.process.touch()

    def listing(self, volume: str) -> tuple[FilerSnapshot, ...]:
        self._take(self.chance.uniform(0.1, 0.5))
        if self.world.turns.now < self.world.filer_up_at:
            raise SiteError("the filer does not answer", "see its network")
        return self.world.listing(volume, self.process)

    def vm_snapshots(self, vms: Sequence[int], ssids: Sequence[str] = ()) -> tuple[VmSnapshot, ...]:
        self._take(self.chance.uniform(0.05, 0.6))
        self._require_database()
        return tuple(row for row in self.world.database_rows() if row.vm in vms or row.ssid in ssids)

    def registered(self, vms: Sequence[int]) -> dict[int, str | None]:
        self.process.touch()
        self._require_database()
        return {vm: self.world.vms[vm][0].host for vm in vms if vm in self.world.vms}

    def command(self, step: Step) -> str:
        return type(step).__name__

    def alive(self, child: Child) -> bool:
        return self.world.turns.now < self.world.programs.get(child.pid, 0.0)

    def _take(self, seconds: float) -> None:
        self.process.touch()
        self.process.pause(seconds)
        self.process.touch()

    def _require_database(self) -> None:
        if self.world.turns.now < self.world.database_up_at:
            raise SiteError("the database does not answer", "see its service")
