"""What is on the lab's filer, thing by thing, and what of it differs from another time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from snapall.lab import images
from snapall.lab.lunrows import LunRow, luns, maps
from snapall.lab.relations import SYSID, relations
from snapall.lab.transaction import Transaction
from snapall.lab.world import World

TAG = "tag"
DATED = "vmvol1"
"""The volume whose snapshots have a date that matters; a copy of them has its own."""


@dataclass(frozen=True, slots=True)
class Picture:
    """`things`: a value for each LUN, by its path, with its maps; and for each snapshot, tag and relation."""

    things: Mapping[str, object]
    contents: Mapping[str, str]

    def unlike(self, other: Picture) -> frozenset[str]:
        """The things that one of the two lacks, or that differ."""
        names = self.things.keys() | other.things.keys()
        return frozenset(name for name in names if self.things.get(name) != other.things.get(name))


def taken(world: World) -> Picture:
    """The filer as it is."""
    things: dict[str, object] = {}
    with world.transaction() as transaction:
        rows = luns(transaction)
        contents = {one.path: _digest(transaction, one) for one in rows}
        for one in rows:
            seen = tuple(maps(transaction, one.id))
            things[one.path] = (one.serial, one.online, one.backing, one.work, seen, contents[one.path])
        for each in relations(transaction, ""):
            things[f"relation {each.volume} "] = (each.state, each.status, each.base, each.coming, each.error)
    for volume in world.volumes():
        for row in world.listing(volume):
            kind = TAG if SYSID in row.name else "snapshot"  # those of a relation follow from it
            things[f"{kind} {volume} {row.name}"] = row.date if volume == DATED and kind != TAG else ""
            things[f"{TAG}s {volume} {row.name}"] = row.tags
    return Picture(things, contents)


def _digest(transaction: Transaction, one: LunRow) -> str:
    found = hashlib.sha256()
    for offset, data in images.written(transaction, one.image, images.epoch(transaction), one.size):
        found.update(b"%d:" % offset + data if data.strip(b"\0") else b"")
    return found.hexdigest()[:12]


def unexplained(things: Iterable[str], text: str, volumes: Iterable[str] = ()) -> list[str]:
    """Those that this text does not name, and that are not on these volumes. A tag follows from what holds it."""
    return sorted(one for one in things if not (one.startswith(TAG) or _named(one, text, tuple(volumes))))


def _named(thing: str, text: str, volumes: tuple[str, ...]) -> bool:
    if thing.startswith("/"):
        return thing in text or thing.split("/")[2] in volumes
    _, volume, name = thing.split(" ")
    return volume in volumes or (volume in text and name.rpartition(".")[0] in text)
