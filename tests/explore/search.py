"""Breadth first over all that can happen, within a bound of faults, of steps and of states."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.explore import canon, invariants
from tests.explore.quick import quickened
from tests.explore.scenes import beginning
from tests.explore.system import Deaths, System, Transition
from tests.explore.transitions import transitions
from tests.explore.world import Scene, Violation

MOST_STEPS_TO_REST = 400
_LISTED = "a command acts"

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far to explore."""

    faults: int = 2
    states: int = 20_000
    depth: int = 400
    seconds: float = 1e9


class Game(Protocol):
    """What is explored. Its systems and transitions are its own affair."""

    def start(self) -> Any:
        """The beginning."""

    def transitions(self, system: Any) -> Iterable[Any]:
        """Everything that can happen next: `faults`, `label`, `apply`, `good`, as of `Transition`."""

    def key(self, system: Any) -> object:
        """Equal for systems that go on in the same way."""

    def require(self, system: Any) -> None:
        """Violation: such a system must never be."""

    def rests(self, system: Any, *, calm: bool) -> None:
        """Violation: this is no rest, or, where all went well, no success."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The runs of a scene, and whoever settles them."""

    scene: Scene

    def start(self) -> System:
        """The site before the first run."""
        return System(beginning(self.scene))

    def transitions(self, system: System) -> Iterable[Transition]:
        """Everything that can happen next."""
        return transitions(system)

    def key(self, system: System) -> object:
        """Equal for systems that go on in the same way."""
        return canon.key(system)

    def require(self, system: System) -> None:
        """Violation: a reader of a journal would not know what its owner knows."""
        for journal in system.journals:
            canon.require_written(journal)

    def rests(self, system: System, *, calm: bool) -> None:
        """Violation: this is no rest."""
        rests(system, calm=calm)


@dataclass
class Found:
    """What an exploration came to. `path`: the steps to a broken promise."""

    scene: Any
    states: int = 0
    transitions: int = 0
    depth: int = 0
    seconds: float = 0.0
    rests: int = 0
    complete: bool = True
    broken: Violation | None = None
    path: Path = ()


@dataclass(slots=True)
class _Entry:
    system: Any
    faults: int
    depth: int
    place: int
    key: int


@dataclass
class Search:
    """One exploration of a scene, by default of a night."""

    scene: Any
    bounds: Bounds = Bounds()
    game: Game | None = None
    parents: list[tuple[int, str]] = field(default_factory=list)
    visited: dict[int, int] = field(default_factory=dict)  # key -> the fewest faults that led there
    calm: set[int] = field(default_factory=set)  # from here a well-behaved world leads to rest
    ahead: dict[int, tuple[str, Any]] = field(default_factory=dict)  # what comes next, where all goes well
    clock: Callable[[], float] = time.monotonic

    @property
    def _game(self) -> Game:
        return self.game or Answers(self.scene)

    def run(self) -> Found:
        """Explore, until a promise is broken or a bound is reached."""
        with quickened():
            return self._run()

    def _run(self) -> Found:
        found, began = Found(self.scene), self.clock()
        queue: deque[_Entry] = deque()
        self._add(queue, self._game.start(), 0, 0, -1, "")
        while queue:
            if len(self.parents) >= self.bounds.states or self.clock() - began > self.bounds.seconds:
                found.complete = False
                break
            entry = queue.popleft()
            found.depth = max(found.depth, entry.depth)
            try:
                self._expand(entry, queue, found)
            except _Broken as broken:
                found.broken, found.path = broken.why, broken.path
                break
        found.states, found.seconds = len(self.parents), self.clock() - began
        return found

    def _expand(self, entry: _Entry, queue: deque[_Entry], found: Found) -> None:
        before = found.transitions
        self._settles(entry)
        for one in self._next(entry):
            left = self.bounds.faults - entry.faults - one.faults
            deaths: Deaths | None = [] if left > 0 else None
            for label, system, faults in self._after(entry, one, deaths):
                found.transitions += 1
                if entry.depth < self.bounds.depth:
                    self._add(queue, system, entry.faults + faults, entry.depth + 1, entry.place, label)
        self.ahead.pop(entry.key, None)
        found.rests += found.transitions == before

    def _next(self, entry: _Entry) -> Iterator[Transition]:
        try:
            for one in self._game.transitions(entry.system):
                if entry.faults + one.faults <= self.bounds.faults:
                    yield one
        except Violation as why:  # what an answer would do is found out while the answers are listed
            raise _Broken(why, (*self._path(entry.place), _LISTED)) from why

    def _after(self, entry: _Entry, one: Transition, deaths: Deaths | None) -> Iterator[tuple[str, System, int]]:
        try:
            known, ahead = self.ahead.get(entry.key, ("", None))
            system = ahead if ahead is not None and known == one.label and deaths is None else one.apply(deaths)
            self._game.require(system)
        except Violation as why:
            raise _Broken(why, (*self._path(entry.place), one.label)) from why
        yield one.label, system, one.faults
        for number, (how, dead) in enumerate(deaths or ()):
            yield f"{one.label}; it is killed {how} [{number}]", dead, one.faults + 1

    def _add(self, queue: deque[_Entry], system: Any, faults: int, depth: int, parent: int, label: str) -> None:
        key = hash(self._game.key(system))
        if self.visited.get(key, 99) <= faults:
            return
        self.visited[key] = faults
        queue.append(_Entry(system, faults, depth, len(self.parents), key))
        self.parents.append((parent, label))

    def _path(self, place: int) -> Path:
        steps: list[str] = []
        while place > 0:
            place, label = self.parents[place]
            steps.append(label)
        return tuple(reversed(steps))

    def _settles(self, entry: _Entry) -> None:
        """From here on all goes well: it must come to rest, after one recover at most."""
        system, recovers = entry.system, 0
        passed: list[int] = []
        steps: list[str] = []
        while True:
            key = hash(self._game.key(system))
            if key in self.calm:
                break
            passed.append(key)
            good = None
            try:
                good = next((one for one in self._game.transitions(system) if one.good), None)
                if good is None:
                    self._game.rests(system, calm=entry.faults == 0)
                    break
                recovers += "snapall recover begins" in good.label
                if recovers > 1 or len(steps) > MOST_STEPS_TO_REST:
                    raise Violation("rest", f"{recovers} recovers and {len(steps)} steps lead to no rest")
                system = good.apply(None)
                self.ahead[key] = good.label, system
            except Violation as why:
                raise _Broken(why, (*self._path(entry.place), *steps, good.label if good else "")) from why
            steps.append(good.label)
        self.calm.update(passed)


class _Broken(Exception):
    def __init__(self, why: Violation, path: Path) -> None:
        super().__init__(str(why))
        self.why, self.path = why, path


def rests(system: System, *, calm: bool) -> None:
    """Violation: this is no rest, or, where all went well, no success."""
    world = system.world
    for run, vm in (*world.ours(), *world.may_appear()):
        if not invariants.ambiguous(world, vm):
            raise Violation("1 no VM stays quiesced", f"run {run}'s snapshot of vm-{vm} is left for ever")
    for run, one in enumerate(system.journals):
        if not one.closed:
            raise Violation("rest", f"the journal of run {run} stays open")
    invariants.chain_stands(world)
    alone = len(system.scene.jobs) == 1  # of two jobs, one leaves out what the other works on
    if calm and alone and any(key[0] == "exit" and code != 0 for key, code in world.ledger.items()):
        raise Violation("8 it is faithful", "all went well, and the exit code is not 0")
