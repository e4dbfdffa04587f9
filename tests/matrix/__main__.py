"""The kill matrix: `python -m tests.matrix` prints its counts; `--quick` tries a twentieth of it, `--full` all.

`--every N` tries one cell in N: choose an N that 2 and 3 do not divide, for the cells of one call come in twos and
threes, one for each who settles it or for each damage.

Two VMs of our own and a foreign one; both orders; every call over rsh, and those that reach the filer over ssh too;
two volumes and four calls at a time at fewer times. `--full` strikes all of them at every time.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from snapall.backup.model import Grade, Job, Order, chain_names
from snapall.drill import scores
from snapall.drill.cells import FAULTS, KILLS, QUICK, Aftermath, Extent, StrikeTime, System
from snapall.drill.trials import Trial, drill

VOLUME, STORE, CHAIN = "vmvol1", 688, chain_names("vmware", 4)
SAFE = Job("one-volume", "filer1", (VOLUME,), (STORE,), CHAIN)
TWO = replace(SAFE, name="two-volumes", volumes=(VOLUME, "vmvol2"))
MANY = replace(SAFE, name="four-at-a-time", datastores=(STORE, 689))
AFTER = replace(QUICK, times=(StrikeTime.AFTER, StrikeTime.LATE), systems=(System.VCB, System.FILER))
SSH = Extent((*KILLS, *FAULTS), cuts=(), aftermaths=(Aftermath.RECOVER,), systems=(System.FILER,))


def paper(job: Job) -> Job:
    """The same in the batch's order."""
    return replace(job, order=Order.PAPER, publish=Grade.CRASH_CONSISTENT)


def trials(extent: str) -> list[Trial]:
    """What is tried, by the option that asks for it."""
    one, two = (SAFE, paper(SAFE)), (TWO, paper(TWO))
    match extent:
        case "--quick":
            return [Trial(job, 1, "rsh", AFTER) for job in one]
        case "--full":
            whole = Extent(pairs=100)
            sites = [Trial(job, 1, transport, whole) for job in (*one, *two) for transport in ("rsh", "ssh")]
            return [*sites, Trial(MANY, 4, "rsh", whole), Trial(paper(MANY), 4, "ssh", whole)]
        case _:
            rsh, ssh = (
                [Trial(job, 1, "rsh", Extent(pairs=40)) for job in one],
                [Trial(job, 1, "ssh", SSH) for job in one],
            )
            return [*rsh, *ssh, *(Trial(job, 1, "rsh", AFTER) for job in two), Trial(MANY, 4, "rsh", AFTER)]


def main(argv: Sequence[str]) -> int:
    """Run it; 0 when every cell was reached and kept every promise."""
    parser = argparse.ArgumentParser(prog="python -m tests.matrix")
    extents = parser.add_mutually_exclusive_group()
    for name in ("--quick", "--full"):
        extents.add_argument(name, dest="extent", action="store_const", const=name, default="")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="try one cell in N")
    parser.add_argument("--until", metavar="PROMISE", help="stop at the first cell that breaks this promise")
    asked, began, results = parser.parse_args(argv), time.monotonic(), []
    chosen = [replace(one, extent=replace(one.extent, every=asked.every)) for one in trials(asked.extent)]
    with closing(drill(chosen)) as drilled:
        for one in drilled:
            results.append(one)
            if any(finding.broken == asked.until for finding in one.findings):
                break
    for line in [*scores.troubles(results), *scores.table(results), scores.verdict(results)]:
        print(line)
    print(f"{time.monotonic() - began:.0f} s")
    return 0 if scores.Counts.of(results).kept and all(one.reached for one in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
