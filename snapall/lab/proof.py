"""What a backup did, by the lab's own account: the state on disk and the ledger, not snapall's word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from snapall.lab.ledger import Ledger

if TYPE_CHECKING:
    from snapall.backup.model import Job
    from snapall.lab.world import World


@dataclass(frozen=True, slots=True)
class SiteState:
    """The site at one time. `listings` maps each volume to its snapshots' names and dates, newest first."""

    ledger: Ledger
    vm_snapshots: frozenset[tuple[str, int, str]]  # id, VM, name
    listings: Mapping[str, tuple[tuple[str, str], ...]]
    vms: frozenset[int]  # of the datastores asked for, without templates
    templates: frozenset[int]

    @classmethod
    def of(cls, world: World, datastores: Sequence[int | str] = ()) -> SiteState:
        """Read it."""
        return cls(
            world.ledger(),
            frozenset((row.ssid, row.vm, row.name) for row in world.vm_snapshots()),
            {name: tuple((row.name, row.date) for row in world.listing(name)) for name in world.volumes()},
            frozenset(vm.id for store in datastores if isinstance(store, int) for vm in world.vms(store)),
            frozenset(world.templates()),
        )

    def names(self, vm: int) -> set[str]:
        """What the snapshots of a VM are called."""
        return {name for _, id_, name in self.vm_snapshots if id_ == vm}


def proof(before: SiteState, after: SiteState, job: Job) -> list[str]:
    """What a run did and did not do, a line each."""
    new = after.ledger.since(before.ledger[-1].n if before.ledger else 0)
    lines = [
        f"{_count(before, entry.quiesced)} of {len(before.vms)} VMs were quiesced when {entry.effect.name} was taken"
        for entry in new.captures
        if entry.effect is not None
    ]
    left = {vm for _, vm, _ in after.vm_snapshots - before.vm_snapshots}
    touched = [vm for vm in before.templates if any(f"moref:vm-{vm}" in entry.argv for entry in new)]
    untouched = before.vm_snapshots & after.vm_snapshots
    return [
        *(lines or ["no volume snapshot was taken"]),
        f"{len(left)} {'VM is' if len(left) == 1 else 'VMs are'} still quiesced by this run",
        f"{len(untouched)} of {len(before.vm_snapshots)} other VM snapshots are untouched",
        f"{len(touched)} of {len(before.templates)} templates were touched",
        *_filer(before, after, job),
    ]


def _count(before: SiteState, quiesced: Mapping[int, tuple[str, ...]]) -> int:
    """How many of the job's VMs had a snapshot that was not there before."""
    return sum(bool(set(quiesced.get(vm, ())) - before.names(vm)) for vm in before.vms)


def _filer(before: SiteState, after: SiteState, job: Job) -> Iterator[str]:
    for volume in job.volumes:
        was, now = dict(before.listings[volume]), dict(after.listings[volume])
        shifted = sum(
            above in was and now.get(name) == was[above] for above, name in zip(job.chain, job.chain[1:], strict=False)
        )
        stayed = sum(name in was and now.get(name) == was[name] for name in job.chain)
        yield f"{volume}: {shifted} retained backups moved up one name, {stayed} kept their names"
    other = [
        row in after.listings[volume]
        for volume, rows in before.listings.items()
        for row in rows
        if volume not in job.volumes or row[0] not in job.chain
    ]
    yield f"{sum(other)} of {len(other)} other filer snapshots are untouched"
