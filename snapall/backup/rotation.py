"""Which names move, which snapshot is deleted, and why, by the real `snap list`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from snapall.backup.model import FilerSnapshot, Grade, Job
from snapall.backup.steps import Delete, Rename, Step

Listings = Mapping[str, tuple[FilerSnapshot, ...]]


@dataclass(frozen=True, slots=True)
class Pending:
    """A confirmed backup that still has its temporary name, on every volume of its job."""

    name: str
    grade: Grade
    doomed: bool = False  # already deleted on another volume


@dataclass(frozen=True, slots=True)
class Move:
    """One rename or deletion of a rotation, with its reason."""

    step: Rename | Delete
    reason: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """A snapshot that would have to move, but is in use on the filer."""

    volume: str
    name: str
    tags: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} on {self.volume} is in use on the filer ({', '.join(self.tags)})"


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation does, in order: `published` enter the chain, `waiting` stay pending (oldest first)."""

    moves: tuple[Move, ...] = ()
    published: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    blocked: Blocked | None = None

    @property
    def steps(self) -> tuple[Rename | Delete, ...]:
        """The changing commands alone."""
        return tuple(move.step for move in self.moves)


def rotate(job: Job, listings: Listings, pending: Sequence[Pending]) -> Rotation:
    """Publish the pending backups (oldest first, the new one last), each on all volumes or none.

    A backup below the job's `publish` stays pending, and is deleted when a newer one is confirmed; so are the oldest of
    more backups than the chain has names.
    """
    pending = [one for one in pending if _volumes_with(job, listings, one.name)]
    ready = [one for one in pending if one.grade >= job.publish and not one.doomed]
    surplus = _surplus(job, pending, ready)
    moves: list[Move] = []
    for one in surplus:
        moves += _drop(job, listings, one)
    listings = after(listings, [move.step for move in moves])
    dropped = {one.name for one in surplus if not _volumes_with(job, listings, one.name)}
    published: list[str] = []
    blocked = None
    for one in ready:
        if one.name in dropped:
            continue
        found = _publish(job, listings, one.name)
        if isinstance(found, Blocked):
            blocked = found
            break
        moves += found
        listings = after(listings, [move.step for move in found])
        published.append(one.name)
    gone = dropped | set(published)
    waiting = tuple(one.name for one in pending if one.name not in gone)
    return Rotation(tuple(moves), tuple(published), waiting, blocked)


def make_room(job: Job, listings: Listings, pending: Sequence[Pending] = ()) -> Rotation:
    """The batch's rotation before the capture: publish pending backups, then vacate the newest name."""
    first = rotate(job, listings, pending)
    if first.blocked is not None:
        return first
    listings = after(listings, first.steps)
    moves = list(first.moves)
    for volume in job.volumes:
        found = _shift(job, volume, listings[volume])
        if isinstance(found, Blocked):
            return Rotation(waiting=tuple(one.name for one in pending), blocked=found)
        moves += found
    return replace(first, moves=tuple(moves))


def after(listings: Listings, steps: Sequence[Step]) -> Listings:
    """The listings after these steps; only renames and deletions change them."""
    rows = {volume: list(listing) for volume, listing in listings.items()}
    for step in steps:
        match step:
            case Rename(volume, old, new):
                rows[volume] = [replace(row, name=new) if row.name == old else row for row in rows[volume]]
            case Delete(volume, name):
                rows[volume] = [row for row in rows[volume] if row.name != name]
            case _:
                pass
    return {volume: tuple(listing) for volume, listing in rows.items()}


def _volumes_with(job: Job, listings: Listings, name: str) -> list[str]:
    """The job's volumes that list the name."""
    return [volume for volume in job.volumes if any(row.name == name for row in listings[volume])]


def _surplus(job: Job, pending: Sequence[Pending], ready: Sequence[Pending]) -> list[Pending]:
    """What to delete: rests of deleted backups, all but the newest below `publish`, more than the chain has names."""
    newest = pending[-1] if pending else None
    inferior = [one for one in pending if one.doomed or (one.grade < job.publish and one is not newest)]
    return inferior + list(ready[: max(0, len(ready) - len(job.chain))])


def _drop(job: Job, listings: Listings, one: Pending) -> list[Move]:
    """Delete a pending backup everywhere, or nowhere while one of its snapshots is in use."""
    volumes = _volumes_with(job, listings, one.name)
    if any(row.name == one.name and row.tags for volume in volumes for row in listings[volume]):
        return []
    if one.doomed:
        return [Move(Delete(volume, one.name), "the rest of a pending backup that is deleted") for volume in volumes]
    reason = (
        "pending, below `publish`, and a newer backup is confirmed"
        if one.grade < job.publish
        else f"the oldest of more than {len(job.chain)} pending backups"
    )
    return [Move(Delete(volume, one.name), reason) for volume in volumes]


def _publish(job: Job, listings: Listings, name: str) -> list[Move] | Blocked:
    """Shift the chain on every volume with the backup, then give the backup the newest name."""
    moves: list[Move] = []
    for volume in _volumes_with(job, listings, name):
        row = next(row for row in listings[volume] if row.name == name)
        if row.tags:
            return Blocked(volume, name, row.tags)
        shifted = _shift(job, volume, listings[volume])
        if isinstance(shifted, Blocked):
            return shifted
        moves += shifted
        moves.append(Move(Rename(volume, name, job.newest), "confirmed: it becomes the newest retained backup"))
    return moves


def _shift(job: Job, volume: str, listing: tuple[FilerSnapshot, ...]) -> list[Move] | Blocked:
    """Vacate the newest name: move the unbroken run of names that begins there; a gap behind it saves a deletion."""
    present = {row.name: row for row in listing}
    run = 0
    while run < len(job.chain) and job.chain[run] in present:
        run += 1
    for name in job.chain[:run]:
        if present[name].tags:
            return Blocked(volume, name, present[name].tags)
    moves: list[Move] = []
    if run == len(job.chain):
        reason = f"the oldest of {len(job.chain)} retained backups"
        moves.append(Move(Delete(volume, job.chain[-1]), reason))
        run -= 1
    for place in range(run - 1, -1, -1):
        moves.append(Move(Rename(volume, job.chain[place], job.chain[place + 1]), "makes room for a newer one"))
    return moves
