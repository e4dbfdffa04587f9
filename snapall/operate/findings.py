"""What an audit finds: its kinds, and what it holds side by side. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from snapall.backup.debts import Debts
from snapall.backup.facts import Origin
from snapall.backup.model import FilerSnapshot, Job, Vm, VmSnapshot


class Kind(StrEnum):
    """What is found; the value is how a person calls it."""

    UNASKED = "not asked"  # a source did not answer
    UNREADABLE = "journal not readable"
    OWED = "owed VM snapshot"  # a run left it, its journal knows
    ORPHAN_VM = "orphaned VM snapshot"  # called as a job's, and in no journal
    ORPHAN = "orphaned filer snapshot"
    GAP = "gap in the chain"
    RENAMED = "renamed by hand"
    DELETED = "deleted by hand"
    REPLACED = "another snapshot of that name"
    BUSY = "busy snapshot"
    COLLISION = "name collision"
    SPLIT = "disks outside the job"
    UNTAKEN = "VMs of no job"
    SKIPPED = "skipped VM"
    PENDING = "pending backup"
    BEYOND = "beyond the chain"

    @property
    def only_noted(self) -> bool:
        """Whether it may be as it is meant to be, so that no hand is needed."""
        return self in {Kind.UNTAKEN, Kind.SKIPPED, Kind.PENDING, Kind.BEYOND}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the sources show together. `job` is "" where it is of no single job."""

    kind: Kind
    job: str
    text: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Beside:
    """One filer snapshot: what `snap list` says of it, and what the journals do. One of the two may be missing."""

    volume: str
    name: str
    row: FilerSnapshot | None
    origin: Origin | None


@dataclass(frozen=True, slots=True)
class JobSources:
    """What is held side by side for one job. `listings` lacks a volume whose filer could not be asked."""

    job: Job
    datastores: tuple[int, ...]
    listings: Mapping[str, tuple[FilerSnapshot, ...]]
    known: tuple[Origin, ...] = ()
    owed: tuple[Debts, ...] = ()  # of its open runs
    at_work: bool = False  # whether somebody works on these now: what is quiesced then is held by right


@dataclass(frozen=True, slots=True)
class VmSources:
    """What the database says: each VM with its datastores, their names, and all VM snapshots."""

    vms: Sequence[tuple[Vm, tuple[int, ...]]]
    datastores: Mapping[int, str]
    snapshots: Sequence[VmSnapshot]
