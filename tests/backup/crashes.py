"""Kills a run at every changing call, before and after it acted, or cuts its power there, and lets others settle.

`python -m tests.backup.crashes` prints what did not hold, and the counts. Each run is a forked child that dies by
os._exit, so that nothing of it cleans up; the world it leaves is handed back in a file. The power is also cut at every
fsync, just before what it syncs is durable. All in a process of its own, since a process with threads must not fork.
"""

from __future__ import annotations

import itertools
import os
import pickle
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from snapall.backup.model import FilerSnapshot, Grade, Job, Order, VmSnapshot
from snapall.backup.steps import Outcome, Step
from snapall.drill.disk import Damage, DurableFolder
from snapall.errors import Exit
from tests.backup.simulated import JOB, PACE, Act, Stage

FOREIGN = VmSnapshot("snapshot-7", 110, "Quiesce")
WAYS = ("recover", "run", "run without waiting, then recover")
WHEN = ("before call", "after call", "before sync")


def made(folder: Path, job: Job) -> Stage:
    stage = Stage(folder / "state" / "of the job", job, replace(PACE, parallel=1))
    stage.site.rows.append(FOREIGN)
    for volume in job.volumes:
        stage.site.volumes[volume].insert(1, FilerSnapshot("hourly.0", "hourly"))
    return stage


def run_and_die(stage: Stage, number: int, when: str, damage: Damage | None) -> bool:
    """Run the night in a child that dies at this call, or sync; answers whether it came that far."""
    world = stage.state.parents[1] / "world"
    pid = os.fork()
    if pid == 0:
        disk = DurableFolder.of(stage.state.parent)
        count = itertools.count(1)

        def fatal(step: Step, act: Act) -> Outcome:
            here = next(count) == number
            if here and when == "before call":
                die(stage, world, disk, damage)
            outcome = act(step)
            if here:
                die(stage, world, disk, damage)
            return outcome

        def unsynced() -> None:
            if when == "before sync" and next(count) == number:
                die(stage, world, disk, damage)

        disk.listen(before=unsynced)
        if when != "before sync":
            stage.site.fail(lambda step: True, fatal)
        stage.night()
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    if os.waitstatus_to_exitcode(status) == 0:
        return False
    site = stage.site
    site.volumes, site.rows, site.quiesced_at, site._next, site.ledger = pickle.loads(world.read_bytes())
    stage.clock.push(86400 + 30)
    return True


def die(stage: Stage, world: Path, disk: DurableFolder, damage: Damage | None) -> None:
    site = stage.site
    world.write_bytes(pickle.dumps((site.volumes, site.rows, site.quiesced_at, site._next, site.ledger)))
    if damage is not None:
        disk.cut(damage)
    os._exit(9)


def settle(stage: Stage, way: str, when: str) -> Exit:
    match way:
        case "recover":
            return stage.recover()
        case "run":
            stage.clock.push(2 * PACE.settle)
            code = stage.night().exit
            # A create that was never sent: only who waits since the takeover knows that nothing comes of it.
            unsent = code is Exit.OUTSTANDING and stage.site.rows == [FOREIGN] and when != "after call"
            return stage.recover() if unsent else code
        case _:
            stage.clock.push(-86400)
            stage.night()
            return stage.recover()


def wrong(stage: Stage, way: str) -> Iterator[str]:
    """What does not hold of the world that is left."""
    if stage.site.rows != [FOREIGN]:
        yield f"VM snapshots: {stage.site.rows}"
    if stage.store.open_runs():
        yield "a journal is still open"
    nights = len(stage.site.quiesced_at)
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
        if newest.startswith("born") and newest.split()[1] not in stage.site.quiesced_at:
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


Death = tuple[str, Damage | None, str]  # when, what becomes of the unsynced if the power is cut, and who settles


def deaths() -> Iterator[Callable[[int], Death]]:
    """What a run dies of at its nth call, or sync. Of power cuts each has one damage and one way, in turn."""
    for way, when in itertools.product(WAYS, WHEN[:2]):
        yield lambda _, way=way, when=when: (when, None, way)  # type: ignore[misc]
    for when in WHEN[1:]:
        yield lambda n, when=when: (when, tuple(Damage)[n % 3], WAYS[n % 2])  # type: ignore[misc]


def main() -> int:
    """Print every broken promise, and the counts; return 0 when there is none."""
    counts, bad = Counter[str](), 0
    for (job, label), death in itertools.product(cells(), deaths()):
        for number in itertools.count(1):
            when, damage, way = death(number)
            with tempfile.TemporaryDirectory() as folder:
                stage = made(Path(folder), job)
                if not run_and_die(stage, number, when, damage):
                    break
                counts["power cuts" if damage else "crashes"] += 1
                code = settle(stage, way, when)
                faults = [*wrong(stage, way)]
                if code not in (Exit.OK, Exit.PARTIAL) or faults:
                    bad += 1
                    cut = f" by a power cut, the unsynced {damage}" if damage else ""
                    print(f"{label}, killed {when} {number}{cut}, then {way}: exit {code}; {'; '.join(faults)}")
                    print("   " + " | ".join(stage.failures))
    print(f"{counts['crashes']} crashes, {counts['power cuts']} power cuts, {bad} in which something did not hold")
    return 1 if bad or len(counts) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
