"""`python -m tests.windows [--whole] [PATH ...]`: build, run the demo and the tests, and report.

PATHs below tests/ select tests; --whole runs the first tier. Exits with 1 when anything fails or a peer is missing.
"""

from __future__ import annotations

import argparse
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
from tests.windows.away import ROOT, Away, away
from tests.windows.build import COMPILER, built
from tests.windows.shards import CHOSEN, WHOLE, Shard, run_shards
from tests.windows.summary import line_of, size_of, summary
from tests.windows.wine import Windows, end_prefix

AT_A_TIME = 2
DEMO_LIMIT = 600  # seconds; alone it takes half a minute
LOCK = ROOT / "requirements-dev.txt"


@dataclass(slots=True)
class Stopwatch:
    """Prints each part as it begins, and keeps its seconds."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        print(f"-- {name}", flush=True)
        started = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - started


def main(argv: Sequence[str]) -> int:
    """Run all of it; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.windows", description=__doc__)
    parser.add_argument("--whole", action="store_true", help="run the first tier, not only the tests that CI runs")
    parser.add_argument("paths", nargs="*", help="run these tests only: paths below tests/")
    options = parser.parse_args(argv)
    if absent := [name for name in ("wine", "wineboot", COMPILER) if shutil.which(name) is None]:
        print(f"windows: nothing ran: {', '.join(absent)} missing. As root: apt-get install {' '.join(PEERS)}")
        return 1
    with tempfile.TemporaryDirectory(prefix="snapall-windows-", dir=_roomy()) as work:
        return _all(Path(work), options.paths or (WHOLE if options.whole else CHOSEN))


def _roomy() -> Path | None:
    """Memory for the files of the tests, as tests/conftest.py has it; prefixes go to the disk."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() else None


def _all(work: Path, shards: Sequence[str]) -> int:
    watch = Stopwatch()
    with watch.part("build"):
        windows, made = built(LOCK)
        print(f"{'built' if made else 'kept from an earlier build'}: {windows.folder}")
    with watch.part("wheel and tests"):
        place = away(work)
    with tempfile.TemporaryDirectory(prefix="prefixes-", dir=windows.folder.parent) as prefixes:
        machines = [windows.copied(Path(prefixes) / str(number)) for number in range(AT_A_TIME)]
        try:
            with watch.part("demo"):
                shown = _demo(machines[0], place, work)
            with watch.part("tests"):
                done = run_shards(machines, place, work, shards, _show)
        finally:
            for machine in machines:
                end_prefix(machine.prefix)
    sizes = {"Python": size_of(windows.python.parent), "prefix": size_of(windows.prefix)}
    print(summary(done, watch.seconds, sizes))
    return 0 if shown and done and all(shard.good for shard in done) else 1


def _show(shard: Shard) -> None:
    """A line for each shard as it ends; what pytest printed, if it is not good."""
    print(line_of(shard), *([] if shard.good else [shard.output[-20_000:]]), sep="\n", flush=True)


def _demo(machine: Windows, place: Away, work: Path) -> bool:
    """`snapall demo`, judged by its exit code and by the lab's ledger, which it prints."""
    folder = work / "demo"
    folder.mkdir()
    ended = machine.run("-m", "snapall", "demo", "--fast", cwd=folder, limit=DEMO_LIMIT, environ=place.environ)
    good = ended.code == 0 and "0 VMs are still quiesced" in ended.output
    print("\n".join(ended.output.splitlines()[-(9 if good else 60) :]))
    return good


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # or the temporary folders stay
    try:
        sys.exit(main(sys.argv[1:]))
    except subprocess.CalledProcessError as error:
        print(f"windows: nothing ran: {error}")
        sys.exit(1)
