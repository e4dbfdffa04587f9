"""The limits of a backup: what forbids it, and what deserves a warning. Pure."""

from __future__ import annotations

from collections import Counter

from snapall.backup.facts import Warned
from snapall.backup.model import Job, Survey, Vm
from snapall.errors import Refused

MOST_FILER_SNAPSHOTS = 254  # of 255 a volume, one slot must be free (Data ONTAP 7-Mode)
MOST_VM_SNAPSHOTS = 31  # a chain of 32 is the limit of ESX 3 (the paper, section 2)
MOST_VMS_A_VOLUME = 25  # the paper, section 2
MOST_VMS_A_DATASTORE = 50  # the paper, section 1.1
MOST_VMS_A_HOST = 32  # the paper, section 2
_SPREAD = "spread the VMs over more volumes, datastores or hosts, or over several jobs"


def check(job: Job, survey: Survey, keep: str = "") -> None:
    """Check that a backup may begin at all. Refused: it may not, and why."""
    if (survey.empty or not survey.vms) and not job.allow_empty:
        stores = ", ".join(str(one) for one in survey.empty or job.datastores)
        raise Refused(
            f"job {job.name}: no VM is on datastore {stores}",
            "check the id (a wrong one is likelier than an empty datastore), or set allow_empty = true",
            "SA-1001",
        )
    for volume, listing in survey.listings.items():
        if source := next((row.name for row in listing if "snap restore" in row.tags), ""):
            raise Refused(
                f"the filer still restores a LUN of volume {volume} from {source}: no snapshot can be taken",
                "wait until the tag `snap restore` is gone from `snap list`, then run again",
                "SA-1746",
            )
        if len(listing) > MOST_FILER_SNAPSHOTS:
            raise Refused(
                f"volume {volume} has {len(listing)} snapshots: no slot is free",
                "delete some that you do not need: a volume can have 255",
                "SA-1002",
            )
        if keep and any(row.name.lower() == keep.lower() for row in survey.listings[volume]):
            raise Refused(f"volume {volume} already has a snapshot {keep}", "choose another name for --keep", "SA-1003")
    present = {name.lower() for vm in survey.vms for name in (vm.moref, vm.name) if name is not None}
    missing = [name for name in job.policies.musts_by_name if name.lower() not in present]
    if missing:
        raise Refused(
            f"job {job.name}: {', '.join(missing)} must be backed up, but is not on the job's datastores",
            'correct the name in `vms`, or remove its "must"',
            "SA-1004",
        )


def exceeded(job: Job, survey: Survey, targets: tuple[Vm, ...]) -> list[Warned]:
    """Warnings: the paper's limits that a backup exceeds."""
    found = []
    if len(survey.vms) > MOST_VMS_A_VOLUME * len(job.volumes):
        text = f"{len(survey.vms)} VMs are on {', '.join(job.volumes)}: more than {MOST_VMS_A_VOLUME} a volume"
        found.append(Warned(text, _SPREAD, "SA-1121"))
    if len(targets) > MOST_VMS_A_DATASTORE * max(1, len(job.datastores or survey.where.home)):
        text = f"{len(targets)} VMs have a snapshot at once: more than {MOST_VMS_A_DATASTORE} a datastore"
        found.append(Warned(text, _SPREAD, "SA-1122"))
    hosts = Counter(vm.host for vm in targets if vm.host is not None)
    found += [
        Warned(f"{count} VMs of host {host} have a snapshot at once: more than {MOST_VMS_A_HOST}", _SPREAD, "SA-1123")
        for host, count in sorted(hosts.items())
        if count > MOST_VMS_A_HOST
    ]
    return found
