"""What the engine itself costs: `python -m tests.benchmarks.engine` prints a table, and asserts nothing.

The site answers after sleeps in this process. The ideal is the best schedule of the calls' recorded durations on
`parallel` places, longest first, for the creates and then for the removals, with the capture and its proof between.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from snapall.backup.clock import SystemClock
from snapall.backup.facts import Answered, Intent
from snapall.backup.means import Means
from snapall.backup.memory import Memory
from snapall.backup.model import FilerSnapshot, Pace, Vm
from snapall.backup.run import Night
from snapall.backup.steps import Capture, Child, Outcome, Quiesce, Release, Step
from tests.backup.pretended import CHAIN, JOB, PretendedClock, PretendedSite
from tests.benchmarks.schedule import best

CREATE, REMOVE, FILER = 0.020, 0.030, 0.005  # seconds, scaled down from 3 s, 5 s and 1 s alike


@dataclass
class SleepingSite(PretendedSite):
    """A pretended site that takes its time."""

    naps: dict[type[Step], float] = field(default_factory=lambda: {Quiesce: CREATE, Release: REMOVE})

    def perform(self, step: Step, on_start: Callable[[Child], None]) -> Outcome:
        time.sleep(self.naps.get(type(step), FILER))
        return super().perform(step, on_start)

    def listing(self, volume: str) -> tuple[FilerSnapshot, ...]:
        time.sleep(FILER)
        return super().listing(volume)


def measure(vms: int, parallel: int) -> tuple[float, float, float, float]:
    """Seconds: the window, its ideal, the batch's sequential pace, and the processor's time for a VM."""
    with tempfile.TemporaryDirectory() as folder:
        site = SleepingSite(PretendedClock(), [Vm(100 + n, f"vm{n}") for n in range(vms)])
        site.volumes["v"] = [FilerSnapshot(name, name) for name in CHAIN]
        clock = SystemClock()
        memory = Memory(Path(folder), clock)
        means = Means(site, clock, lambda _: None, lambda: False)
        cpu = time.process_time()
        report = Night(JOB, Pace(parallel, 60, 60, 60), means, memory).run()
        cpu = time.process_time() - cpu
        newest = memory.newest(JOB.name)
        facts = newest.facts if newest is not None else ()
    steps = {noted.fact.n: noted.fact.step for noted in facts if isinstance(noted.fact, Intent)}
    took: dict[type[Step], list[float]] = {Quiesce: [], Release: [], Capture: []}
    for noted in facts:
        if isinstance(noted.fact, Answered):
            took.setdefault(type(steps[noted.fact.n]), []).append(noted.fact.seconds)
    between = sum(took[Capture]) + FILER
    ideal = best(took[Quiesce], parallel) + between + best(took[Release], parallel)
    return report.window, ideal, sum(took[Quiesce]) + between + sum(took[Release]), cpu / vms


def main() -> None:
    """Print the table."""
    print(f"{'VMs':>5} {'parallel':>8} {'window s':>9} {'ideal s':>8} {'ratio':>6} {'batch s':>8} {'CPU ms/VM':>10}")
    for vms in (10, 54, 250, 1000):
        for parallel in (1, 4, 8):
            window, ideal, batch, cpu = measure(vms, parallel)
            row = f"{vms:>5} {parallel:>8} {window:>9.2f} {ideal:>8.2f} {window / ideal:>6.2f} {batch:>8.2f}"
            print(f"{row} {1000 * cpu:>10.2f}")


if __name__ == "__main__":
    main()
