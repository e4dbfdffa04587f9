"""The LUNs, initiator groups and relations that a site begins with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from snapall.lab.clones import serial_of
from snapall.lab.frozen import KEPT
from snapall.lab.relations import base_of, volume_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

_OLDER = 400 * 86400.0  # seconds: before the site's first snapshot
_KEEP_ALL = (
    f"INSERT INTO frozen (snapshot, lun, {KEPT}, image, epoch, holds, maps) SELECT s.seq, luns.id, {KEPT}, image, 0, 1,"  # noqa: S608
    " (SELECT json_group_array(json_array(igroup, m.id)) FROM lun_maps AS m WHERE m.lun = luns.id)"
    " FROM luns JOIN filer_snapshots AS s ON s.volume = luns.volume"
)


@dataclass(frozen=True, slots=True)
class LabLun:
    """A LUN with its maps: (initiator group, LUN id). `kind`: what its disk holds, one of `diskimage.KINDS`."""

    path: str
    maps: tuple[tuple[str, int], ...] = ()
    kind: str = "ext2"
    size: int = 8 * 1024**2


@dataclass(frozen=True, slots=True)
class LabIgroup:
    """An initiator group of type vmware or linux; `interface` is where its initiators are logged in, "" for nowhere."""

    name: str
    initiators: tuple[str, ...]
    ostype: str = "vmware"
    interface: str = "vif1"


@dataclass(frozen=True, slots=True)
class LabRelation:
    """A relation of `snapmirror` or `snapvault`, such as from `filer1:vmvol1` to `filer2:vmvol1_mirror`.

    Both names mean the lab's filer. The destination's volume is made, read-only for a mirror. `hours`: the age of its
    base; None: nothing was ever sent. `keep`: the name of a vault's retained copies.
    """

    kind: str
    source: str
    destination: str
    hours: float | None = 1
    keep: str = ""


def igroups_of(hosts: tuple[tuple[int, str], ...]) -> tuple[LabIgroup, ...]:
    """All hosts in one group, as in the paper; a helper for restores; and a host that is switched off."""
    esx = tuple(f"iqn.1998-01.com.vmware:{name.partition('.')[0]}-{id_:08x}" for id_, name in hosts)
    return (
        LabIgroup("esx", esx),
        LabIgroup("helper", ("iqn.1994-05.com.redhat:helper-70d75e37",), ostype="linux"),
        LabIgroup("spare", ("iqn.1998-01.com.vmware:spare-0badcafe",), interface=""),
    )


def add_luns(world: sqlite3.Connection, luns: Iterable[LabLun], igroups: Iterable[LabIgroup], now: float) -> None:
    """Create them, as old as the oldest snapshot: every snapshot of their volumes holds them as they are."""
    for group in igroups:
        row = (group.name, "iSCSI", group.ostype)
        world.execute("INSERT INTO igroups (name, protocol, ostype) VALUES (?, ?, ?)", row)
        rows = [(group.name, name, group.interface) for name in group.initiators]
        world.executemany("INSERT INTO initiators (igroup, name, interface) VALUES (?, ?, ?)", rows)
    for lun in luns:
        volume, name = lun.path.split("/")[2], lun.path.rpartition("/")[2]
        ((number,),) = world.execute("UPDATE counters SET value = value + 1 WHERE name = 'serial' RETURNING value")
        query = "INSERT INTO images (label, kind, size) VALUES (?, ?, ?) RETURNING id"
        ((image,),) = world.execute(query, (name, lun.kind, lun.size))
        query = "INSERT INTO luns (volume, path, size, serial, created, image) VALUES (?, ?, ?, ?, ?, ?) RETURNING id"
        ((id_,),) = world.execute(query, (volume, lun.path, lun.size, serial_of(number), now - _OLDER, image))
        maps = [(id_, igroup, n) for igroup, n in lun.maps]
        world.executemany("INSERT INTO lun_maps (lun, igroup, id) VALUES (?, ?, ?)", maps)
    world.execute(_KEEP_ALL)
    world.execute("UPDATE counters SET value = value + 1 WHERE name = 'epoch'")


def add_relations(world: sqlite3.Connection, relations: Iterable[LabRelation], now: float) -> None:
    """Create them, each with its base snapshot on the source."""
    for one in relations:
        volume, source = volume_of(one.destination), volume_of(one.source)
        query = "INSERT OR IGNORE INTO volumes (name, kb, read_only) VALUES (?, 500 * 1024 * 1024, ?)"
        world.execute(query, (volume, one.kind == "snapmirror"))
        state = {"snapmirror": "Snapmirrored", "snapvault": "Snapvaulted"}[one.kind]
        base, based = "", now - 3600 * (one.hours or 0)
        if one.hours is None:
            state = "Uninitialized"
        else:
            base = base_of(one.destination, 0)
            date = datetime.fromtimestamp(based, UTC).strftime("%b %d %H:%M")
            query = "INSERT INTO filer_snapshots (volume, name, date, tags, kb) VALUES (?, ?, ?, ?, 1000)"
            world.execute(query, (source, base, date, one.kind))
        query = (
            "INSERT INTO relations (destination, kind, source, state, base, based, keep) VALUES (?, ?, ?, ?, ?, ?, ?)"
        )
        world.execute(query, (one.destination, one.kind, one.source, state, base, based, one.keep))
