"""How long VMs stay quiesced: `python -m tests.benchmarks.window` prints two tables, and asserts nothing.

Each row is a whole run on the lab, by ssh and with its guardian, in a process of its own. Up to 54 VMs every call is a
program that is started; above, the calls are sleeps in that process. All creates take as long, and so do all
removals; what snapall itself takes is not scaled.

window       seconds from the first quiesce sent to the last removal answered
ideal        the best schedule of the same calls as they were recorded, from sent to answered (the start-up of the
             programs included): the creates on `parallel` places; twice the filer's own time, for the capture and its
             confirmation; the removals likewise. Connecting to the filer is no part of it.
batch        the calls one after the other, as they were recorded with the least `parallel` of the size
to capture   from the last quiesce answered to the filer's taking of `snap create`, as its ledger says; ms
to release   from the confirmation to the first removal sent; ms
total, CPU, memory   of snapall itself from its survey to its report, without the programs that it starts; its
             guardian, another process, is not counted
filer        connections to the filer, and of these the ones opened while VMs were quiesced; database: the same
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from snapall.backup.clock import SystemClock
from snapall.backup.journal import Journal, journals
from snapall.backup.state import fold
from snapall.lab.faults import Fault, FaultKind
from snapall.lab.serve import Lab
from tests.benchmarks.schedule import Call, Run
from tests.lab.sites import big

CREATE, REMOVE, FILER = 3.0, 5.0, 1.0  # seconds; of a site, before they are scaled
MOST_PROGRAMS = 54


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """One run, from outside."""

    vms: int
    run: Run
    seconds: float
    cpu: float
    mib: float
    to_capture: float
    filer: list[float] = field(repr=False)  # when connections were opened
    database: list[float] = field(repr=False)

    @property
    def row(self) -> str:
        """A line of the table, but for the batch's pace."""
        run = self.run
        return (
            f"{self.vms:>5} {run.parallel:>8} {run.window:>8.2f} {run.ideal:>7.2f} {run.window / run.ideal:>6.3f}"
            f" {1000 * self.to_capture:>10.0f} {1000 * run.before_release:>10.1f}"
            f" {self.seconds:>7.2f} {self.cpu:>6.2f} {self.mib:>4.0f}"
            f" {self._opened(self.filer):>8} {self._opened(self.database):>8}"
        )

    def _opened(self, moments: Sequence[float]) -> str:
        began, ended = self.run.of("Quiesce")[0].began, max(call.ended for call in self.run.of("Release"))
        return f"{len(moments)} ({sum(began <= at <= ended for at in moments)})"


HEAD = (
    f"{'VMs':>5} {'parallel':>8} {'window':>8} {'ideal':>7} {'ratio':>6} {'to capture':>10} {'to release':>10}"
    f" {'total':>7} {'CPU':>6} {'MiB':>4} {'filer':>8} {'database':>8} {'batch':>8} {'times':>6}"
)


def measure(vms: int, parallel: int, scale: float) -> MeasuredRun:
    """One run. The filer and VirtualCenter work in this process, snapall in another."""
    create, remove, filer = CREATE * scale, REMOVE * scale, FILER * scale
    awake = vms <= MOST_PROGRAMS
    with (
        tempfile.TemporaryDirectory() as folder,
        Lab.create(Path(folder) / "lab", big(vms).having(filer_seconds=filer)) as lab,
    ):
        if awake:
            slow = (("create", create), ("delete", remove))
            lab.world.add_faults(
                *(Fault(f"vcbsnapshot {on}", FaultKind.SLOW, times=0, seconds=one) for on, one in slow)
            )
        lab.world.add_faults(Fault("login", FaultKind.SLOW, times=0))  # harmless: the ledger notes each connection
        config = _unhurried(lab.start("ssh", parallel=parallel))
        words = [] if awake else [str(create), str(remove)]
        command = [sys.executable, "-m", "tests.benchmarks.seam", str(config), *words]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        measured = json.loads(ran.stdout)
        if measured["exit"] != 0:
            raise SystemExit(f"the run ended with {measured['exit']}:\n{ran.stderr}")
        run = Run(tuple(Call(**call) for call in measured["calls"]), parallel, filer)
        ledger = lab.world.ledger()
        taken = next(one.at.timestamp() for one in ledger.filer if one.verb == "snap create")
        logins = [one.at.timestamp() for one in ledger if one.system == "filer" and not one.command]
    to_capture = taken - run.quiesced_seconds
    return MeasuredRun(
        vms, run, measured["seconds"], measured["cpu"], measured["mib"], to_capture, logins, measured["opened"]
    )


def _unhurried(config: Path) -> Path:
    text = config.read_text()
    assert "max_quiesced = 120\n" in text
    config.write_text(text.replace("max_quiesced = 120\n", "max_quiesced = 3600\n"))
    return config


def start_up() -> list[tuple[str, float]]:
    """Seconds from the start of a command to its end, of a run to the intent of its first quiesce."""
    found = []
    with tempfile.TemporaryDirectory() as folder, Lab.create(Path(folder) / "lab", big(25)) as lab:
        config = lab.start("ssh")
        for argv in (["--help"], ["plan", "--config", str(config)]):
            began = _ran(argv)
            found.append((argv[0], time.time() - began))
        began = _ran(["run", "--config", str(config)])
        journal = Journal.open(journals(lab.directory / "snapall.state" / "journals")[0], SystemClock())
        quiesced = fold(journal.records).quiesced_at
        assert quiesced is not None
        found.append(("run, up to its first quiesce", quiesced.timestamp() - began))
    return found


def _ran(argv: Sequence[str]) -> float:
    """Run a command of snapall; answers when it was started."""
    began = time.time()
    subprocess.run([sys.executable, "-m", "snapall", *argv], capture_output=True, check=True)
    return began


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.window")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 25, 54, 250, 1000], metavar="VMS")
    parser.add_argument("--parallels", type=int, nargs="+", default=[1, 4, 8], metavar="N")
    parser.add_argument("--scale", type=float, default=0.2, help="of the seconds, where programs are started")
    parser.add_argument("--small-scale", type=float, default=0.02, help="the same, where the calls are sleeps")
    chosen = parser.parse_args(argv)
    measured = f"creates of {CREATE:g} s, removals of {REMOVE:g} s, a filer's command {FILER:g} s"
    print(f"{measured}: times {chosen.scale:g}, above {MOST_PROGRAMS} VMs times {chosen.small_scale:g}\n\n{HEAD}")
    for vms in chosen.sizes:
        batch = 0.0
        for parallel in sorted(chosen.parallels):
            seen = measure(vms, parallel, chosen.scale if vms <= MOST_PROGRAMS else chosen.small_scale)
            batch = batch or seen.run.batch
            print(f"{seen.row} {batch:>8.2f} {batch / seen.run.window:>6.1f}", flush=True)
    print("\nstart-up, 25 VMs")
    for name, seconds in start_up():
        print(f"{name:<30} {seconds:>6.2f} s")


if __name__ == "__main__":
    main()
