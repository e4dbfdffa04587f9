"""The LUNs of the year's site: what it begins with, what its VMs write, and how they are in the morning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from snapall.lab import images, lundata
from snapall.lab.lunrows import luns, maps
from snapall.lab.luns import change_lun
from snapall.lab.lunsites import LabLun, LabRelation
from snapall.lab.relations import relations
from snapall.lab.world import World

_KINDS = (
    *(("vmvol1", name, kind) for name, kind in (("vmvol1_vmfs", "vmfs"), ("web01", "ext2"), ("web02", "ntfs"))),
    *(("vmvol1", name, kind) for name, kind in (("sql01", "ext2"), ("sql02", "ntfs"), ("print01", "ext2"))),
    *(("vmvol2", name, kind) for name, kind in (("vmvol2_vmfs", "vmfs"), ("ora01", "ext2"), ("sql02_data", "ntfs"))),
)
LUNS = tuple(LabLun(f"/vol/{volume}/{name}", (("esx", n),), kind) for n, (volume, name, kind) in enumerate(_KINDS))
"""print01 is of no VM: nobody may touch it."""
STRANGER = "/vol/vmvol1/print01"
OWNERS = {
    "/vol/vmvol1/web01": 108,
    "/vol/vmvol1/web02": 110,
    "/vol/vmvol1/sql01": 1226,
    "/vol/vmvol1/sql02": 611,
    "/vol/vmvol2/sql02_data": 611,
    "/vol/vmvol2/ora01": 2001,
}
"""The VM whose disk a LUN is."""
MIRROR = LabRelation("snapmirror", "filer1:vmvol1", "filer2:vmvol1_mirror")
VAULT = LabRelation("snapvault", "filer1:/vol/vmvol1/-", "filer2:/vol/sv/vmvol1", keep="nightly")
PLACES = (3 * 1024**2, 6 * 1024**2)  # where a VM writes
LENGTH = 12


@dataclass(frozen=True)
class LunSeen:
    """A LUN as it is. `maps`: `igroup=id`; `backing`: the snapshot that a clone rests on, by name; "": none."""

    path: str
    content: bytes
    serial: str
    online: bool
    maps: tuple[str, ...]
    backing: str
    working: bool


def seen(world: World) -> dict[str, LunSeen]:
    """All LUNs, by path."""
    found = {}
    with world.transaction() as it:
        names = dict(it.rows("SELECT seq, name FROM filer_snapshots"))
        epoch = images.epoch(it)
        for one in luns(it):
            content = b"".join(images.read(it, one.image, epoch, place, LENGTH) for place in PLACES)
            groups = tuple(f"{group}={id_}" for group, id_ in maps(it, one.id))
            backing = "" if one.backing is None else names.get(one.backing, "?")
            found[one.path] = LunSeen(one.path, content, one.serial, bool(one.online), groups, backing, bool(one.work))
    return found


def write(world: World, paths: Iterable[str], word: str) -> bytes:
    """The VMs write: what the LUNs then hold."""
    data = word.encode().ljust(LENGTH, b".")[:LENGTH]
    with world.transaction() as it:
        for path in paths:
            for place in PLACES:
                lundata.write(it, path, place, data)
    return data * len(PLACES)


def destroy(world: World, path: str) -> None:
    """An administrator destroys a LUN, mapped or not."""
    with world.transaction() as it:
        change_lun(it, "destroy", path, ["-f"])


def power(world: World, vms: Iterable[int], *, on: bool) -> None:
    """VMs are powered on or off."""
    with world.transaction() as it:
        for vm in vms:
            it.echo("UPDATE VPX_VM SET POWER_STATE = ? WHERE ID = ?", int(on), vm)


def split_takes(world: World, seconds: float) -> None:
    """How long the filer copies in the background from now on."""
    world.set(split_seconds=seconds, restore_seconds=seconds)


def relation_trouble(world: World) -> bool:
    """Whether a relation is not at rest, or its last transfer failed."""
    with world.transaction() as it:
        return any(one.status != "Idle" or one.error for one in relations(it, ""))


def baseless(world: World) -> list[str]:
    """The relations whose base is gone from their source."""
    with world.transaction() as it:
        rows = {(volume, name) for volume, name in it.rows("SELECT volume, name FROM filer_snapshots")}
        return [one.destination for one in relations(it, "") if (one.source_volume, one.base) not in rows]


def forget_old_copies(world: World, most: int = 20) -> None:
    """The vault's own schedule keeps so many retained copies."""
    with world.transaction() as it:
        rows = it.rows("SELECT seq FROM filer_snapshots WHERE volume = 'sv' ORDER BY seq DESC LIMIT -1 OFFSET ?", most)
        it.db.executemany("DELETE FROM filer_snapshots WHERE seq = ?", rows)
