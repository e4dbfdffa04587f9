"""The filer, the journal and the living process of snapall, and how the process goes on between two events."""

from __future__ import annotations

from dataclasses import dataclass, replace

from snapall.backup.facts import Ended, StopAsked, TakenOver
from snapall.backup.sight import JournalBroken
from snapall.restore.decide import decide
from snapall.restore.plan import by_swap, mount
from snapall.restore.record import Source, StepIntent, TakeDown, UseBegan, UseFact, UseKind, UseObservation, UseRecord
from snapall.restore.state import UseState, apply
from tests.explore.restore.filer import SNAPSHOT, ModelFiler
from tests.explore.world import Violation, moment, second

TIMEOUT = 20
MOST_DECISIONS = 40


@dataclass(frozen=True, slots=True)
class RestoreScene:
    """What is done: a mount or a swap of these LUNs, and whether the mount is taken down afterwards."""

    name: str
    luns: tuple[str, ...] = ("/vol/v/sql", "/vol/v/web")
    swap: bool = False
    split: bool = False  # whether the clones of a mount are made independent
    igroup: str = "esx"
    unmount: bool = False
    inherits: bool = True
    meddling: bool = False  # whether somebody destroys or replaces our clones


@dataclass(frozen=True, slots=True)
class Flight:
    """A command on its way: it may act until `until`; None: its answer is awaited."""

    intent: StepIntent
    until: int | None = None
    acted: bool = False


@dataclass(frozen=True, slots=True)
class RestoreProcess:
    """The living process. `doing`: "answer", "look" or "wait"."""

    kind: str
    doing: str = ""
    volume: str = ""
    wake: int = 0
    full: bool = False  # the disk of the journal


@dataclass(frozen=True, slots=True)
class RestoreSystem:
    """Everything. `live` is what the process knows, `disk` what is written, `synced` what a power cut would leave."""

    scene: RestoreScene
    filer: ModelFiler
    live: UseState
    disk: UseState
    synced: UseState
    now: int = 0
    flights: tuple[Flight, ...] = ()
    process: RestoreProcess | None = None
    code: int | None = None
    asked_down: bool = False  # whether unmount was called
    meddled: bool = False


def start(scene: RestoreScene) -> RestoreSystem:
    """The header is written, and nothing was sent yet."""
    filer = ModelFiler(inherits=scene.inherits)
    stamp, serials = "20070322T040000Z", iter(("fresh-1", "fresh-2"))
    if scene.swap:
        plan = by_swap(scene.luns, SNAPSHOT.name, stamp, {"v": filer.view}, serials)
    else:
        views = {"v": filer.view}
        plan = mount(scene.luns, SNAPSHOT.name, scene.igroup, stamp, views, serials, split=scene.split)
    kind = UseKind.RESTORE if scene.swap else UseKind.MOUNT
    sources = (Source("v", SNAPSHOT.date),)
    header = UseBegan(kind, "one", "filer1", "vc", stamp, SNAPSHOT.name, sources, plan, "1", filer_timeout=TIMEOUT)
    state = apply(UseState(), UseRecord(moment(0), header))
    return go_on(RestoreSystem(scene, filer, state, state, state, process=RestoreProcess("it")))


def recorded(system: RestoreSystem, *facts: UseFact, durable: bool = True) -> RestoreSystem:
    """Write facts, and apply them. With a full disk they stay in memory."""
    live, disk = system.live, system.disk
    for fact in facts:
        record = UseRecord(moment(system.now), fact)
        live, disk = apply(live, record), apply(disk, record)
    if system.process is not None and system.process.full:
        broken = UseRecord(moment(system.now), JournalBroken("full"))
        return replace(system, live=apply(live, broken))
    return replace(system, live=live, disk=disk, synced=disk if durable else system.synced)


def observed(system: RestoreSystem, what: UseObservation) -> RestoreSystem:
    """Apply the answer of a look."""
    return replace(system, live=apply(system.live, UseRecord(moment(system.now), what)))


def go_on(system: RestoreSystem) -> RestoreSystem:
    """Decide until something is awaited, or the process ends."""
    for _ in range(MOST_DECISIONS):
        process = system.process
        assert process is not None
        decision = decide(system.live, moment(system.now))
        if decision.records:
            system = recorded(system, *decision.records)
        elif decision.send is not None:
            if process.full and not decision.send.undoes:
                system = observed(system, JournalBroken("full"))
                continue
            return _sent(system, decision.send)
        elif decision.look:
            return replace(system, process=replace(process, doing="look", volume=decision.look))
        elif decision.done:
            return _ended(system)
        else:
            assert decision.wake is not None
            if second(decision.wake) <= system.now:
                raise Violation("liveness", "it waits for a moment that has passed")
            return replace(system, process=replace(process, doing="wait", wake=second(decision.wake)))
    raise Violation("liveness", "it decides for ever")


def _sent(system: RestoreSystem, intent: StepIntent) -> RestoreSystem:
    if system.flights:
        raise Violation("5 three outcomes", f"{intent.step} is sent while {system.flights[0].intent.step} may act")
    if not intent.undoes and any(one.place == intent.place for one in system.live.forward):
        raise Violation("5 three outcomes", f"{intent.step} is sent twice")
    assert system.process is not None
    process = replace(system.process, doing="answer")
    return replace(recorded(system, intent), flights=(Flight(intent),), process=process)


def _ended(system: RestoreSystem) -> RestoreSystem:
    state = system.live
    code = 0 if state.down is None or (system.asked_down and not state.outstanding) else 1
    system = recorded(system, Ended(code, state.outstanding, ""))
    return replace(system, process=None, code=code, live=system.disk)


def stopped(system: RestoreSystem) -> RestoreSystem:
    """A signal: the decisions see it at the next event."""
    return recorded(system, StopAsked())


def unmounted(system: RestoreSystem) -> RestoreSystem:
    """`snapall unmount` begins."""
    system = replace(system, process=RestoreProcess("it"), asked_down=True)
    return go_on(recorded(system, TakenOver("unmount", ""), TakeDown("unmount", "")))


def recovered(system: RestoreSystem) -> RestoreSystem:
    """`snapall recover` begins."""
    system = replace(system, process=RestoreProcess("recover"))
    facts: tuple[UseFact, ...] = (TakenOver("recover", ""), TakeDown("recover", "it died"))
    return go_on(recorded(system, *facts))


def killed(system: RestoreSystem, left: UseState) -> RestoreSystem:
    """The process is dead: `left` is what its journal says. What was sent may act."""
    flights = tuple(replace(one, until=one.until or system.now + TIMEOUT) for one in system.flights if not one.acted)
    return replace(system, process=None, live=left, disk=left, synced=left, flights=flights, code=None)
