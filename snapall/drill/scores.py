"""What the cells came to: counts, a table, a verdict, and every promise that did not hold."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from snapall.drill.play import Played
from snapall.drill.verdict import Broken
from snapall.errors import Exit
from snapall.views.json_root import root

_OTHER = frozenset(Broken) - {Broken.VM, Broken.LOST}
_KINDS = ("crashes", "power cuts", "faults")
_RACE = "the run ended before that call"
_ENOUGH = 0.9  # the part of the cells that must have been played for a verdict
_HEAD = ("cells", "VMs left", "backups lost", "other")


@dataclass(frozen=True, slots=True)
class Counts:
    """Of some cells: how many were played and how many were not, and in how many a promise did not hold."""

    cells: int
    vms: int
    lost: int
    other: int
    missed: int

    @classmethod
    def of(cls, played: Iterable[Played]) -> Counts:
        """Count; what is left of a cell that was not reached tells nothing."""
        ones = list(played)
        found = [{finding.broken for finding in one.findings} for one in ones if one.reached]
        return cls(
            len(found),
            sum(Broken.VM in one for one in found),
            sum(Broken.LOST in one for one in found),
            sum(bool(one & _OTHER) for one in found),
            len(ones) - len(found),
        )

    @property
    def held(self) -> bool:
        """Whether every promise held, in at least one cell."""
        return self.cells > 0 and not (self.vms or self.lost or self.other)

    @property
    def exit(self) -> Exit:
        """1 when a promise did not hold or nothing was played, 3 when too much was not, else 0."""
        if not self.held:
            return Exit.FAILED
        return Exit.OK if self.cells >= _ENOUGH * (self.cells + self.missed) else Exit.PARTIAL


def group(one: Played) -> tuple[str, str]:
    """Where a cell is counted: its site, and what was done to it."""
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


def table(played: Sequence[Played]) -> list[str]:
    """One line a group, and the sum."""
    groups: dict[tuple[str, str], list[Played]] = defaultdict(list)
    for one in played:
        groups[group(one)].append(one)
    width = max(map(len, (site for site, _ in groups)), default=0)
    lines = [_line(width, "", "", _HEAD)]
    before = ""
    for (site, done), ones in sorted(groups.items()):
        lines.append(_line(width, "" if site == before else site, done, _numbers(Counts.of(ones))))
        before = site
    return [*lines, _line(width, "all", "", _numbers(Counts.of(played)))]


def _numbers(counts: Counts) -> tuple[str, ...]:
    return tuple(map(str, (counts.cells, counts.vms, counts.lost, counts.other)))


def _line(width: int, site: str, done: str, cells: Sequence[str]) -> str:
    return f"{site:<{width}} {done:<40}" + "".join(
        f"{cell:>{len(head) + 2}}" for cell, head in zip(cells, _HEAD, strict=True)
    )


def verdict(played: Sequence[Played]) -> str:
    """The sentence at the end."""
    counts = Counts.of(played)
    kinds = Counter(map(_kind, (one for one in played if one.reached)))
    done = ", ".join(f"{kinds[kind]} {kind}" for kind in _KINDS if kinds[kind] or kind == _KINDS[0])
    other = f", {counts.other} other problems" if counts.other else ""
    missed = f"; {counts.missed} not played" if counts.missed else ""
    return f"{done}: {counts.vms} VMs left quiesced, {counts.lost} backups lost{other}{missed}"


def _kind(one: Played) -> str:
    """What became of the run."""
    return _KINDS[2] if not one.crashed else _KINDS[1] if one.cell.damage else _KINDS[0]


def troubles(played: Sequence[Played]) -> list[str]:
    """Every cell in which something did not hold, with what the commands said."""
    lines = []
    for one in played:
        if one.findings and one.reached:
            lines.append(one.cell.label)
            lines += [f"  {finding.broken}: {finding.what}" for finding in one.findings]
            lines += [f"  | {line}" for line in one.output.splitlines()[-12:]]
    missed = [(one.cell.label, one.output) for one in played if not one.reached]
    return [*lines, *(f"not played: {label}" + f" ({why or _RACE})" for label, why in missed)]


def as_json(played: Sequence[Played]) -> dict[str, object]:
    """The same for programs."""
    counts = Counts.of(played)
    broken = [
        {"cell": one.cell.label, "findings": [{"broken": f.broken.value, "what": f.what} for f in one.findings]}
        for one in played
        if one.findings and one.reached
    ]
    return {
        **root(),
        "cells": counts.cells,
        **{kind.replace(" ", "_"): sum(one.reached and _kind(one) == kind for one in played) for kind in _KINDS},
        "vms_left": counts.vms,
        "backups_lost": counts.lost,
        "other": counts.other,
        "not_played": counts.missed,
        "held": counts.held,
        "broken": broken,
    }
