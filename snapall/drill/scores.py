"""The results of the cells: counts, a table, a verdict, and every broken promise."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from snapall.drill.cellrun import CellResult
from snapall.drill.verdict import Broken
from snapall.errors import Exit
from snapall.views.json_root import root
from snapall.views.tables import table_lines

_OTHER = frozenset(Broken) - {Broken.VM, Broken.LOST}
_KINDS = ("crashes", "power cuts", "faults")
_RACE = "the run ended before that call"
_ENOUGH = 0.9  # the share of the cells that must have been run for a verdict
_HEAD = ("cells", "VMs left", "backups lost", "other")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many cells were run, how many were not (`missed`), and how many broke a promise."""

    cells: int
    vms: int
    lost: int
    other: int
    missed: int

    @classmethod
    def of(cls, results: Iterable[CellResult]) -> Counts:
        """Count; a cell that was not reached is only missed."""
        ones = list(results)
        found = [{finding.broken for finding in one.findings} for one in ones if one.reached]
        return cls(
            len(found),
            sum(Broken.VM in one for one in found),
            sum(Broken.LOST in one for one in found),
            sum(bool(one & _OTHER) for one in found),
            len(ones) - len(found),
        )

    @property
    def kept(self) -> bool:
        """Whether all promises were kept, in at least one cell."""
        return self.cells > 0 and not (self.vms or self.lost or self.other)

    @property
    def exit(self) -> Exit:
        """1 when a promise was broken or no cell was run, 3 when too many cells were not run, else 0."""
        if not self.kept:
            return Exit.FAILED
        return Exit.OK if self.cells >= _ENOUGH * (self.cells + self.missed) else Exit.PARTIAL


def group(one: CellResult) -> tuple[str, str]:
    """The line of the table that counts a cell: its site, and what was done to it."""
    cell = one.cell
    if len(cell.strikes) > 1:
        done = "random pairs"
    elif cell.damage:
        done = f"power cut, then {cell.aftermath}"
    elif cell.killed:
        done = f"killed, then {cell.aftermath}"
    else:
        done = f"faults, then {cell.aftermath}"
    return cell.site, done


def table(results: Sequence[CellResult], width: int = 0) -> list[str]:
    """A line for each group, and the sum, in so many columns; `width` 0: no limit."""
    groups: dict[tuple[str, str], list[CellResult]] = defaultdict(list)
    for one in results:
        groups[group(one)].append(one)
    rows: list[tuple[str, ...]] = []
    before = ""
    for (site, done), ones in sorted(groups.items()):
        rows.append(("" if site == before else site, done, *_numbers(Counts.of(ones))))
        before = site
    return table_lines(("", "", *_HEAD), [*rows, ("all", "", *_numbers(Counts.of(results)))], width, right=_HEAD)


def _numbers(counts: Counts) -> tuple[str, ...]:
    return tuple(map(str, (counts.cells, counts.vms, counts.lost, counts.other)))


def verdict(results: Sequence[CellResult]) -> str:
    """The sentence at the end."""
    counts = Counts.of(results)
    kinds = Counter(map(_kind, (one for one in results if one.reached)))
    done = ", ".join(f"{kinds[kind]} {kind}" for kind in _KINDS if kinds[kind] or kind == _KINDS[0])
    other = f", {counts.other} other problems" if counts.other else ""
    missed = f"; {counts.missed} not run" if counts.missed else ""
    return f"{done}: {counts.vms} VMs left quiesced, {counts.lost} backups lost{other}{missed}"


def _kind(one: CellResult) -> str:
    """What ended the run."""
    return _KINDS[2] if not one.crashed else _KINDS[1] if one.cell.damage else _KINDS[0]


def troubles(results: Sequence[CellResult]) -> list[str]:
    """Every cell that broke a promise, with what its commands printed; and every cell that was not run."""
    lines = []
    for one in results:
        if one.findings and one.reached:
            lines.append(one.cell.label)
            lines += [f"  {finding.broken}: {finding.what}" for finding in one.findings]
            lines += [f"  | {line}" for line in one.output.splitlines()[-12:]]
    missed = [(one.cell.label, one.output) for one in results if not one.reached]
    return [*lines, *(f"not run: {label} ({why or _RACE})" for label, why in missed)]


def as_json(results: Sequence[CellResult]) -> dict[str, object]:
    """The same for `--json`."""
    counts = Counts.of(results)
    broken = [
        {"cell": one.cell.label, "findings": [{"broken": f.broken.value, "what": f.what} for f in one.findings]}
        for one in results
        if one.findings and one.reached
    ]
    return {
        **root(),
        "cells": counts.cells,
        **{kind.replace(" ", "_"): sum(one.reached and _kind(one) == kind for one in results) for kind in _KINDS},
        "vms_left": counts.vms,
        "backups_lost": counts.lost,
        "other": counts.other,
        "not_played": counts.missed,
        "held": counts.kept,
        "broken": broken,
    }
