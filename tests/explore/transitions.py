"""Everything that can happen next."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from snapall.backup.actions import LookAtVms
from snapall.backup.sight import DatabaseSilent, VmsListed
from snapall.backup.steps import Quiesce, Release
from tests.explore.answers import Answer, answers, seen
from tests.explore.external_actors import external_actions, repairs
from tests.explore.owners import go_on
from tests.explore.process import ActiveProcess
from tests.explore.process_ends import ends, owners
from tests.explore.quick import replace
from tests.explore.system import Deaths, Look, System, Transition
from tests.explore.world import SentCommand, World, second, tried


def transitions(system: System) -> Iterator[Transition]:
    """All of them."""
    yield from repairs(system)
    for command in system.world.commands:
        yield from _of_command(system, command)
    for place, process in enumerate(system.processes):
        for look in process.looks:
            yield from _of_look(system, place, look)
    yield from _time(system)
    yield from ends(system)
    yield from owners(system)
    if system.processes:
        yield from external_actions(system)


# Commands


def _of_command(system: System, one: SentCommand) -> Iterator[Transition]:
    label = f"{_named(one)}"
    if one.awaited:
        place = _place(system, one.run)
        for number, answer in enumerate(answers(system.world, one)):
            act = partial(_answered, system, place, one, answer)
            yield Transition(answer.faults, f"{label}: {answer.label}", act, good=number == 0)
    if one.may_act(system.world.now):
        faults = 1 if one.awaited else 0
        yield Transition(
            faults, f"{label} acts", lambda _: replace(system, world=tried(system.world, one)[0]), good=not one.awaited
        )
    elif one.running and not one.awaited and isinstance(one.step, Quiesce) and one.until is None:
        yield Transition(0, f"the program of {label} ends", partial(_program_ends, system, one), good=True)
    if (
        one.running
        and not one.awaited
        and isinstance(one.step, Quiesce)
        and one.may_act(system.world.now)
        and one.until is None
        and one.known
    ):
        yield Transition(0, f"the program of {label} ends before anything happens", partial(_program_ends, system, one))


def _place(system: System, run: int) -> int:
    """Which process awaits the answers of a run's commands."""
    runs = [{*one.cases, *one.earlier, one.mine} for one in system.processes]
    return next(place for place, mine in enumerate(runs) if run in mine)


def _named(one: SentCommand) -> str:
    match one.step:
        case Quiesce(vm):
            return f"run {one.run}'s create for {vm.moref}"
        case Release(vm, ssid):
            return f"run {one.run}'s removal of {ssid} of {vm.moref} (command {one.n})"
        case step:
            return f"run {one.run}'s {step} (command {one.n})"


def _program_ends(system: System, one: SentCommand, _: Deaths | None) -> System:
    until = system.world.now + int(system.scene.pace.settle)
    return replace(system, world=system.world.with_command(replace(one, running=False, until=until)))


def _answered(system: System, place: int, one: SentCommand, answer: Answer, deaths: Deaths | None) -> System:
    active = ActiveProcess(replace(system, world=answer.world), place, deaths)
    active.answered(one, answer.outcome)
    active.dies("after the answer was written, before anything followed from it")
    go_on(active)
    return active.frozen()


# Looks


def _of_look(system: System, place: int, look: Look) -> Iterator[Transition]:
    what = f"{system.processes[place].kind} reads {look.action}"
    world = system.world
    yield Transition(0, f"{what}", partial(_looked, system, place, look, world), good=True)
    changed = (look.began.rows, look.began.volumes, look.began.commands) != (world.rows, world.volumes, world.commands)
    if changed and world.database and world.filer:
        yield Transition(0, f"{what} as it was when it was asked", partial(_looked, system, place, look, look.began))


def _looked(system: System, place: int, look: Look, at: World, deaths: Deaths | None) -> System:
    process = system.processes[place]
    active = ActiveProcess(system, place, deaths)
    active.me = replace(process, looks=tuple(one for one in process.looks if one is not look))
    found = seen(system.world, look, at)
    if isinstance(found, VmsListed):
        shown = frozenset(row.ssid for row in found.rows)
        active.world = active.world.entered("shown", value=shown)
    if isinstance(look.action, LookAtVms):
        active.world = active.world.entered("silent", value=isinstance(found, DatabaseSilent))
    active.observe(look.run, found, look.began.now)
    active.dies("after what it saw was written, before anything followed from it")
    go_on(active)
    return active.frozen()


# Time


def _time(system: System) -> Iterator[Transition]:
    """Time passes to the next moment at which anything changes by itself."""
    world = system.world
    ends = [one.until for one in world.commands if one.until is not None and one.until > world.now and not one.acted]
    ends += [second(one.wake) for one in system.processes if one.wake is not None and second(one.wake) > world.now]
    waiting = [one for one in world.commands if one.awaited and not one.slow]
    looking = [look for one in system.processes for look in one.looks if not look.slow]
    if not ends:
        if not system.processes or not (waiting or looking):
            return
        ends = [world.now + 2 * int(world.scene.pace.filer_timeout)]
    busy = any(one.awaited for one in world.commands) or any(one.looks for one in system.processes)
    faults = 1 if waiting or looking else 0
    yield Transition(faults, f"{min(ends) - world.now} s pass", partial(_passed, system, min(ends)), good=not busy)


def _passed(system: System, until: int, deaths: Deaths | None) -> System:
    world = replace(
        system.world, commands=tuple(replace(one, slow=one.slow or one.awaited) for one in system.world.commands)
    )
    world = world.passed(until)
    processes = tuple(
        replace(one, looks=tuple(replace(look, slow=True) for look in one.looks)) for one in system.processes
    )
    system = replace(system, world=world, processes=processes)
    for process in processes:
        if process.wake is not None and second(process.wake) <= until:
            active = ActiveProcess(system, system.processes.index(process), deaths)
            go_on(active)
            system = active.frozen()
    return system
