"""Runs tests on the Windows Python in shards, each a pytest of its own, as many at a time as there are prefixes."""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.windows.away import Away
from tests.windows.wine import Windows, seen_from_windows

HUNG = 300
"""Seconds after which one test has hung; the shard then ends with the stacks of its threads."""
ENDLESS = 3600
KILLS = " ".join(
    f"operate/test_guardian.py::test_{name}"
    for name in (
        "after_kill_9_while_quiescing_every_vm_is_released_and_the_log_explains_it",
        "after_kill_9_behind_the_capture_the_vms_are_free_and_the_backup_enters_the_chain",
        "after_a_whole_run_it_ends_silently",
    )
)
"""Runs that are ended by TerminateProcess, which is what `kill` is on Windows, and their guardians."""
CHOSEN: tuple[str, ...] = (
    "backup",
    "site",
    KILLS,
    "config views commands",
    "conformity/test_batch_run.py app/test_import.py end_to_end/test_interrupted.py",
    "operate/test_audit.py operate/test_guardian_decisions.py operate/test_status.py operate/test_run_history.py",
)
"""The tests that CI runs: below tests/, the paths of each shard, longest first."""
WHOLE: tuple[str, ...] = (
    *("end_to_end", "restore", "operate", "backup", "site", "config", "views commands", "app", "conformity"),
    *("lab", "drill", "docs", "hostile explore years year"),
)
"""The first tier, without what talks to real peers."""


@dataclass(frozen=True, slots=True)
class Shard:
    """What became of a shard: each test's skip reason by kind, failures by name, and why it has no report if so."""

    paths: str
    passed: int
    failed: tuple[str, ...]
    skipped: tuple[str, ...]
    seconds: float
    trouble: str
    output: str

    @property
    def good(self) -> bool:
        return not self.failed and not self.trouble and self.passed > 0


def run_shards(
    machines: Sequence[Windows], place: Away, scratch: Path, shards: Sequence[str], ended: Callable[[Shard], None]
) -> list[Shard]:
    """Run all of them; each prefix has one at a time. `ended` is called as each ends."""
    free: queue.SimpleQueue[Windows] = queue.SimpleQueue()
    for machine in machines:
        free.put(machine)

    def one(number: int, paths: str) -> Shard:
        machine = free.get()
        try:
            shard = _run(machine, place, scratch / str(number), paths)
        finally:
            free.put(machine)
        ended(shard)
        return shard

    with ThreadPoolExecutor(len(machines)) as pool:
        return list(pool.map(one, range(len(shards)), shards))


def _run(machine: Windows, place: Away, scratch: Path, paths: str) -> Shard:
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
        environ=place.environ,
    )
    if not report.exists():
        trouble = f"exit code {ended.code}, and no report" if ended.code is not None else f"did not end in {ENDLESS} s"
        return Shard(paths, 0, (), (), ended.seconds, trouble, ended.output)
    passed, failed, skipped = read_report(report)
    trouble = "" if ended.code in (0, 1) else f"exit code {ended.code}"
    return Shard(paths, passed, failed, skipped, ended.seconds, trouble, ended.output)


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
