"""Proofs that backups can be read: what was checked of which VM, who has no recent proof, and who is next. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from snapall.backup.model import Vm

_AHEAD = timedelta(minutes=5)  # by which a check may be in the future: clocks are corrected in small steps


class Readability(StrEnum):
    """What a check found out; the value is what a person reads."""

    READABLE = "readable"
    DAMAGED = "damaged"
    UNREAD = "not read"  # the check itself failed, so nothing is known


@dataclass(frozen=True, slots=True)
class Proof:
    """One check of all LUNs of a VM out of one backup.

    `date` is the snapshot's date in `snap list`, `run` the stamp of the run that made it. `seconds`: from the first
    command to the filer until all LUNs were read. `problems`: what is damaged, or why nothing was read.
    """

    vm: str  # its moref; the path of a LUN that is of no VM
    name: str
    luns: tuple[str, ...]
    snapshot: str
    date: str
    run: str
    checked: datetime
    seconds: float
    found: Readability
    way: str  # "signatures" or "helper"
    problems: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The proof as the certificate states it: `readable on 22 Mar 2007, in 42 s`."""
        text = f"{self.found} on {self.checked.astimezone():%d %b %Y}, in {self.seconds:.0f} s"
        return text if not self.problems else f"{text}: {'; '.join(self.problems)}"


def longest_age(vms: int, every: float, sample: int) -> float:
    """Seconds that a proof may be old where `sample` of so many VMs are checked `every` so many seconds.

    Each VM has its turn after so many checks as it takes to go through all, and one check may fail to take place.
    """
    return (-(-max(vms, 1) // sample) + 1) * every


@dataclass(frozen=True, slots=True)
class ProofLog:
    """The checks of one job, oldest first. Those from the future count for nothing: the clock was wrong."""

    proofs: tuple[Proof, ...]
    now: datetime

    @property
    def past(self) -> tuple[Proof, ...]:
        """The checks that count."""
        return tuple(one for one in self.proofs if one.checked <= self.now + _AHEAD)

    def attempt(self, vm: str) -> Proof | None:
        """The last check of a VM, whatever it found."""
        return next((one for one in reversed(self.past) if one.vm == vm), None)

    def last(self, vm: str) -> Proof | None:
        """The last check of a VM that found out something."""
        told = (one for one in reversed(self.past) if one.vm == vm and one.found is not Readability.UNREAD)
        return next(told, None)

    def without_recent(self, vms: Iterable[Vm], seconds: float) -> tuple[Vm, ...]:
        """The VMs whose last known state is not readable, or was read longer ago than this."""
        since = self.now - timedelta(seconds=seconds)
        proved = {
            one.vm for one in map(self.last, {one.vm for one in self.past}) if one is not None and _holds(one, since)
        }
        return tuple(vm for vm in vms if vm.moref not in proved)

    def due(self, vms: Iterable[Vm], sample: int) -> tuple[Vm, ...]:
        """The VMs to be checked next: the longest ago first, so that one that always fails keeps no other waiting."""
        tried = {one.vm: one.checked.timestamp() for one in self.past}
        return tuple(sorted(vms, key=lambda vm: (tried.get(vm.moref, 0.0), vm.id))[:sample])

    def is_due(self, every: float) -> bool:
        """Whether the next check has to take place; a timer of a day may come a little earlier than the last time."""
        latest = max((one.checked for one in self.past), default=None)
        return latest is None or (self.now - latest).total_seconds() >= 0.9 * every

    def of_backup(self, run: str) -> tuple[Proof, ...]:
        """The last check of each VM out of the backup of this run."""
        return tuple({one.vm: one for one in self.past if one.run == run}.values())


def _holds(one: Proof, since: datetime) -> bool:
    return one.found is Readability.READABLE and one.checked >= since


def kept(proofs: Sequence[Proof], oldest: datetime) -> tuple[Proof, ...]:
    """What remains when old checks are deleted: what is not older, and of each VM the last check and the last proof."""
    needed = {one.vm: one for one in proofs}.values(), {(one.vm, one.found): one for one in proofs}.values()
    last = {id(one) for some in needed for one in some}
    return tuple(one for one in proofs if one.checked >= oldest or id(one) in last)
