"""The ways to get a LUN back by hand, each as steps in order (restore.md 2 to 4). Pure."""

from __future__ import annotations

from collections.abc import Iterable

from snapall.restore.book.facts import VolumeFacts
from snapall.restore.luns.commands import LUN_SERIAL
from snapall.restore.model import Lun
from snapall.restore.steps import (
    CloneLun,
    DestroyLun,
    HoldApart,
    LunStep,
    MapLun,
    MoveLun,
    Offline,
    Online,
    RestoreLun,
    SetSerial,
    StartSplit,
    UnmapLun,
)

_SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def clone_path(lun: Lun, kind: str, stamp: str) -> str:
    """The path of a clone of the LUN, beside it; `kind` is mnt, ver or old."""
    return f"{lun.path.rpartition('/')[0]}/snapall_{kind}_{stamp}_{lun.name}"


def mounted(lun: Lun, snapshot: str, stamp: str, igroup: str, volume: VolumeFacts, serial: str) -> tuple[LunStep, ...]:
    """Clone the LUN as it was, and show the clone to a helper.

    The clone gets a `serial` of its own: whether a filer gives it one is not attested, and no host may see one twice.
    """
    path = clone_path(lun, "mnt", stamp)
    own = (Offline(path), SetSerial(path, serial, lun.serial), Online(path)) if serial else ()
    return (*_held_apart(volume), CloneLun(path, lun.path, snapshot), *own, MapLun(path, igroup))


def taken_down(lun: Lun, stamp: str, igroup: str) -> tuple[LunStep, ...]:
    """The way back, once the helper has let go of the disk."""
    path = clone_path(lun, "mnt", stamp)
    return UnmapLun(path, igroup, 0), Offline(path), DestroyLun(path)


def in_place(lun: Lun, snapshot: str, volume: VolumeFacts) -> tuple[LunStep, ...]:
    """Bring the LUN itself back with the filer's SnapRestore; path and serial stay, its maps are set as they were."""
    maps = volume.maps_of(lun.path)
    taken = (UnmapLun(one.path, one.igroup, one.id) for one in maps)
    given = (MapLun(one.path, one.igroup, one.id) for one in maps)
    return (*taken, RestoreLun(lun.path, snapshot), *given)


def swapped(lun: Lun, snapshot: str, stamp: str, volume: VolumeFacts, aside: str) -> tuple[LunStep, ...]:
    """Put a clone in the LUN's place with its serial and LUN ids; the LUN is kept under another name.

    The clone is made first, while its parent still has the name that it has in the snapshot. `aside`: the serial that
    the LUN gets instead of its own.
    """
    clone, old = clone_path(lun, "mnt", stamp), clone_path(lun, "old", stamp)
    maps = volume.maps_of(lun.path)
    return (
        *_held_apart(volume),
        CloneLun(clone, lun.path, snapshot),
        *(UnmapLun(one.path, one.igroup, one.id) for one in maps),
        Offline(lun.path),
        MoveLun(lun.path, old),
        SetSerial(old, aside, lun.serial),
        MoveLun(clone, lun.path),
        Offline(lun.path),
        SetSerial(lun.path, lun.serial, ""),
        Online(lun.path),
        *(MapLun(one.path, one.igroup, one.id) for one in maps),
    )


def independent(lun: Lun, stamp: str) -> tuple[LunStep, ...]:
    """After a swap: make the LUN independent of the snapshot, then let go of the old one."""
    return StartSplit(lun.path), DestroyLun(clone_path(lun, "old", stamp))


def spare_serials(luns: Iterable[Lun]) -> dict[str, tuple[str, str]]:
    """Two serials for each LUN with a fit one, by path, that no LUN has: for a clone, and for the LUN moved aside."""
    known = [one for one in luns if LUN_SERIAL.fullmatch(one.serial)]
    taken = {one.serial for one in known}
    found = {}
    for one in known:
        made = (one.serial[:-2] + first + last for first in _SIGNS for last in _SIGNS)
        free = (serial for serial in made if serial not in taken)
        found[one.path] = next(free), next(free)
        taken.update(found[one.path])
    return found


def _held_apart(volume: VolumeFacts) -> tuple[LunStep, ...]:
    """Later snapshots must not hold the one under the clone; before 7.3 the filer has no such option."""
    return () if volume.dependency is None else (HoldApart(volume.volume),)
