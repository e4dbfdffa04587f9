"""What an audit finds: its kinds, and the sources that it compares. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from snapall.backup.model import FilerSnapshot, Job, Vm, VmSnapshot
from snapall.backup.outcome import Origin
from snapall.backup.runstate import RunState


class FindingKind(StrEnum):
    """What is found; the value is what a person calls it."""

    UNASKED = "not asked"  # a source did not answer
    UNREADABLE = "journal not readable"
    OUTSTANDING = "outstanding VM snapshot"  # a run left it, its journal knows
    ORPHAN_VM = "orphaned VM snapshot"  # named like a job's, and in no journal
    ORPHAN = "orphaned filer snapshot"
    GAP = "gap in the retained backups"
    RENAMED = "renamed by hand"
    DELETED = "deleted by hand"
    REPLACED = "another snapshot of that name"
    BUSY = "busy snapshot"
    COLLISION = "name collision"
    SPLIT = "disks outside the job"
    UNTAKEN = "VMs of no job"
    SKIPPED = "skipped VM"
    PENDING = "pending backup"
    BEYOND = "beyond the retained names"

    @property
    def informational(self) -> bool:
        """Whether it may be intended, so that nothing needs to be fixed."""
        return self in {FindingKind.UNTAKEN, FindingKind.SKIPPED, FindingKind.PENDING, FindingKind.BEYOND}


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One thing that the sources show together. `job` is "" where it concerns no single job."""

    kind: FindingKind
    job: str
    text: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One filer snapshot: what `snap list` says of it, and what the journals do. One of the two may be missing."""

    volume: str
    name: str
    row: FilerSnapshot | None
    origin: Origin | None


@dataclass(frozen=True, slots=True)
class JobSources:
    """What is compared for one job. `listings` lacks a volume whose filer could not be asked."""

    job: Job
    datastores: tuple[int, ...]
    listings: Mapping[str, tuple[FilerSnapshot, ...]]
    known: tuple[Origin, ...] = ()
    runs: tuple[RunState, ...] = ()  # those that are open
    at_work: bool = False  # whether a process works on them now: then their VMs are quiesced for a purpose


@dataclass(frozen=True, slots=True)
class VmSources:
    """What the database says: each VM with its datastores, their names, and all VM snapshots."""

    vms: Sequence[tuple[Vm, tuple[int, ...]]]
    datastores: Mapping[int, str]
    snapshots: Sequence[VmSnapshot]
