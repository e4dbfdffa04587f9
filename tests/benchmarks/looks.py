"""What looking back costs: `python -m tests.benchmarks.looks` times `status` and `stats` on 400 journals.

Each is timed with the journals as a run leaves them, and with journals whose last line sums nothing up.
"""

from __future__ import annotations

import re
import tempfile
from datetime import timedelta
from pathlib import Path

from snapall.backup.journal import journals
from snapall.backup.model import Vm, stamp_of
from snapall.config.load import load
from snapall.lab.serve import Lab
from tests.backup.simulated import START, Stage
from tests.benchmarks.plan import measure
from tests.lab.sites import batch
from tests.operate.slow_runs import slow_stage

COUNT = 400
VMS = 54


def fill(stage: Stage, count: int) -> int:
    """Write the journals of so many nights, all alike but for their stamps; answers the bytes of one."""
    stage.site.vms = [Vm(n, f"vm{n:03}", f"esx{n % 7}") for n in range(1, VMS + 1)]
    stage.night()
    (path,) = journals(stage.store.folder)
    text, stamp = path.read_text(), path.stem.rpartition("-")[2]
    for night in range(1, count):
        other = stamp_of(START - timedelta(days=night))
        copy = path.with_name(path.name.replace(stamp, other))
        copy.touch(mode=0o600)
        copy.write_text(text.replace(stamp, other))
    return len(text)


def without_summaries(folder: Path) -> None:
    """Leave the reports as a version wrote them that did not sum up."""
    for path in journals(folder):
        path.write_text(re.sub(r', "summary": .*\}\n\Z', "}\n", path.read_text()))


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder, Lab.create(Path(folder) / "lab", batch()) as lab:
        config = lab.start("rsh")
        settings = load(config)
        stage = slow_stage(settings.state)
        stage.job = settings.jobs["vol1"]
        stage.site.volumes = {volume: [] for volume in stage.job.volumes}
        size = fill(stage, COUNT)
        print(f"{COUNT} journals of {VMS} VMs, {size / 1024:.0f} KiB each")
        print(f"{'command':<24} {'summed up, s':>14} {'folded, s':>14}")
        commands = (("status",), ("stats", "--last", str(COUNT)))
        short = [measure(*one, "--config", str(config))[0] for one in commands]
        without_summaries(stage.store.folder)
        long = [measure(*one, "--config", str(config))[0] for one in commands]
        for one, quick, slow in zip(commands, short, long, strict=True):
            print(f"{' '.join(one):<24} {quick:>14.2f} {slow:>14.2f}")
        lab.stop()


if __name__ == "__main__":
    main()
