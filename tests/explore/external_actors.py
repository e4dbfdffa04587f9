"""Other people and other systems: what they break, what they change, and how it is repaired."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from snapall.backup.model import VmSnapshot
from tests.explore.owners import go_on
from tests.explore.process import ActiveProcess
from tests.explore.quick import replace
from tests.explore.system import Deaths, System, Transition, changed


def repairs(system: System) -> Iterator[Transition]:
    """Repair what is broken, as always happens on a well-behaved site."""
    world = system.world
    if not world.database:
        yield Transition(0, "the database is up again", changed(system, replace(world, database=True)), good=True)
    if not world.filer:
        yield Transition(0, "the filer can be read again", changed(system, replace(world, filer=True)), good=True)
    for one in (row for row in world.rows if row.ssid.endswith("-new")):
        rest = replace(world, rows=tuple(row for row in world.rows if row is not one))
        yield Transition(0, f"whoever made {one.ssid} removes it", changed(system, rest), good=True)
    for volume, rows in world.volumes.items():
        for row in (row for row in rows if row.tags):
            untagged = tuple(replace(one, tags=()) if one is row else one for one in rows)
            label = f"the filer removes the tags of {row.name} on {volume}"
            yield Transition(0, label, changed(system, world.with_volume(volume, untagged)), good=True)


def external_actions(system: System) -> Iterator[Transition]:
    """What others do, and what fails without a command of ours."""
    world = system.world
    if world.database:
        yield Transition(1, "the database goes down", changed(system, replace(world, database=False)))
    if world.filer:
        yield Transition(1, "the filer's lists cannot be read", changed(system, replace(world, filer=False)))
    for place, process in enumerate(system.processes):
        if process.kind == "run" and not process.stop:
            yield Transition(1, f"a signal stops job {process.job}", partial(_stopped, system, place))
    yield from _on_vms(system)
    yield from _on_filer(system)


def _stopped(system: System, place: int, deaths: Deaths | None) -> System:
    active = ActiveProcess(system, place, deaths)
    active.me = replace(active.me, stop=True)
    go_on(active)
    return active.frozen()


def _on_vms(system: System) -> Iterator[Transition]:
    world = system.world
    for vm in sorted({vm.id for vms in system.scene.vms for vm in vms} - world.unregistered):
        new = VmSnapshot(f"foreign-{vm}-new", vm, "Quiesce")
        if new.ssid not in {row.ssid for row in world.rows}:
            more = replace(world, rows=(*world.rows, new)).entered("ambiguous", vm)
            yield Transition(1, f"somebody makes a snapshot Quiesce of vm-{vm}", changed(system, more))
        kept = tuple(row for row in world.rows if row.vm != vm)
        gone = replace(world, rows=kept, unregistered=world.unregistered | {vm})
        yield Transition(1, f"vm-{vm} is unregistered", changed(system, gone))
    for run, vm in world.ours():
        rows = tuple(row for row in world.rows if row.ssid != f"ours-{run}-{vm}")
        taken = replace(world, rows=rows).entered("taken", run, vm)
        yield Transition(1, f"somebody removes run {run}'s snapshot of vm-{vm}", changed(system, taken))


def _on_filer(system: System) -> Iterator[Transition]:
    world = system.world
    for volume, rows in world.volumes.items():
        for row in rows:
            rest = tuple(other for other in rows if other is not row)
            if row.tags:
                continue
            tagged = tuple(replace(one, tags=("busy",)) if one is row else one for one in rows)
            yield Transition(
                1, f"the filer tags {row.name} on {volume}", changed(system, world.with_volume(volume, tagged))
            )
            meddled = replace(world, meddled=True)
            yield Transition(
                1, f"an operator deletes {row.name} on {volume}", changed(system, meddled.with_volume(volume, rest))
            )
            moved = tuple(replace(one, name=f"kept_{row.name}") if one is row else one for one in rows)
            if not row.name.startswith("kept_"):
                yield Transition(
                    1,
                    f"an operator renames {row.name} on {volume}",
                    changed(system, meddled.with_volume(volume, moved)),
                )
