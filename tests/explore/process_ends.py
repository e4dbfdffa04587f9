"""How processes end before their time, and who comes after them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from snapall.backup.state import fold
from snapall.backup.steps import Quiesce
from tests.explore.owners import KINDS, start
from tests.explore.quick import replace
from tests.explore.system import Deaths, System, Transition, killed

MOST_PROCESSES = 3  # and one more for each further job
UNHEARD_OF = 99  # faults that no exploration allows


def ends(system: System) -> Iterator[Transition]:
    """A process is killed, or the power fails for all of them."""
    for place, process in enumerate(system.processes):
        yield Transition(1, f"{process.kind} is killed", partial(_killed, system, place))
    if system.processes:
        journals = system.journals
        losses = max((len(one.tail) for one in journals), default=0)
        for lost in range(losses + 1):
            label = f"the power fails, and the last {lost} lines are lost" if lost else "the power fails"
            yield Transition(1, label, partial(_power_fails, system, lost))


def _killed(system: System, place: int, _: Deaths | None) -> System:
    return killed(system, place)


def _power_fails(system: System, lost: int, _: Deaths | None) -> System:
    while system.processes:
        system = killed(system, 0)
    world = system.world
    for one in world.commands:
        until = one.until
        if isinstance(one.step, Quiesce) and until is None:
            until = world.now + int(world.scene.pace.settle)
        world = world.with_command(replace(one, running=False, until=until))
    journals = []
    for journal in system.journals:
        kept = fold(journal.tail[: max(0, len(journal.tail) - lost)], journal.synced)
        journals.append(replace(journal, live=kept, disk=kept, synced=kept, tail=()))
    return replace(system, world=world, journals=tuple(journals))


def owners(system: System) -> Iterator[Transition]:
    """A run, or recover, begins."""
    many = UNHEARD_OF if system.started >= MOST_PROCESSES + len(system.scene.jobs) - 1 else 0
    at_work = {one.job if one.kind == "run" else -1 for one in system.processes}
    for job, one in enumerate(system.scene.jobs):
        due = [run for run, journal in enumerate(system.journals) if journal.job == job]
        begun = bool(due)
        open_ = any(not system.journals[run].closed for run in due)
        if job not in at_work and -1 not in at_work and (open_ or not begun):
            yield Transition(many, f"job {one.name} is run", partial(start, system, "run", job))
    if any(not one.closed for one in system.journals) and not system.processes:
        for kind in ("recover", "no-wait"):
            yield Transition(many, f"{KINDS[kind]} begins", partial(start, system, kind, -1), good=kind == "recover")
