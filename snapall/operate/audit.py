"""The audit: compares journals, database and `snap list`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from snapall.backup.looks import ours
from snapall.backup.model import Job, Vm, VmPolicy, VmSnapshot
from snapall.backup.phases import VmState
from snapall.backup.queries import left_quiesced
from snapall.backup.runstate import RunState
from snapall.backup.whereabouts import same_storage
from snapall.operate.audit_filer import on_the_filer, side_by_side
from snapall.operate.findings import AuditFinding, Comparison, FindingKind, JobSources, VmSources

_MOST_NAMES = 12  # in one line


@dataclass(frozen=True, slots=True)
class Audit:
    """The comparisons, each with its job, and the findings, the gravest first."""

    comparisons: tuple[tuple[str, Comparison], ...]
    findings: tuple[AuditFinding, ...]

    @property
    def clean(self) -> bool:
        """Whether there is nothing to fix."""
        return all(one.kind.informational for one in self.findings)


def audit(
    jobs: Sequence[JobSources],
    vms: VmSources | None,
    problems: Sequence[AuditFinding],
    removed: Mapping[str, Sequence[RunState]],
) -> Audit:
    """Compare the sources; `vms` is None if the database did not answer, which `problems` then contains.

    `removed`: the open runs of jobs that are no longer in the configuration.
    """
    found = [*problems]
    for one in jobs:
        found += on_the_filer(one)
        found += _unproved(one)
        found += [] if one.at_work else _outstanding(one.job.name, one.runs, vms)
    for name, runs in removed.items():
        found += _outstanding(name, runs, vms)
    if vms is not None:
        open_runs = [run for runs in (*(one.runs for one in jobs), *removed.values()) for run in runs]
        found += _orphans(jobs, vms, open_runs)
        found += [*_unquiesced(jobs, vms), *_split(jobs, vms), *_same_names(jobs, vms), *_untaken(jobs, vms)]
    order = list(FindingKind)
    found.sort(key=lambda one: order.index(one.kind))
    return Audit(tuple((one.job.name, row) for one in jobs for row in side_by_side(one)), tuple(found))


def _outstanding(job: str, runs: Sequence[RunState], vms: VmSources | None) -> Iterator[AuditFinding]:
    """The VM snapshots that are outstanding by the journals, and what the database lists of each."""
    for run in runs:
        for one in left_quiesced(run):
            text = f"{one.vm.label} may still have {one.name}: {_in_database(run, one, vms)}"
            yield AuditFinding(FindingKind.OUTSTANDING, job, text, "run `snapall recover`", "SA-5401")


def _unproved(one: JobSources) -> Iterator[AuditFinding]:
    if one.unproved:
        text = f"{len(one.unproved)} without a recent proof that their backup can be read: {_some(one.unproved)}"
        remedy = f"run `snapall verify {one.job.name}`, and schedule `snapall verify --due` for every day"
        yield AuditFinding(FindingKind.UNPROVED, one.job.name, text, remedy, "SA-1873")


def _in_database(run: RunState, one: VmState, vms: VmSources | None) -> str:
    if vms is None:
        return "the database did not answer"
    rows = [row.ssid for row in ours(run, one, vms.snapshots)]
    return f"the database lists {', '.join(rows)}" if rows else "the database does not list it"


def _orphans(jobs: Sequence[JobSources], vms: VmSources, runs: Sequence[RunState]) -> Iterator[AuditFinding]:
    """VM snapshots with a job's name that no open run knows, on any VM."""
    known = {row.ssid for run in runs for one in run.outstanding for row in ours(run, one, vms.snapshots)}
    placed = {vm.id: (vm, stores) for vm, stores in vms.vms}
    for row in vms.snapshots:
        if row.ssid in known or row.vm not in placed:
            continue
        vm, stores = placed[row.vm]
        mine = [one.job for one in jobs if one.holds(vm, stores)]
        namers = [job for job in (mine or [one.job for one in jobs]) if job.names_vm_snapshot(row.name)]
        if namers:
            yield _orphan(vm, row, namers[0] if mine else None)


def _orphan(vm: Vm, row: VmSnapshot, job: Job | None) -> AuditFinding:
    since = f" since {row.created:%d %b %Y %H:%M} UTC" if row.created is not None else ""
    text = f"{vm.label} has {row.name} ({row.ssid}){since}, which no open run knows"
    remedy = "remove it in VirtualCenter"
    if job is not None:
        remedy = "list it with `snapall recover --adopt`; add `--yes` to remove it"
    return AuditFinding(FindingKind.ORPHAN_VM, job.name if job is not None else "", text, remedy, "SA-5402")


def _taken(one: JobSources, vm: Vm, stores: Sequence[int]) -> bool:
    return one.holds(vm, stores) and one.job.policies.of(vm) is not VmPolicy.SKIP


def _split(jobs: Sequence[JobSources], vms: VmSources) -> Iterator[AuditFinding]:
    """VMs with disks on a datastore that their job does not capture, so that their backup is incomplete."""
    for one in jobs:
        for vm, stores in vms.vms:
            outside = [store for store in stores if not one.captures(store)]
            if outside and _taken(one, vm, stores):
                sure = vm.id in vms.by_disks
                what = "disks" if sure else "files (disks, or only a mounted ISO image)"
                text = f"{vm.label} has {what} on {', '.join(_where(store, jobs, vms) for store in outside)}"
                remedy = f"add these datastores and their volumes to job {one.job.name}, or move the disks"
                remedy += "" if sure else f"; {_ISO}"
                yield AuditFinding(FindingKind.SPLIT, one.job.name, text, remedy, "SA-5403")


_ISO = "if it is an ISO image, disconnect it, or grant SELECT on VPX_VIRTUAL_DISK (sql/grants.sql), so that disks count"


def _unquiesced(jobs: Sequence[JobSources], vms: VmSources) -> Iterator[AuditFinding]:
    """VMs of a datastore on the same storage as one of a job's: the job captures them as they happen to be."""
    for one in jobs:
        for store, mine in sorted(same_storage(vms.storage, one.datastores).items()):
            found = [vm for vm, stores in vms.vms if store in stores and not one.holds(vm, stores)]
            found = [vm for vm in found if one.job.policies.of(vm) is not VmPolicy.SKIP]
            if found:
                names = f"{vms.name_of(store)} ({store}) is on the same storage as {vms.name_of(mine)} ({mine})"
                text = f"datastore {names}; its VMs are captured, but not quiesced: {_some(found)}"
                remedy = f'add {store} to `datastores` of job {one.job.name}, or set these VMs to "skip" in `vms`'
                yield AuditFinding(FindingKind.UNQUIESCED, one.job.name, text, remedy, "SA-2140")


def _some(vms: Sequence[Vm]) -> str:
    rest = f" and {len(vms) - _MOST_NAMES} more" if len(vms) > _MOST_NAMES else ""
    return ", ".join(vm.label for vm in vms[:_MOST_NAMES]) + rest


def _where(store: int, jobs: Sequence[JobSources], vms: VmSources) -> str:
    names = ", ".join(one.job.name for one in jobs if one.captures(store))
    captured = f"captured by job {names} at another time" if names else "captured by no job"
    return f"{vms.name_of(store)} ({store}, {captured})"


def _same_names(jobs: Sequence[JobSources], vms: VmSources) -> Iterator[AuditFinding]:
    """VMs or datastores that a configuration by name cannot tell apart."""
    for one in jobs:
        named: dict[str, list[Vm]] = {}
        for vm, stores in vms.vms:
            if vm.name is not None and one.holds(vm, stores):
                named.setdefault(vm.name.lower(), []).append(vm)
        for same in (same for same in named.values() if len(same) > 1):
            text = f"{len(same)} VMs are called {same[0].name}: {', '.join(vm.moref for vm in same)}"
            remedy = "use morefs in `vms`: a rule for this name applies to all of them"
            yield AuditFinding(FindingKind.COLLISION, one.job.name, text, remedy, "SA-5404")
    ids_of: dict[str, list[int]] = {}
    for store, name in vms.datastores.items():
        ids_of.setdefault(name, []).append(store)
    for name, ids in ids_of.items():
        if len(ids) > 1:
            text = f"{len(ids)} datastores are called {name}: {', '.join(map(str, sorted(ids)))}"
            yield AuditFinding(FindingKind.COLLISION, "", text, "use their ids in `datastores`", "SA-5405")


def _untaken(jobs: Sequence[JobSources], vms: VmSources) -> Iterator[AuditFinding]:
    """VMs that no job backs up: on a datastore without a job, or skipped by every job."""
    outside: dict[int, list[Vm]] = {}
    for vm, stores in vms.vms:
        skipping = [one.job.name for one in jobs if one.holds(vm, stores)]
        if any(_taken(one, vm, stores) for one in jobs):
            continue
        if skipping:
            text = f"{vm.label} is skipped by job {', '.join(skipping)}, and no other job backs it up"
            yield AuditFinding(
                FindingKind.SKIPPED, skipping[0], text, "change `vms` of the job unless this is intended", "SA-5407"
            )
        else:
            outside.setdefault(stores[0], []).append(vm)
    for store, missed in sorted(outside.items()):
        text = f"{len(missed)} on {vms.name_of(store)} ({store}): {_some(missed)}"
        yield AuditFinding(FindingKind.UNTAKEN, "", text, "add the datastore to a job if they need a backup", "SA-5406")
