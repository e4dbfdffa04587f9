"""The table of differences (differences.toml), read strictly: what snapall does otherwise than the batch, and why."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.conformity.observed import Aspect, Lines, Observation, Value, differing
from tests.conformity.recordings import recording

FILE = Path(__file__).with_name("differences.toml")

Key = tuple[str, str, Aspect]
"""Scenario, order, aspect."""


@dataclass(frozen=True, slots=True)
class Row:
    """What snapall does in some scenarios, in one aspect. `expect` is that for one night, or for each."""

    scenarios: Lines
    orders: Lines
    aspect: Aspect
    expect: Value

    def value(self, scenario: str) -> Value:
        """The expected value: one that is given once holds for every night."""
        parts = len(recording(scenario).seen)
        return self.expect * parts if len(self.expect) == 1 else self.expect


@dataclass(frozen=True, slots=True)
class Difference:
    """One reason to differ. `defect` is the number of the batch's defect, 0 for a choice of snapall's own."""

    title: str
    defect: int
    batch: str
    snapall: str
    why: str
    rows: tuple[Row, ...]


@cache
def differences() -> tuple[Difference, ...]:
    """The whole table, defects first."""
    facts = tomllib.loads(FILE.read_text(encoding="utf-8"))
    blocks = facts.pop("blocks")
    (found,) = (facts.pop("difference"),)
    assert not facts
    return tuple(_difference(one, blocks) for one in found)


def expected() -> dict[Key, Value]:
    """Every row taken apart, by what it is about."""
    found: dict[Key, Value] = {}
    for key, value in _atoms():
        assert key not in found, f"stated twice: {key}"
        found[key] = value
    return found


def _atoms() -> Iterator[tuple[Key, Value]]:
    for row in (row for one in differences() for row in one.rows):
        for scenario in row.scenarios:
            for order in row.orders:
                yield (scenario, order, row.aspect), row.value(scenario)


def observed(scenario: str, order: str, recorded: Observation, performed: Observation) -> dict[Key, Value]:
    """The differences that are there."""
    return {(scenario, order, aspect): value for aspect, value in differing(recorded, performed).items()}


def faults(found: Mapping[Key, Value], stated: Mapping[Key, Value]) -> list[str]:
    """Where the table and what was observed do not agree, whichever of them has more."""
    return [
        f"{' '.join(key)}: observed {found.get(key, 'nothing')}, stated {stated.get(key, 'nothing')}"
        for key in sorted(found.keys() | stated.keys())
        if found.get(key) != stated.get(key)
    ]


def _difference(facts: Mapping[str, Any], blocks: Mapping[str, Sequence[str]]) -> Difference:
    rest = dict(facts)
    rows = tuple(_row(one, blocks) for one in rest.pop("row", ()))
    return Difference(rows=rows, **rest)


def _row(facts: Mapping[str, Any], blocks: Mapping[str, Sequence[str]]) -> Row:
    expect = facts["expect"]
    assert set(facts) == {"scenarios", "orders", "aspect", "expect"}, facts
    parts = expect if any(isinstance(one, list) for one in expect) else [expect]
    value = tuple(tuple(_spelt(part, blocks)) for part in parts)
    return Row(tuple(facts["scenarios"]), tuple(facts["orders"]), Aspect(facts["aspect"]), value)


def _spelt(lines: Sequence[str], blocks: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The lines, a `@name` written out."""
    for line in lines:
        if line.startswith("@"):
            yield from _spelt(blocks[line[1:]], blocks)
        else:
            yield line
