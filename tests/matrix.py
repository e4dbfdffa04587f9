"""The kill matrix: `python -m tests.matrix` prints its counts; `--quick` tries a tenth of it, `--full` all.

Two VMs of our own and a foreign one; both orders; every call over rsh, and those that reach the filer over ssh too.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from snapall.backup.model import Grade, Job, Order, chain_names
from snapall.drill import report
from snapall.drill.cells import FAULTS, KILLS, QUICK, Aftermath, Extent, Moment, System
from snapall.drill.trials import Trial, drill

JOB = Job("vol1", "filer1", ("vmvol1",), (688,), chain_names("vmware", 4))
PAIRS = 40
QUICKLY = replace(QUICK, moments=(Moment.AFTER, Moment.LATE), systems=(System.VCB, System.FILER))


def trials(extent: str) -> list[Trial]:
    """What is tried, by the option that asks for it."""
    safe, paper = JOB, replace(JOB, order=Order.PAPER, publish=Grade.CRASH_CONSISTENT)
    two = replace(JOB, volumes=("vmvol1", "vmvol2"))
    match extent:
        case "--quick":
            return [Trial(job, 1, job.order.value, "rsh", QUICKLY) for job in (safe, paper)]
        case "--full":
            whole = Extent(pairs=400)
            jobs = (safe, paper, two, replace(two, order=Order.PAPER, publish=Grade.CRASH_CONSISTENT))
            sites = [Trial(job, 1, job.order.value, transport, whole) for job in jobs for transport in ("rsh", "ssh")]
            return [*sites, Trial(safe, 4, "safe", "rsh", whole)]
        case _:
            ssh = Extent((*KILLS, *FAULTS), (Aftermath.RECOVER,), (System.FILER,))
            return [
                trial
                for job in (safe, paper)
                for trial in (
                    Trial(job, 1, job.order.value, "rsh", Extent(pairs=PAIRS)),
                    Trial(job, 1, job.order.value, "ssh", ssh),
                )
            ]


def main(argv: Sequence[str]) -> int:
    """Play it; 0 when every promise held in every cell, and every cell was reached."""
    began = time.monotonic()
    played = drill(trials("".join(argv)))
    for line in [*report.troubles(played), *report.table(played), report.verdict(played)]:
        print(line)
    print(f"{time.monotonic() - began:.0f} s")
    return 0 if report.Counts.of(played).held and all(one.reached for one in played) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
