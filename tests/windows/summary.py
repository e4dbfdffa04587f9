"""The closing summary: what ran, what was left out and why, what failed, and what it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.windows.shards import Shard


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds by the clock, and CPU seconds."""

    seconds: float
    cpu: float


def summary(shards: Sequence[Shard], took: Mapping[str, Took], sizes: Mapping[str, int]) -> str:
    """The whole of it as text."""
    passed = sum(shard.passed for shard in shards)
    failed = [name for shard in shards for name in shard.failed]
    reasons = Counter(reason for shard in shards for reason in shard.skipped)
    lines = ["", "== tests on Windows (CPython for Windows under Wine)"]
    lines += map(line_of, shards)
    lines.append(f"left out: {reasons.total()}")
    lines += [f"  {count:5}  {reason}" for reason, count in reasons.most_common()]
    lines += [f"FAILED {name}" for name in failed]
    steps = (f"{step} {used.seconds:.0f} s ({used.cpu:.0f} s of CPU)" for step, used in took.items())
    lines.append("took: " + ", ".join(steps))
    lines.append("holds: " + ", ".join(f"{part} {size / 1e6:.0f} MB" for part, size in sizes.items()))
    run = passed + len(failed)
    lines.append(f"windows: {run} tests run, {passed} passed, {len(failed)} failed, {reasons.total()} left out")
    return "\n".join(lines)


def line_of(shard: Shard) -> str:
    """A part in one line; without a report, the reason."""
    counts = f"{shard.passed:5} passed, {len(shard.failed)} failed, {len(shard.skipped)} left out"
    took = f"{shard.seconds:6.0f} s {shard.cpu:6.0f} s of CPU"
    return f"{took} {counts}  {shard.name}{f': {shard.trouble}' if shard.trouble else ''}"


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder, without following links."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_symlink())
