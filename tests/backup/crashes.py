"""Kills a run at every changing call, before and after it acted, and lets others settle.

`python -m tests.backup.crashes` prints what did not hold, and the counts. Each run is a forked child that dies by
os._exit, so that nothing of it cleans up; the world it leaves is handed back in a file. All in a process of its own,
since a process with threads must not fork.
"""

from __future__ import annotations

import itertools
import os
import pickle
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from snapall.backup.model import FilerSnapshot, Grade, Job, Order, VmSnapshot
from snapall.backup.steps import Outcome, Step
from snapall.errors import Exit
from tests.backup.pretended import JOB, PACE, Act, Stage

FOREIGN = VmSnapshot("snapshot-7", 110, "Quiesce")
WAYS = ("recover", "run", "run without waiting, then recover")


def made(folder: Path, job: Job) -> Stage:
    stage = Stage(folder, job, replace(PACE, parallel=1))
    stage.site.rows.append(FOREIGN)
    for volume in job.volumes:
        stage.site.volumes[volume].insert(1, FilerSnapshot("hourly.0", "hourly"))
    return stage


def run_and_die(stage: Stage, call: int, when: str) -> bool:
    """Run the night in a child that dies at this call; answers whether it came that far."""
    world = stage.state / "world"
    pid = os.fork()
    if pid == 0:
        count = itertools.count(1)

        def fatal(step: Step, act: Act) -> Outcome:
            here = next(count) == call
            if here and when == "before":
                die(stage, world)
            outcome = act(step)
            if here:
                die(stage, world)
            return outcome

        stage.site.fail(lambda step: True, fatal)
        stage.night()
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    if os.waitstatus_to_exitcode(status) == 0:
        return False
    site = stage.site
    site.volumes, site.rows, site.held_at, site._next, site.ledger = pickle.loads(world.read_bytes())
    stage.clock.push(86400 + 30)
    return True


def die(stage: Stage, world: Path) -> None:
    site = stage.site
    world.write_bytes(pickle.dumps((site.volumes, site.rows, site.held_at, site._next, site.ledger)))
    os._exit(9)


def settle(stage: Stage, way: str) -> Exit:
    match way:
        case "recover":
            return stage.recover()
        case "run":
            stage.clock.push(2 * PACE.settle)
            return stage.night().exit
        case _:
            stage.clock.push(-86400)
            stage.night()
            return stage.recover()


def wrong(stage: Stage, way: str) -> Iterator[str]:
    """What does not hold of the world that is left."""
    if stage.site.rows != [FOREIGN]:
        yield f"VM snapshots: {stage.site.rows}"
    if stage.memory.open_runs():
        yield "a journal is still open"
    nights = len(stage.site.held_at)
    for volume in stage.job.volumes:
        dates = stage.dates(volume)
        if dates.get("hourly.0") != "hourly":
            yield "a foreign filer snapshot was touched"
        names = [name for name in stage.names(volume) if name != "hourly.0"]
        allowed = 1 if stage.job.order is Order.PAPER else 0
        lost = [name for name in stage.job.chain if f"old {name}" not in dates.values()]
        turns = max(nights, allowed if way == "recover" else nights + allowed)
        if lost != list(stage.job.chain[len(stage.job.chain) - len(lost) :]) or len(lost) > turns:
            yield f"lost on {volume}: {lost} after {nights} captures"
        newest = dates.get(stage.job.newest, "")
        if newest.startswith("born") and newest.split()[1] not in stage.site.held_at:
            yield f"{stage.job.newest} was never captured"
        order = [dates[name] for name in stage.job.chain if name in dates]
        if order != sorted(order, key=lambda date: age(stage, date)):
            yield f"the chain on {volume} is out of order: {order}"
        if stage.job.order is Order.SAFE and way != "recover" and len(set(names) & set(stage.job.chain)) < 4:
            yield f"the chain on {volume} has a gap: {names}"


def age(stage: Stage, date: str) -> tuple[bool, int]:
    """Newest first: a backup of ours carries the number of its capture, an old one its first name."""
    if date.startswith("old"):
        return True, stage.job.chain.index(date.removeprefix("old "))
    return False, -int(date.rsplit(maxsplit=1)[-1])


def cells() -> Iterator[tuple[Job, str]]:
    for order in Order:
        for volumes in (("v",), ("v", "w")):
            publish = Grade.PARTIAL if order is Order.SAFE else Grade.CRASH_CONSISTENT
            yield replace(JOB, order=order, volumes=volumes, publish=publish), f"{order}, {len(volumes)} volumes"


def main() -> int:
    """Print what did not hold, and the counts; 0 when all held."""
    crashes, bad = 0, 0
    for job, told in cells():
        for way, when in itertools.product(WAYS, ("before", "after")):
            for call in itertools.count(1):
                with tempfile.TemporaryDirectory() as folder:
                    stage = made(Path(folder), job)
                    if not run_and_die(stage, call, when):
                        break
                    crashes += 1
                    code = settle(stage, way)
                    faults = [*wrong(stage, way)]
                    if code not in (Exit.OK, Exit.PARTIAL) or faults:
                        bad += 1
                        print(f"{told}, killed {when} call {call}, then {way}: exit {code}; {'; '.join(faults)}")
                        print("   " + " | ".join(stage.failures))
    print(f"{crashes} crashes, {bad} in which something did not hold")
    return 1 if bad or not crashes else 0


if __name__ == "__main__":
    sys.exit(main())
