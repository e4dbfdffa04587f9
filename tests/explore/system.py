"""Everything there is at one moment: the world, the journals, and the living processes of snapall."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from snapall.backup.actions import LookAtVms, ReadVolume
from snapall.backup.record import Record
from snapall.backup.runstate import RunState
from snapall.backup.steps import Release
from tests.explore.quick import replace
from tests.explore.world import Scene, World


@dataclass(frozen=True, slots=True)
class Journal:
    """A run's records, folded: as its owner knows them, as they are written, and as a power cut would leave them."""

    job: int
    live: RunState
    disk: RunState
    synced: RunState
    tail: tuple[Record, ...] = ()  # written, and not yet safe from a power cut
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """A look under way, and the world as it was when it began."""

    run: int
    action: LookAtVms | ReadVolume
    version: int
    began: World
    slow: bool = False


@dataclass(frozen=True, slots=True)
class Process:
    """A living process: what it is there for, the runs that its engine works on, and what it waits for.

    `kind`: run, recover, or recover without waiting. `phase`: sweep, drive, again (a run); settle, rotate (recover).
    """

    kind: str
    job: int
    phase: str
    cases: tuple[int, ...] = ()
    queue: tuple[int, ...] = ()
    earlier: tuple[int, ...] = ()
    mine: int = -1
    finished: frozenset[int] = frozenset()
    looks: tuple[Look, ...] = ()
    wake: datetime | None = None
    stop: bool = False
    code: int = 0


@dataclass(frozen=True, slots=True)
class System:
    """Everything: the world, the journals, the living processes, and how many there have been."""

    world: World
    journals: tuple[Journal, ...] = ()
    processes: tuple[Process, ...] = ()
    started: int = 0

    @property
    def scene(self) -> Scene:
        """The site."""
        return self.world.scene


Deaths = list[tuple[str, System]]
"""How the process at work may die on the way, and the system after that."""


@dataclass(frozen=True, slots=True)
class Transition:
    """Something that may happen: how unusual it is, a line for a counterexample, and the system after it.

    `apply` also takes a list for the systems in which the process died on the way. `good`: it is what happens next
    in a well-behaved world.
    """

    faults: int
    label: str
    apply: Callable[[Deaths | None], System]
    good: bool = False


def changed(system: System, world: World) -> Callable[[Deaths | None], System]:
    """Only the world is another."""
    return lambda _: replace(system, world=world)


def killed(system: System, place: int) -> System:
    """The system after a kill -9: what was written stays, what was sent may act, and its programs run on."""
    process = system.processes[place]
    runs = {*process.cases, *process.earlier, *process.queue, process.mine}
    world = system.world
    for one in world.commands:
        if one.awaited and one.run in runs:
            until = world.now + int(world.scene.pace.settle) if isinstance(one.step, Release) else one.until
            world = world.with_command(replace(one, awaited=False, until=until))
    journals = tuple(replace(one, live=one.disk) if run in runs else one for run, one in enumerate(system.journals))
    rest = tuple(one for one in system.processes if one is not process)
    return replace(system, world=world, journals=journals, processes=rest)
