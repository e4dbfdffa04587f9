"""Runs the parts on the Windows Python, each a process of its own, as many at a time as there are prefixes."""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.windows.away import Away
from tests.windows.wine import Finished, Windows, seen_from_windows

HUNG = 300
"""Seconds after which one test has hung; the shard then ends with the stacks of its threads."""
ENDLESS = 3600


@dataclass(frozen=True, slots=True)
class Shard:
    """What became of a part: each skip reason, failures by name, and why it has no report if so."""

    name: str
    passed: int
    failed: tuple[str, ...]
    skipped: tuple[str, ...]
    seconds: float
    cpu: float
    trouble: str
    output: str

    @property
    def good(self) -> bool:
        return not self.failed and not self.trouble and self.passed > 0


Part = Callable[[Windows, Path], Shard]
"""It runs in a prefix and has a folder of its own, which is not there yet."""


def run_parts(
    machines: Sequence[Windows], scratch: Path, parts: Sequence[Part], ended: Callable[[Shard], None]
) -> list[Shard]:
    """Run all of them; each prefix has one at a time. `ended` is called as each ends."""
    free: queue.SimpleQueue[Windows] = queue.SimpleQueue()
    for machine in machines:
        free.put(machine)

    def one(number: int, part: Part) -> Shard:
        machine = free.get()
        try:
            shard = part(machine, scratch / str(number))
        finally:
            free.put(machine)
        ended(shard)
        return shard

    with ThreadPoolExecutor(len(machines)) as pool:
        return list(pool.map(one, range(len(parts)), parts))


def of_tests(place: Away, paths: str, name: str = "", **environ: str) -> Part:
    """The part that runs the tests of these paths below tests/."""

    def part(machine: Windows, scratch: Path) -> Shard:
        scratch.mkdir()
        report = scratch / "report.xml"
        ended = machine.run(
            *("-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider"),
            *("-o", f"faulthandler_timeout={HUNG}", "-o", "faulthandler_exit_on_timeout=true"),
            f"--basetemp={seen_from_windows(scratch / 'tmp')}",
            f"--junitxml={seen_from_windows(report)}",
            *(f"tests/{path}" for path in paths.split()),
            cwd=place.folder,
            limit=ENDLESS,
            environ=place.environ | environ,
        )
        if not report.exists():
            return shard_of(name or paths, ended, trouble=f"{_end(ended)}, and no report")
        passed, failed, skipped = read_report(report)
        return shard_of(name or paths, ended, passed, failed, skipped, "" if ended.code in (0, 1) else _end(ended))

    return part


def shard_of(
    name: str,
    ended: Finished,
    passed: int = 0,
    failed: tuple[str, ...] = (),
    skipped: tuple[str, ...] = (),
    trouble: str = "",
) -> Shard:
    """A part's end with what is known of its process."""
    return Shard(name, passed, failed, skipped, ended.seconds, ended.cpu, trouble, ended.output)


def _end(ended: Finished) -> str:
    return "ended at its limit" if ended.code is None else f"exit code {ended.code}"


def read_report(path: Path) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    """How many passed, the names of those that failed, and the reason of each that was left out."""
    passed, failed, skipped = 0, [], []
    for case in ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed.append(f"{case.get('classname')}::{case.get('name')}")
        elif (left_out := case.find("skipped")) is not None:
            skipped.append(left_out.get("message") or "no reason given")
        else:
            passed += 1
    return passed, tuple(failed), tuple(skipped)
