"""The findings of an audit, and the sources that it compares. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from snapall.backup.model import FilerSnapshot, Job, Vm, VmSnapshot
from snapall.backup.outcome import Origin
from snapall.backup.runstate import RunState


class FindingKind(StrEnum):
    """The kinds of findings, the gravest first; the value is what a person calls it."""

    UNASKED = "no answer"  # from one of the sources
    UNREADABLE = "unreadable journal"
    OUTSTANDING = "outstanding VM snapshot"  # a run left it, and its journal knows
    ORPHAN_VM = "orphaned VM snapshot"  # with a job's name, but in no journal
    ORPHAN = "orphaned filer snapshot"
    GAP = "gap in the retained backups"
    RENAMED = "renamed by hand"
    DELETED = "deleted by hand"
    REPLACED = "replaced by another snapshot"
    BUSY = "busy snapshot"
    COLLISION = "name collision"
    UNQUIESCED = "captured, but not quiesced"  # VMs of another datastore on the same storage
    SPLIT = "disks outside the job"
    UNPROVED = "VMs without a recent proof"  # that their backup can be read
    UNTAKEN = "VMs without a job"
    SKIPPED = "skipped VM"
    PENDING = "pending backup"
    BEYOND = "beyond the retained names"

    @property
    def informational(self) -> bool:
        """Whether it may be intended, so that there is nothing to fix."""
        return self in {FindingKind.UNTAKEN, FindingKind.SKIPPED, FindingKind.PENDING, FindingKind.BEYOND}


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One finding. `job` is "" if it concerns no single job."""

    kind: FindingKind
    job: str
    text: str
    remedy: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A filer snapshot in `snap list` and in the journals; one of the two may be missing."""

    volume: str
    name: str
    row: FilerSnapshot | None
    origin: Origin | None


@dataclass(frozen=True, slots=True)
class JobSources:
    """What is compared for a job. `listings` lacks the volumes whose filer did not answer."""

    job: Job
    datastores: tuple[int, ...]
    listings: Mapping[str, tuple[FilerSnapshot, ...]]
    known: tuple[Origin, ...] = ()
    runs: tuple[RunState, ...] = ()  # the open ones
    at_work: bool = False  # whether a process is at work on them now, so that their VMs are quiesced on purpose
    queried: frozenset[int] = frozenset()  # the VMs that its query names, by VPX_VM.ID
    captured: frozenset[int] = frozenset()  # the datastores on its volumes, as far as known; empty: its own
    unproved: tuple[Vm, ...] = ()  # the VMs without a recent proof that their backup can be read

    def holds(self, vm: Vm, datastores: Sequence[int]) -> bool:
        """Whether the job backs up a VM on these datastores."""
        return vm.id in self.queried or bool(set(datastores) & set(self.datastores))

    def captures(self, datastore: int) -> bool:
        """Whether the datastore is on the job's volumes."""
        return datastore in (self.captured or self.datastores)


@dataclass(frozen=True, slots=True)
class VmSources:
    """What the database lists: the VMs with their datastores, the datastores' names, and all VM snapshots.

    `by_disks`: the VMs whose datastores are those of their disks; those of others may hold only a mounted ISO image.
    """

    vms: Sequence[tuple[Vm, tuple[int, ...]]]
    datastores: Mapping[int, str]
    snapshots: Sequence[VmSnapshot]
    by_disks: frozenset[int] = frozenset()
    storage: Mapping[int, str] = field(default_factory=dict)  # what is below each datastore, where that is known

    def name_of(self, datastore: int) -> str:
        """Return a datastore's name."""
        return self.datastores.get(datastore, "datastore")
