"""Everything that can happen next to a mount or a swap, when two systems are the same, and what must never be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from snapall.backup.facts import Answered
from snapall.backup.steps import Done, Outcome, Refusal, Unknown
from snapall.restore.record import Looked, LookFailed
from snapall.restore.state import UseState
from snapall.restore.steps import CloneLun, MapLun, MoveLun
from tests.explore.restore.filer import FOREIGN, MAPS, ORIGINALS, OURS, ModelFiler, act, require_no_twins
from tests.explore.restore.system import (
    TIMEOUT,
    Flight,
    RestoreProcess,
    RestoreSystem,
    go_on,
    killed,
    observed,
    recorded,
    recovered,
    stopped,
    unmounted,
)
from tests.explore.world import Violation, moment


@dataclass(frozen=True, slots=True)
class Event:
    """Something that may happen: how unusual it is, a line for a counterexample, and the system after it."""

    faults: int
    label: str
    apply: Callable[[object], RestoreSystem]
    good: bool = False


def events(system: RestoreSystem) -> Iterator[Event]:
    """All of them; the first good one is what happens in a well-behaved world."""
    process = system.process
    if process is None:
        yield from _owners(system)
    else:
        yield from _of_process(system, process)
        yield Event(1, "it is killed", lambda _: killed(system, system.disk))
        yield Event(1, "the power fails", lambda _: killed(system, system.synced))
        if not system.live.stopped:
            yield Event(1, "a signal arrives", lambda _: stopped(system))
        if not process.full:
            full = replace(process, full=True)
            yield Event(1, "the journal's disk is full", lambda _: replace(system, process=full))
    for one in system.flights:
        if one.until is not None and not one.acted:
            yield Event(0, f"{one.intent.step} acts late", partial(_late, system, one))
    if system.scene.meddling and not system.meddled:
        yield from _meddling(system)


def _owners(system: RestoreSystem) -> Iterator[Event]:
    ended = system.live.ended
    if ended is None or ended.open:
        yield Event(0, "snapall recover begins", lambda _: recovered(system), good=True)
        if system.flights:
            yield Event(0, "time passes", lambda _: _at(system, system.now + TIMEOUT))
    elif system.scene.unmount and not system.asked_down and system.live.down is None:
        yield Event(0, "snapall unmount begins", lambda _: unmounted(system), good=True)


def _of_process(system: RestoreSystem, process: RestoreProcess) -> Iterator[Event]:
    if process.doing == "answer":
        for number, (faults, label, make) in enumerate(_answers(system)):
            yield Event(faults, label, make, good=number == 0)
    elif process.doing == "look":
        looked = Looked(system.filer.view, system.live.version)
        yield Event(0, "it looks", lambda _: go_on(observed(system, looked)), good=True)
        failed = LookFailed(process.volume, "no answer")
        yield Event(1, "the look fails", lambda _: go_on(observed(system, failed)))
    else:
        yield Event(0, "time passes", lambda _: go_on(_at(system, process.wake)), good=True)


def _at(system: RestoreSystem, now: int) -> RestoreSystem:
    flights = tuple(one for one in system.flights if one.until is None or one.until > now)
    return replace(system, now=now, flights=flights)


def _late(system: RestoreSystem, one: Flight, _: object) -> RestoreSystem:
    return replace(system, filer=act(system.filer, one.intent.step) or system.filer, flights=())


Make = Callable[[object], RestoreSystem]


def _answers(system: RestoreSystem) -> Iterator[tuple[int, str, Make]]:
    one = system.flights[0]
    step, n = one.intent.step, one.intent.n
    after = act(system.filer, step)

    def answer(outcome: Outcome, *, acts: bool, late: bool = False, wait: int = 0) -> Make:
        def apply(_: object) -> RestoreSystem:
            filer = after if acts and after is not None else system.filer
            flights = (replace(one, until=system.now + TIMEOUT),) if late else ()
            moved = replace(system, filer=filer, flights=flights)
            moved = replace(_at(moved, system.now + wait), filer=filer)
            return go_on(recorded(moved, Answered(n, outcome, 0.0), durable=False))

        return apply

    no, gone = Unknown("an error", failed=True), Unknown("no answer")
    if after is not None:
        yield 0, f"{step} is done", answer(Done(), acts=True)
        yield 1, f"{step} is done, and reported as failed", answer(no, acts=True)
        yield 1, f"{step} is done, and its answer is lost", answer(gone, acts=True)
        yield 1, f"{step} is reported as done, and is not", answer(Done(), acts=False)
        yield 1, f"{step} gets no answer, and may act yet", answer(gone, acts=False, late=True)
    yield int(after is not None), f"{step} fails", answer(no, acts=False)
    yield 1, f"{step} is not sent", answer(Refusal("no connection"), acts=False)
    yield 1, f"{step} gets no answer in time", answer(gone, acts=False, wait=TIMEOUT)


def _meddling(system: RestoreSystem) -> Iterator[Event]:
    """Not between a look and the command that follows from it: no command of the filer has a condition."""
    if system.flights:
        return
    for one in system.filer.of(OURS):
        maps = tuple(row for row in system.filer.maps if row.path != one.path)
        gone = replace(system.filer.put(one, None), maps=maps)
        other = gone.put(None, replace(one, backed_by="", comment=FOREIGN, online=True, serial="foreign"))
        yield Event(1, f"somebody destroys {one.path}", partial(_meddled, system, gone))
        yield Event(1, f"somebody replaces {one.path}", partial(_meddled, system, other))


def _meddled(system: RestoreSystem, filer: ModelFiler, _: object) -> RestoreSystem:
    return replace(system, filer=filer, meddled=True)


# Equality


def key(system: RestoreSystem) -> tuple[object, ...]:
    """Equal for systems that go on in the same way."""
    now, process = system.now, system.process
    wake = process.wake - now if process is not None and process.doing == "wait" else 0
    return (
        system.filer,
        tuple((one.intent, one.acted, one.until and one.until - now) for one in system.flights),
        process and (process.kind, process.doing, process.volume, process.full, wake),
        (system.code, system.asked_down, system.meddled),
        _state(system.live, now),
        _state(system.disk, now) if system.disk is not system.live else 0,
        _state(system.synced, now) if system.synced is not system.disk else 0,
    )


def _age(at: datetime | None, now: int) -> int:
    return -1 if at is None else min(int((moment(now) - at).total_seconds()), 2 * TIMEOUT)


def _state(state: UseState, now: int) -> tuple[object, ...]:
    steps = tuple(
        (one.n, one.place, one.undoes, one.settled, one.seen, one.owner == state.owner)
        if one.settled
        else (one.step, type(one.outcome), one.owner == state.owner, _age(one.sent, now), _age(state.taken_at, now))
        for one in state.steps.values()
    )
    seen = state.fresh("v")
    look = () if seen is None else (tuple(seen.view.luns.values()), seen.view.maps, seen.view.splitting)
    return (
        steps,
        look,
        seen and _age(seen.at, now),
        (state.skipped, state.undone, tuple(state.left.items()), state.down and state.down.by),
        (state.stopped, bool(state.broken), state.blind_looks, _age(state.look_failed_at, now)),
        state.ended and (state.ended.exit, state.ended.open),
        state.died and _age(state.taken_at, now),
    )


# What must never be


def require(system: RestoreSystem) -> None:
    """Violation: something on the filer is not explained by the journal, or a host sees twins."""
    require_no_twins(system.filer)
    if system.process is None and system.live.ended is not None and system.live.down is None and not system.scene.swap:
        _mounted(system)
    steps = [one.step for one in system.synced.steps.values()]
    named = {one.path for one in steps if isinstance(one, CloneLun)} | {
        one.to for one in steps if isinstance(one, MoveLun)
    }
    for lun in system.filer.of(OURS):
        if lun.path not in named:
            raise Violation("explained", f"no journal names {lun.path}")
    for row in system.filer.maps:
        mapped = any(isinstance(one, MapLun) and (one.path, one.igroup) == (row.path, row.igroup) for one in steps)
        if row not in MAPS and not mapped:
            raise Violation("explained", f"no journal says that {row.path} was mapped")


def _mounted(system: RestoreSystem) -> None:
    """A finished mount shows all its clones."""
    filer = system.filer
    mapped = {row.path for row in filer.maps}
    shown = sum(1 for one in filer.of(OURS) if one.online and one.path in mapped)
    if not system.meddled and shown != len(system.scene.luns):
        raise Violation("mount", f"it succeeded, and shows {filer.luns}")


def rests(system: RestoreSystem, *, calm: bool) -> None:
    """Violation: this is no rest: neither all of it nor nothing of it is there."""
    if system.live.ended is None or system.live.ended.open:
        raise Violation("rest", "the journal stays open")
    filer = system.filer
    originals = {one.path: one for one in ORIGINALS}
    if calm and system.code != 0:
        raise Violation("8 it is faithful", "all went well, and the exit code is not 0")
    if system.scene.swap and filer.splitting:
        for path in system.scene.luns:
            one = filer.lun(path)
            if one is None or one.comment != OURS or one.serial != originals[path].serial or not one.online:
                raise Violation("swap", f"{path} is {one}")
        if filer.maps != MAPS:
            raise Violation("swap", f"the maps are {filer.maps}")
        return
    if system.live.down is None and not system.scene.swap:
        return
    left = [one for one in filer.of(OURS) if one.path not in filer.splitting]
    if left:
        raise Violation("taken down", f"there is still {left[0]}")
    kept = {one.path for one in filer.of(OURS)}
    if kept != filer.splitting or not kept <= {row.path for row in filer.maps}:
        raise Violation("split", f"a clone that is being split was taken down: {filer.luns} {filer.maps}")
    maps = tuple(row for row in filer.maps if row.path not in kept)
    if tuple(one for one in filer.luns if not one.comment) != ORIGINALS or maps != MAPS:
        raise Violation("taken down", f"the original LUNs are not as they were: {filer.luns} {filer.maps}")
