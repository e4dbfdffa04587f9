"""A small model of the world: what VirtualCenter and the filer hold, what may act there yet, and what has happened.

Nothing here asks snapall: the invariants read this ledger. Time is whole seconds since the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from snapall.backup.model import FilerSnapshot, Job, Order, Pace, Vm, VmSnapshot
from snapall.backup.steps import Capture, Delete, Quiesce, Release, Rename, Step
from tests.explore.quick import replace

START = datetime(2007, 3, 22, 3, 0, tzinfo=UTC)

Ledger = Mapping[tuple[object, ...], object]


@cache
def moment(second: int) -> datetime:
    """The moment of a second."""
    return START + timedelta(seconds=second)


def second(at: datetime) -> int:
    """The first second that is not before this moment."""
    return -int((START - at).total_seconds() // 1)


class Violation(Exception):
    """A promise is broken."""

    def __init__(self, promise: str, text: str) -> None:
        super().__init__(f"{promise}: {text}")
        self.promise = promise


@dataclass(frozen=True, slots=True)
class Scene:
    """A site: its jobs, the VMs of each, and what is there before the first run."""

    name: str
    jobs: tuple[Job, ...]
    vms: tuple[tuple[Vm, ...], ...]  # of each job
    pace: Pace
    foreign: tuple[VmSnapshot, ...] = ()

    def stamp(self, run: int) -> str:
        """The stamp of a run."""
        return f"2007032{2 + run}T030000Z"


@dataclass(frozen=True, slots=True)
class SentCommand:
    """A command that was sent: somebody awaits its answer, or it may act yet."""

    run: int
    n: int
    step: Step
    sent: int
    awaited: bool = True
    acted: bool = False
    running: bool = True  # the program that sent it
    known: bool = True  # it was written down which program that is
    until: int | None = None  # when it can act no more; None: not while its program runs
    slow: bool = False
    yes: bool = False  # it was answered with success
    aim: str = ""  # the date of the filer's snapshot that it was meant for

    def may_act(self, now: int) -> bool:
        """Whether its effect may still come."""
        return not self.acted and (self.until is None or now < self.until)


@dataclass(frozen=True, slots=True)
class World:
    """What is there at one moment."""

    scene: Scene
    now: int = 0
    rows: tuple[VmSnapshot, ...] = ()
    volumes: Mapping[str, tuple[FilerSnapshot, ...]] = field(default_factory=dict)
    commands: tuple[SentCommand, ...] = ()
    database: bool = True
    filer: bool = True
    unregistered: frozenset[int] = frozenset()
    ledger: Ledger = field(default_factory=dict)
    meddled: bool = False  # somebody else changed names on the filer

    def entered(self, *entry: object, value: object = True) -> World:
        """With one more entry in the ledger."""
        return replace(self, ledger={**self.ledger, entry: value})

    def count(self, *entry: object) -> int:
        """How often something happened."""
        found = self.ledger.get(entry, 0)
        assert isinstance(found, int)
        return found

    def row(self, volume: str, name: str) -> FilerSnapshot | None:
        """The filer's snapshot of this name."""
        return next((row for row in self.volumes[volume] if row.name == name), None)

    def with_volume(self, volume: str, rows: tuple[FilerSnapshot, ...]) -> World:
        """With other snapshots on a volume."""
        return replace(self, volumes={**self.volumes, volume: rows})

    def command_of(self, run: int, n: int) -> SentCommand:
        """A command that was sent."""
        return next(one for one in self.commands if (one.run, one.n) == (run, n))

    def with_command(self, one: SentCommand) -> World:
        """With a command changed; one that is over is forgotten."""
        over = not one.awaited and not one.may_act(self.now) and not (one.running and isinstance(one.step, Quiesce))
        commands = [other for other in self.commands if (other.run, other.n) != (one.run, one.n)]
        return replace(self, commands=tuple(commands) if over else (*commands, one))

    def passed(self, until: int) -> World:
        """Later: what can act no more is over."""
        world = replace(self, now=until)
        for one in self.commands:
            world = world.with_command(one)
        return world

    def ours(self) -> Iterator[tuple[int, int]]:
        """Run and VM of every snapshot of ours that is there."""
        for row in self.rows:
            if row.ssid.startswith("ours-"):
                _, run, vm = row.ssid.split("-")
                yield int(run), int(vm)

    def may_appear(self) -> Iterator[tuple[int, int]]:
        """Run and VM of every snapshot of ours that may appear yet."""
        for one in self.commands:
            if isinstance(one.step, Quiesce) and one.may_act(self.now) and one.step.vm.id not in self.unregistered:
                yield one.run, one.step.vm.id


def ssid_of(run: int, vm: int) -> str:
    """The id of a run's snapshot of a VM: a create acts once, so that it has but one."""
    return f"ours-{run}-{vm}"


def tried(world: World, one: SentCommand) -> tuple[World, bool]:
    """The world after the command has acted, and whether it changed anything. Violation: it must not have."""
    changed = _changed(world, one)
    acted = replace(one, acted=True)
    if changed is None:
        return world.with_command(acted), False
    return changed.with_command(acted), True


def _changed(world: World, one: SentCommand) -> World | None:
    match one.step:
        case Quiesce(vm, name):
            if vm.id in world.unregistered:
                return None
            row = VmSnapshot(ssid_of(one.run, vm.id), vm.id, name, moment(world.now))
            return replace(world, rows=(*world.rows, row))
        case Release(vm, ssid):
            return _removed(world, one, vm, ssid)
        case Capture(volume, name):
            return None if world.row(volume, name) is not None else _captured(world, one, volume, name)
        case Rename(volume, old, new):
            row_ = world.row(volume, old)
            if row_ is None or row_.tags or world.row(volume, new) is not None:
                return None
            _require_aim(world, one, row_, old)
            rows = tuple(replace(r, name=new) if r.name == old else r for r in world.volumes[volume])
            _require_confirmed(world, one, row_, new)
            return world.with_volume(volume, rows)
        case Delete(volume, name):
            row_ = world.row(volume, name)
            if row_ is None or row_.tags:
                return None
            _require_aim(world, one, row_, name)
            kept = tuple(r for r in world.volumes[volume] if r.name != name)
            return world.with_volume(volume, kept).entered("deleted", volume, row_.date)


def _removed(world: World, one: SentCommand, vm: Vm, ssid: str) -> World | None:
    row = next((row for row in world.rows if row.ssid == ssid), None)
    if row is None or vm.id in world.unregistered:
        return None
    if not ssid.startswith("ours-") and not _may_be_taken_for_ours(world, one, row):
        raise Violation("3 it touches only its own", f"somebody else's snapshot {ssid} of vm-{row.vm} is removed")
    return replace(world, rows=tuple(other for other in world.rows if other is not row))


def _may_be_taken_for_ours(world: World, one: SentCommand, row: VmSnapshot) -> bool:
    """Whether nobody can know better: the database was silent, or in paper order it is the one new `Quiesce`."""
    if row in world.scene.foreign:
        return False
    job = world.scene.jobs[world.count("job", one.run)]
    return bool(world.ledger.get(("unasked", one.run, one.n))) or (job.order is Order.PAPER and row.vm == _vm(one.step))


def _vm(step: Step) -> int:
    return step.vm.id if isinstance(step, Quiesce | Release) else 0


def _captured(world: World, one: SentCommand, volume: str, name: str) -> World:
    date = f"run {one.run} command {one.n}"
    vms = frozenset(vm for run, vm in world.ours() if run == one.run)
    rows = (FilerSnapshot(name, date), *world.volumes[volume])
    return world.with_volume(volume, rows).entered("quiesced at", volume, date, value=vms)


def _require_aim(world: World, one: SentCommand, row: FilerSnapshot, name: str) -> None:
    """A command that acts late must not hit another snapshot than the one that it was sent for."""
    if one.aim and row.date != one.aim and not world.meddled:
        text = f"{one.step} acts on the snapshot of {row.date}, and was meant for that of {one.aim}"
        raise Violation("2 no backup is lost", f"{text}, which was called {name}")


def _require_confirmed(world: World, one: SentCommand, row: FilerSnapshot, new: str) -> None:
    """The newest name goes to what was read back only."""
    job = next(job for job in world.scene.jobs if one.step.volume in job.volumes)  # type: ignore[union-attr]
    made = ("quiesced at", one.step.volume, row.date) in world.ledger  # type: ignore[union-attr]
    if new == job.newest and made and not world.ledger.get(("listed", one.step.volume, row.date)):  # type: ignore[union-attr]
        raise Violation("2 no backup is lost", f"{new} names a capture that was never read back")
