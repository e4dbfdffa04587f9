"""The audit: compares journals, database and `snap list`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from snapall.backup.looks import ours
from snapall.backup.model import Job, Vm, VmPolicy, VmSnapshot
from snapall.backup.phases import VmState
from snapall.backup.queries import left_quiesced
from snapall.backup.runstate import RunState
from snapall.operate.audit_filer import on_the_filer, side_by_side
from snapall.operate.findings import AuditFinding, Comparison, FindingKind, JobSources, VmSources

_SHOWN = 12  # names in one line


@dataclass(frozen=True, slots=True)
class Audit:
    """What was compared, and what that shows, the gravest first."""

    comparisons: tuple[tuple[str, Comparison], ...]  # by job
    findings: tuple[AuditFinding, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing needs to be fixed."""
        return all(one.kind.informational for one in self.findings)


def audit(
    jobs: Sequence[JobSources],
    vms: VmSources | None,
    problems: Sequence[AuditFinding],
    lost: Mapping[str, Sequence[RunState]],
) -> Audit:
    """Compare the sources; `vms` None: the database could not be asked, which is among the `problems`.

    `lost`: the open runs of jobs that the configuration does not name any more.
    """
    found = [*problems]
    for one in jobs:
        found += on_the_filer(one)
        found += [] if one.at_work else _outstanding(one.job.name, one.runs, vms)
    for name, runs in lost.items():
        found += _outstanding(name, runs, vms)
    if vms is not None:
        open_runs = [run for all_of_one in (*(one.runs for one in jobs), *lost.values()) for run in all_of_one]
        found += [*_orphans(jobs, vms, open_runs), *_split(jobs, vms), *_same_names(jobs, vms), *_untaken(jobs, vms)]
    order = list(FindingKind)
    found.sort(key=lambda one: order.index(one.kind))
    return Audit(tuple((one.job.name, row) for one in jobs for row in side_by_side(one)), tuple(found))


def _outstanding(job: str, runs: Sequence[RunState], vms: VmSources | None) -> Iterator[AuditFinding]:
    """The VM snapshots that the journals call outstanding, and what the database says of each."""
    for run in runs:
        for one in left_quiesced(run):
            text = f"{one.vm.label} may still have {one.name}: {_rendered(run, one, vms)}"
            yield AuditFinding(FindingKind.OUTSTANDING, job, text, "run `snapall recover`")


def _rendered(run: RunState, one: VmState, vms: VmSources | None) -> str:
    if vms is None:
        return "the database could not be asked"
    rows = [row.ssid for row in ours(run, one, vms.snapshots)]
    return f"the database lists {', '.join(rows)}" if rows else "the database does not list it"


def _orphans(jobs: Sequence[JobSources], vms: VmSources, runs: Sequence[RunState]) -> Iterator[AuditFinding]:
    """VM snapshots that are named like a job's and that no open run knows, on whatever VM."""
    known = {row.ssid for run in runs for one in run.outstanding for row in ours(run, one, vms.snapshots)}
    placed = {vm.id: (vm, stores) for vm, stores in vms.vms}
    for row in vms.snapshots:
        if row.ssid in known or row.vm not in placed:
            continue
        vm, stores = placed[row.vm]
        mine = [one.job for one in jobs if set(stores) & set(one.datastores)]
        namers = [job for job in (mine or [one.job for one in jobs]) if job.names_vm_snapshot(row.name)]
        if namers:
            yield _orphan(vm, row, namers[0] if mine else None)


def _orphan(vm: Vm, row: VmSnapshot, job: Job | None) -> AuditFinding:
    since = f" since {row.created:%d %b %Y %H:%M} UTC" if row.created is not None else ""
    text = f"{vm.label} has {row.name} ({row.ssid}){since}, and no open run knows it"
    remedy = "`snapall recover --adopt` lists it, `--yes` removes it" if job else "remove it in VirtualCenter"
    return AuditFinding(FindingKind.ORPHAN_VM, job.name if job is not None else "", text, remedy)


def _taken(one: JobSources, vm: Vm, stores: Sequence[int]) -> bool:
    return bool(set(stores) & set(one.datastores)) and one.job.policies.of(vm) is not VmPolicy.SKIP


def _split(jobs: Sequence[JobSources], vms: VmSources) -> Iterator[AuditFinding]:
    """VMs with files on a datastore that their job does not capture: its backup of them is not whole."""
    for one in jobs:
        for vm, stores in vms.vms:
            outside = [store for store in stores if store not in one.datastores]
            if outside and _taken(one, vm, stores):
                places = ", ".join(_where(store, jobs, vms) for store in outside)
                yield AuditFinding(
                    FindingKind.SPLIT,
                    one.job.name,
                    f"{vm.label} has files on {places}",
                    f"add these datastores and their volumes to job {one.job.name}, or move the disks",
                )


def _where(store: int, jobs: Sequence[JobSources], vms: VmSources) -> str:
    others = [one.job.name for one in jobs if store in one.datastores]
    taken = f"captured by job {', '.join(others)} at another time" if others else "captured by no job"
    return f"{vms.datastores.get(store, 'datastore')} ({store}, {taken})"


def _same_names(jobs: Sequence[JobSources], vms: VmSources) -> Iterator[AuditFinding]:
    """What a rule or a configuration by name cannot tell apart."""
    for one in jobs:
        named: dict[str, list[Vm]] = {}
        for vm, stores in vms.vms:
            if vm.name is not None and set(stores) & set(one.datastores):
                named.setdefault(vm.name.lower(), []).append(vm)
        for same in (same for same in named.values() if len(same) > 1):
            text = f"{len(same)} VMs are called {same[0].name}: {', '.join(vm.moref for vm in same)}"
            yield AuditFinding(
                FindingKind.COLLISION,
                one.job.name,
                text,
                "a rule of `vms` by this name applies to all of them; use morefs there",
            )
    stores_named: dict[str, list[int]] = {}
    for store, name in vms.datastores.items():
        stores_named.setdefault(name, []).append(store)
    for name, ids in stores_named.items():
        if len(ids) > 1:
            text = f"{len(ids)} datastores are called {name}: {', '.join(map(str, sorted(ids)))}"
            yield AuditFinding(FindingKind.COLLISION, "", text, "name them in `datastores` by their ids")


def _untaken(jobs: Sequence[JobSources], vms: VmSources) -> Iterator[AuditFinding]:
    """VMs that are in no backup: of a datastore that no job names, or skipped by every job that could take them."""
    outside: dict[int, list[Vm]] = {}
    for vm, stores in vms.vms:
        skipping = [one.job.name for one in jobs if set(stores) & set(one.datastores)]
        if any(_taken(one, vm, stores) for one in jobs):
            continue
        if skipping:
            text = f"{vm.label} is skipped by job {', '.join(skipping)}, and no other takes it"
            yield AuditFinding(
                FindingKind.SKIPPED, skipping[0], text, "if that is not intended, change `vms` of the job"
            )
        else:
            outside.setdefault(stores[0], []).append(vm)
    for store, missed in sorted(outside.items()):
        names = ", ".join(vm.label for vm in missed[:_SHOWN])
        rest = f" and {len(missed) - _SHOWN} more" if len(missed) > _SHOWN else ""
        text = f"{len(missed)} on {vms.datastores.get(store, 'datastore')} ({store}): {names}{rest}"
        yield AuditFinding(FindingKind.UNTAKEN, "", text, "if they need a backup, add the datastore to a job")
