"""`python -m tests.windows [--whole] [PATH ...]`: build, run every part, and report.

PATHs below tests/ select tests; --whole runs the first tier and every scenario of the batch. Exits with 1 when a part
fails, or a peer is missing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.windows import PEERS
from tests.windows.away import ROOT, away
from tests.windows.build import COMPILER, built, cache
from tests.windows.selection import parts_of
from tests.windows.shards import Shard, run_parts
from tests.windows.summary import Took, line_of, size_of, summary
from tests.windows.wine import end_prefix

AT_A_TIME = 2
LOCK = ROOT / "requirements-dev.txt"


@dataclass(slots=True)
class Stopwatch:
    """Prints each step as it begins, and keeps what it took."""

    took: dict[str, Took] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        print(f"-- {name}", flush=True)
        started, used = time.monotonic(), _cpu()
        yield
        self.took[name] = Took(time.monotonic() - started, _cpu() - used)


def _cpu() -> float:
    """CPU seconds of this process and of its children that have ended."""
    return sum(os.times()[:4])


def main(argv: Sequence[str]) -> int:
    """Run all of it; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.windows", description=__doc__)
    parser.add_argument("--whole", action="store_true", help="run the first tier, not only the tests that CI runs")
    parser.add_argument("paths", nargs="*", help="run these tests only: paths below tests/")
    options = parser.parse_args(argv)
    if absent := [name for name in ("wine", "wineboot", COMPILER) if shutil.which(name) is None]:
        print(f"windows: nothing ran: {', '.join(absent)} missing. As root: apt-get install {' '.join(PEERS)}")
        return 1
    cache().mkdir(parents=True, exist_ok=True)  # a folder that nobody else may write; /dev/shm would not be trusted
    with tempfile.TemporaryDirectory(prefix="work-", dir=cache()) as work:
        return _all(Path(work), options.paths, whole=options.whole)


def _all(work: Path, paths: Sequence[str], *, whole: bool) -> int:
    watch = Stopwatch()
    with watch.step("build"):
        windows, made = built(LOCK)
        print(f"{'built' if made else 'kept from an earlier build'}: {windows.folder}")
    with watch.step("wheel and tests"):
        parts = parts_of(away(work), work, paths, whole=whole)
    with tempfile.TemporaryDirectory(prefix="prefixes-", dir=windows.folder.parent) as prefixes:
        machines = [windows.copied(Path(prefixes) / str(number)) for number in range(AT_A_TIME)]
        try:
            with watch.step("parts"):
                done = run_parts(machines, work, parts, _show)
        finally:
            for machine in machines:
                end_prefix(machine.prefix)
    sizes = {"Python": size_of(windows.python.parent), "prefix": size_of(windows.prefix)}
    print(summary(done, watch.took, sizes))
    return 0 if done and all(shard.good for shard in done) else 1


def _show(shard: Shard) -> None:
    """A line for each part as it ends; what it printed, if it is not good."""
    print(line_of(shard), *([] if shard.good else [shard.output[-20_000:]]), sep="\n", flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # or the temporary folders stay
    try:
        sys.exit(main(sys.argv[1:]))
    except subprocess.CalledProcessError as error:
        print(f"windows: nothing ran: {error}")
        sys.exit(1)
