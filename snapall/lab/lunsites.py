"""The LUNs and initiator groups that a site begins with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from snapall.lab.clones import serial_of
from snapall.lab.frozen import KEPT

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

_OLDER = 400 * 86400.0  # seconds: before the site's first snapshot
_KEEP_ALL = (
    f"INSERT INTO frozen (snapshot, lun, {KEPT}, image, epoch, holds, maps) SELECT s.seq, luns.id, {KEPT}, image, 0, 1,"
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
