"""Which of the VMs that a survey found a job backs up, and what deserves a warning about where they lie. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from snapall.backup.facts import Warned
from snapall.backup.model import Job, Survey, Vm, VmPolicy
from snapall.backup.whereabouts import Place, Whereabouts, most_used, same_machine, same_storage

_MOST_NAMES = 12  # in one line


def members(job: Job, survey: Survey) -> tuple[Survey, list[Warned]]:
    """The survey of the job's own VMs, and the warnings.

    A VM is left out only if all of its disks are listed, and all of them lie elsewhere: a VM too many costs a snapshot,
    a VM too few its backup. Its policy may keep it.
    """
    where = survey.where
    inside = where.on_storage_of(where.datastores)
    seats = {vm.id: _belongs(where, vm, inside) for vm in survey.vms}
    out = [vm for vm in survey.vms if seats[vm.id] is False and job.policies.of(vm) is VmPolicy.TRY]
    doubtful = [vm for vm in survey.vms if seats[vm.id] is None and job.policies.of(vm) is not VmPolicy.SKIP]
    if out:
        vms = tuple(vm for vm in survey.vms if vm not in out)
        filled = {store for vm in vms for store in _place(where, vm).assigned}
        empty = tuple(one for one in where.datastores if one in survey.empty or one not in filled)
        survey = replace(survey, vms=vms, empty=empty)
    return survey, [*_left_out(out), *_doubtful(doubtful), *placed_oddly(job, survey)]


def placed_oddly(job: Job, survey: Survey) -> Iterator[Warned]:
    """Warnings about VMs beside the job's own, outside its volumes, and needed by the backup itself."""
    yield from _beside(job, survey)
    yield from _outside(job, survey)
    yield from _needed(job, survey)


def _place(where: Whereabouts, vm: Vm) -> Place:
    return where.places.get(vm.id, Place())


def _belongs(where: Whereabouts, vm: Vm, inside: frozenset[int]) -> bool | None:
    """Whether a VM has a disk on the job's datastores; None: that is not known."""
    place = _place(where, vm)
    if not where.disks_known or vm.id in where.queried or inside & {*place.disks}:
        return True
    return False if place.whole else None


def _left_out(vms: Sequence[Vm]) -> Iterator[Warned]:
    if vms:
        yield Warned(
            f"{_listed(vms)}: not backed up by this job, because every disk is on other datastores;"
            " only other files, such as a mounted ISO image, are on this job's",
            'disconnect the ISO image; to back the VM up with this job all the same, set it to "must" in `vms`',
            "SA-2120",
        )


def _doubtful(vms: Sequence[Vm]) -> Iterator[Warned]:
    if vms:
        yield Warned(
            f"{_listed(vms)}: backed up by this job, although VirtualCenter lists no disk on its datastores:"
            " not every disk is listed, so one may be there",
            'check where the disks are; if they are elsewhere, set the VM to "skip" in `vms`',
            "SA-2121",
        )


def _beside(job: Job, survey: Survey) -> Iterator[Warned]:
    """The job's volumes hold the VMs of another datastore on the same storage too, and nobody quiesces these."""
    where, own = survey.where, {vm.id for vm in survey.vms}
    for store, mine in sorted(same_storage(where.storage, where.datastores).items()):
        vms = [
            vm
            for vm in survey.beside
            if vm.id not in own and store in _place(where, vm).datastores and job.policies.of(vm) is not VmPolicy.SKIP
        ]
        if vms:
            yield Warned(
                f"datastore {where.label(store)} is on the same storage as {where.label(mine)}:"
                f" this job captures its VMs, but does not quiesce them: {_listed(vms)}",
                f'add {store} to `datastores` of job {job.name}, or set these VMs to "skip" in `vms`',
                "SA-2122",
            )


def _outside(job: Job, survey: Survey) -> Iterator[Warned]:
    """VMs that the query names, with disks that the capture does not hold."""
    where = survey.where
    vms = [vm for vm in survey.vms if vm.id in where.queried and job.policies.of(vm) is not VmPolicy.SKIP]
    home = where.home or most_used([_place(where, vm) for vm in vms], len(job.volumes))
    inside = where.on_storage_of(home)
    found = [(vm, [one for one in _place(where, vm).datastores if one not in inside]) for vm in vms]
    found = [(vm, stores) for vm, stores in found if stores]
    if found:
        some = "; ".join(f"{vm.label} on {', '.join(map(where.label, stores))}" for vm, stores in found[:_MOST_NAMES])
        what = "disks" if where.disks_known else "files (disks, or a mounted ISO image)"
        of = "the job's datastores" if where.home else f"{', '.join(map(where.label, home))}, where most of its VMs are"
        yield Warned(
            f"`query` of job {job.name} names VMs with {what} outside {of}: {some}{_rest(len(found))}",
            "add the volumes under these datastores to `volumes`, or leave these VMs out of the query",
            "SA-2123",
        )


def _needed(job: Job, survey: Survey) -> Iterator[Warned]:
    """VMs that the backup needs: a frozen one may freeze the run that is to release it."""
    where = survey.where
    for vm in survey.vms:
        if job.policies.of(vm) is not VmPolicy.TRY:
            continue
        known = (vm.name, *where.guests.get(vm.id, ()))
        found = {one.what: name for one in where.needed if (name := same_machine(known, one.names))}
        if found:
            yield Warned(
                f"{vm.label} seems to be {' and '.join(found)} ({', '.join(dict.fromkeys(found.values()))}):"
                " quiescing it can freeze this run, with all VMs quiesced",
                f'set "{vm.name or vm.moref}" in `vms` to "skip", or to "must" if you have seen that it works',
                "SA-2124",
            )


def _listed(vms: Sequence[Vm]) -> str:
    return ", ".join(vm.label for vm in vms[:_MOST_NAMES]) + _rest(len(vms))


def _rest(count: int) -> str:
    return f" and {count - _MOST_NAMES} more" if count > _MOST_NAMES else ""
