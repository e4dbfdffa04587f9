"""What looking costs: `python -m tests.benchmarks.plan` prints seconds and memory of `plan` for 1,000 VMs."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from snapall.lab.serve import Lab
from tests.lab.sites import big

COMMAND = """\
import resource, sys
from snapall.cli import main
try:
    main({argv!r})
except SystemExit:
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=sys.stderr)
"""


def measure(*argv: str) -> tuple[float, float]:
    """Seconds from start to end, and MiB at the most."""
    began = time.perf_counter()
    command = [sys.executable, "-c", COMMAND.format(argv=list(argv))]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - began, float(ran.stderr.splitlines()[-1])


def main() -> None:
    """Print the table."""
    print(f"{'command':<28} {'seconds':>8} {'MiB':>6}")
    print("{:<28} {:>8.2f} {:>6.0f}".format("snapall --help", *measure("--help")))
    with tempfile.TemporaryDirectory() as folder, Lab.create(Path(folder) / "lab", big(1000)) as lab:
        for transport in ("rsh", "ssh"):
            config = lab.start("rsh" if transport == "rsh" else "ssh")
            row = measure("plan", "--config", str(config))
            print("{:<28} {:>8.2f} {:>6.0f}".format(f"snapall plan, 1000 VMs, {transport}", *row))
            lab.stop()


if __name__ == "__main__":
    main()
