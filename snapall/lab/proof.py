"""What a backup did, by the world's own account: the truth on disk and the ledger, not snapall's word."""

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
    """The world at one moment. `listings` maps each volume to its snapshots' names and dates, newest first."""

    ledger: Ledger
    quiesced: Mapping[int, tuple[str, ...]]
    listings: Mapping[str, tuple[tuple[str, str], ...]]
    vms: frozenset[int]  # of the job's datastores, without templates
    templates: frozenset[int]

    @classmethod
    def of(cls, world: World, datastores: Sequence[int | str]) -> SiteState:
        """Look."""
        listings = {name: tuple((row.name, row.date) for row in world.listing(name)) for name in world.volumes()}
        vms = frozenset(vm.id for store in datastores if isinstance(store, int) for vm in world.vms(store))
        return cls(world.ledger(), world.quiesced(), listings, vms, frozenset(world.templates()))


def proof(before: SiteState, after: SiteState, job: Job) -> list[str]:
    """What the run between the two moments did and did not do, a line each."""
    new = after.ledger.since(before.ledger[-1].n if before.ledger else 0)
    lines = [
        f"{_held(before, entry.quiesced)} of {len(before.vms)} VMs were quiesced when {entry.effect.name} was taken"
        for entry in new.captures
        if entry.effect is not None
    ]
    left = [vm for vm, names in after.quiesced.items() if set(names) - set(before.quiesced.get(vm, ()))]
    stand = [vm for vm, names in before.quiesced.items() if set(names) <= set(after.quiesced.get(vm, ()))]
    asked = [vm for vm in before.templates if any(f"moref:vm-{vm}" in entry.argv for entry in new)]
    return [
        *(lines or ["no snapshot of the volume was taken"]),
        f"{len(left)} VMs are still quiesced by it",
        f"{len(stand)} of {len(before.quiesced)} VM snapshots of others still stand",
        f"{len(asked)} of {len(before.templates)} templates were asked for",
        *_chains(before, after, job),
    ]


def _held(before: SiteState, quiesced: Mapping[int, tuple[str, ...]]) -> int:
    """How many of the job's VMs had a snapshot which was not there before."""
    return sum(bool(set(quiesced.get(vm, ())) - set(before.quiesced.get(vm, ()))) for vm in before.vms)


def _chains(before: SiteState, after: SiteState, job: Job) -> Iterator[str]:
    for volume in job.volumes:
        was, now = dict(before.listings[volume]), dict(after.listings[volume])
        shifted = sum(
            above in was and now.get(name) == was[above] for above, name in zip(job.chain, job.chain[1:], strict=False)
        )
        stayed = sum(name in was and now.get(name) == was[name] for name in job.chain)
        yield f"{volume}: {shifted} retained backups moved up by one name, {stayed} stayed where they were"
    others = [(volume, row) for volume, rows in before.listings.items() for row in rows if not _of(job, volume, row[0])]
    kept = [1 for volume, row in others if row in after.listings[volume]]
    yield f"{len(kept)} of {len(others)} other snapshots on the filer are untouched"


def _of(job: Job, volume: str, name: str) -> bool:
    return volume in job.volumes and name in job.chain
