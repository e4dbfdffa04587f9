"""What the cells came to: counts, a table, a verdict, and every promise that did not hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from snapall.drill.play import Played
from snapall.drill.verdict import Broken

_OTHER = frozenset(Broken) - {Broken.VM, Broken.LOST}
_HEAD = ("cells", "VMs left", "backups lost", "other")


@dataclass(frozen=True, slots=True)
class Counts:
    """Of some cells: how many were played, and in how many a promise did not hold."""

    cells: int
    vms: int
    lost: int
    other: int

    @classmethod
    def of(cls, played: Iterable[Played]) -> Counts:
        """Count; a cell that was not reached is none."""
        found = [{finding.broken for finding in one.findings} for one in played if one.reached]
        return cls(
            len(found),
            sum(Broken.VM in one for one in found),
            sum(Broken.LOST in one for one in found),
            sum(bool(one & _OTHER) for one in found),
        )

    @property
    def held(self) -> bool:
        """Whether every promise held, in at least one cell."""
        return self.cells > 0 and not (self.vms or self.lost or self.other)


def group(one: Played) -> tuple[str, str]:
    """Where a cell is counted: its site, and what was done to it."""
    cell = one.cell
    if len(cell.strikes) > 1:
        done = "pairs of them, sampled"
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
    crashes = sum(one.reached and one.crashed for one in played)
    rest = f", {counts.cells - crashes} faults" if counts.cells > crashes else ""
    other = f", {counts.other} times something else" if counts.other else ""
    return f"{crashes} crashes{rest}: {counts.vms} VMs left quiesced, {counts.lost} backups lost{other}"


def troubles(played: Sequence[Played]) -> list[str]:
    """Every cell in which something did not hold, with what the commands said."""
    lines = []
    for one in played:
        if one.findings and one.reached:
            lines.append(one.cell.told)
            lines += [f"  {finding.broken}: {finding.what}" for finding in one.findings]
            lines += [f"  | {line}" for line in one.said.splitlines()[-12:]]
    missed = [(one.cell.told, one.said) for one in played if not one.reached]
    return [*lines, *(f"not reached: {told}" + (f" ({why})" if why else "") for told, why in missed)]


def as_json(played: Sequence[Played]) -> dict[str, object]:
    """The same for programs."""
    counts = Counts.of(played)
    broken = [
        {"cell": one.cell.told, "findings": [{"broken": f.broken.value, "what": f.what} for f in one.findings]}
        for one in played
        if one.findings and one.reached
    ]
    return {
        "cells": counts.cells,
        "crashes": sum(one.reached and one.crashed for one in played),
        "vms_left": counts.vms,
        "backups_lost": counts.lost,
        "other": counts.other,
        "not_reached": sum(not one.reached for one in played),
        "held": counts.held,
        "broken": broken,
    }
