"""The checks of a job: its datastores with their VMs, and everything that a run's survey and plan report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from snapall.backup.model import Job
from snapall.errors import Refused
from snapall.operate.doctor.checklist import Checklist, CheckOutcome

if TYPE_CHECKING:
    from snapall.backup.adopt import Orphan
    from snapall.backup.model import Vm
    from snapall.backup.plan import Plan
    from snapall.site.virtualcenter import VirtualCenter

_SOME = 5


def check_datastores(checks: Checklist, job: Job, database: VirtualCenter) -> tuple[Vm, ...]:
    """Check the job's datastores and its query, and return their VMs."""
    vms: list[Vm] = []

    def check() -> CheckOutcome:
        ids = database.datastore_ids(job.datastores)
        vms.extend(database.vms(ids, job.query, allow_empty=job.allow_empty).vms)
        stores = ", ".join(map(str, ids))
        if job.query:
            return CheckOutcome(f"{len(vms)} VMs of {job.scope}")
        if not vms and not job.allow_empty:
            remedy = "check the id with `snapall datastores`: a wrong id is likelier than an empty datastore"
            raise Refused(f"job {job.name}: no VM is on datastore {stores}", remedy, "SA-1001")
        return CheckOutcome(f"{len(vms)} VMs on datastore {stores}")

    checks.check("datastores", job.name, check, "database login", "tables")
    return tuple(vms)


def check_plan(checks: Checklist, job: Job, plan: Callable[[], Plan]) -> None:
    """Check what a run checks before it begins: limits, rules, foreign snapshots, the retained backups."""
    volumes = [f"snap list of {volume}" for volume in job.volumes]
    needs = ("tables", f"datastores of {job.name}", f"version of {job.filer}", *volumes)
    checks.check("plan", job.name, lambda: _plan(plan()), *needs)


def _plan(plan: Plan) -> Iterator[CheckOutcome]:
    skipped = f", {len(plan.skipped)} skipped" if plan.skipped else ""
    yield CheckOutcome(f"{len(plan.targets)} VMs would be quiesced{skipped}")
    for vm, why in plan.left:
        yield CheckOutcome(f"{vm.label} would not be quiesced: {why}", "fix this, or expect a partial backup (exit 3)")
    for one in plan.warnings:
        yield CheckOutcome(one.text, one.hint, one.code)


def check_orphans(checks: Checklist, job: Job, orphans: Callable[[], Sequence[Orphan]]) -> None:
    """Check for old VM snapshots with the job's name that no run made."""
    checks.check("orphaned VM snapshots", job.name, lambda: _orphans(orphans()), f"plan of {job.name}")


def _orphans(found: Sequence[Orphan]) -> CheckOutcome:
    if not found:
        return CheckOutcome("none")
    some = ", ".join(f"{one.vm.label} has {one.snapshot.name}" for one in found[:_SOME])
    rest = f" and {len(found) - _SOME} more" if len(found) > _SOME else ""
    return CheckOutcome(f"{some}{rest}", "list them with `snapall recover --adopt`; add `--yes` to remove them")
