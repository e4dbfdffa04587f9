"""Each job's links: its datastores with their VMs, and all that a run's own survey and plan say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from snapall.backup.model import Job
from snapall.operate.doctor.links import Seen, Walk

if TYPE_CHECKING:
    from snapall.backup.adopt import Orphan
    from snapall.backup.model import Vm
    from snapall.backup.plan import Plan
    from snapall.site.virtualcenter import VirtualCenter

_SOME = 5


def look_at_datastores(walk: Walk, job: Job, database: VirtualCenter) -> tuple[Vm, ...]:
    """The VMs that lie on the job's datastores."""
    vms: list[Vm] = []

    def look() -> Seen:
        ids = database.datastore_ids(job.datastores)
        vms.extend(database.vms(ids).vms)
        stores = ", ".join(map(str, ids))
        if not vms and not job.allow_empty:
            remedy = "`snapall datastores` lists them all; a wrong id is likelier than an empty datastore"
            return Seen(f"no VM lies on datastore {stores}", remedy)
        return Seen(f"{len(vms)} VMs on datastore {stores}")

    walk.look("datastores", job.name, look, "database login", "tables")
    return tuple(vms)


def look_at_plan(walk: Walk, job: Job, plan: Callable[[], Plan]) -> None:
    """What a run would look at before it begins: limits, rules, foreign snapshots, the chain."""
    volumes = [f"snap list of {volume}" for volume in job.volumes]
    needs = ("tables", f"datastores of {job.name}", f"version of {job.filer}", *volumes)
    walk.look("plan", job.name, lambda: _plan(plan()), *needs)


def _plan(plan: Plan) -> Iterator[Seen]:
    skipped = f", {len(plan.skipped)} skipped" if plan.skipped else ""
    yield Seen(f"{len(plan.targets)} VMs would be quiesced{skipped}")
    for vm, why in plan.left:
        yield Seen(f"{vm.label} would not be quiesced: {why}", "the backup would be partial, exit 3")
    for text in plan.warnings:
        yield Seen(text, "see `snapall plan`; a run would go on, and say the same")


def look_at_orphans(walk: Walk, job: Job, orphans: Callable[[], Sequence[Orphan]]) -> None:
    """VM snapshots that are called as the job's, that no run made, and that are old."""
    walk.look("orphaned VM snapshots", job.name, lambda: _orphans(orphans()), f"plan of {job.name}")


def _orphans(found: Sequence[Orphan]) -> Seen:
    if not found:
        return Seen("none")
    some = ", ".join(f"{one.vm.label} has {one.snapshot.name}" for one in found[:_SOME])
    rest = f" and {len(found) - _SOME} more" if len(found) > _SOME else ""
    return Seen(f"{some}{rest}", "`snapall recover --adopt` lists them, `--yes` removes them")
