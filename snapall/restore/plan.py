"""Which steps a mount, a restore or a take-down takes, in order and each with its reason. Pure.

`plan` shows them, and the same steps go into the journal's header before the first is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from snapall.restore.record import PlannedStep
from snapall.restore.steps import (
    CloneLun,
    HoldApart,
    MapLun,
    MoveLun,
    Offline,
    Online,
    RestoreLun,
    RestoreVolume,
    SetSerial,
    StartSplit,
    UnmapLun,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from snapall.restore.model import LunView

CLONE, OLD = "mnt", "old"
"""What the names of our LUNs say: a clone of a snapshot, and a LUN that a clone has replaced."""


def our_path(path: str, kind: str, stamp: str) -> str:
    """The path of our LUN beside another: `/vol/V/snapall_mnt_20070322T030000Z_sql01`."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/snapall_{kind}_{stamp}_{name}"


def mount(  # noqa: PLR0913 - what a mount is
    luns: Iterable[str],
    snapshot: str,
    igroup: str,
    stamp: str,
    views: Mapping[str, LunView],
    serials: Iterator[str],
    *,
    kind: str = CLONE,
    split: bool = False,
) -> tuple[PlannedStep, ...]:
    """Clone each LUN and map the clone. `igroup` "": clone them only. `serials`: one that is new for each LUN."""
    paths = tuple(luns)
    steps = list(_held_apart(paths, views))
    clones = []
    for path in paths:
        clone = our_path(path, kind, stamp)
        clones.append(clone)
        steps.append(PlannedStep(CloneLun(clone, path, snapshot), f"a writable copy of {path} as of the backup"))
        steps += _own_serial(clone, path, next(serials))
    for clone in clones if igroup else ():
        steps.append(PlannedStep(MapLun(clone, igroup), f"the hosts of {igroup} see the clone"))
    for clone in clones if split else ():
        steps.append(PlannedStep(StartSplit(clone), "the clone becomes independent of the backup; final"))
    return tuple(steps)


def _held_apart(paths: Iterable[str], views: Mapping[str, LunView]) -> Iterator[PlannedStep]:
    for volume in dict.fromkeys(path.split("/")[2] for path in paths):
        if views[volume].dependency is False:
            yield PlannedStep(HoldApart(volume), "otherwise each later backup holds this one while the clone exists")


def _own_serial(clone: str, parent: str, serial: str) -> Iterator[PlannedStep]:
    why = "if the clone has its parent's serial: no host may see two LUNs of one serial"
    yield PlannedStep(Offline(clone), why, twin=parent)
    yield PlannedStep(SetSerial(clone, serial, ""), why, twin=parent)
    yield PlannedStep(Online(clone), "if it was taken offline for a serial of its own")


def by_file(luns: Iterable[str], snapshot: str) -> tuple[PlannedStep, ...]:
    """Put each LUN back in place: path, serial and maps stay. Needs the filer's SnapRestore licence."""
    why = "the filer puts the LUN back in place, and copies on in the background; final"
    return tuple(PlannedStep(RestoreLun(path, snapshot), why) for path in luns)


def by_swap(
    luns: Iterable[str], snapshot: str, stamp: str, views: Mapping[str, LunView], serials: Iterator[str]
) -> tuple[PlannedStep, ...]:
    """Put a clone in each LUN's place, with its serial and LUN ids. The old LUN stays, unmapped, under our name."""
    paths = tuple(luns)
    steps = list(_held_apart(paths, views))
    for path in paths:
        clone = our_path(path, CLONE, stamp)
        steps.append(PlannedStep(CloneLun(clone, path, snapshot), f"a writable copy of {path} as of the backup"))
        steps.append(PlannedStep(Offline(clone), "a serial can be set only offline"))
    for path in paths:
        steps += _swapped(path, stamp, views[path.split("/")[2]], next(serials))
    for path in paths:
        steps.append(PlannedStep(StartSplit(path), "the LUN becomes independent of the backup; final"))
    return tuple(steps)


def _swapped(path: str, stamp: str, view: LunView, serial: str) -> Iterator[PlannedStep]:
    clone, old, before = our_path(path, CLONE, stamp), our_path(path, OLD, stamp), view.luns[path]
    maps = view.maps_of(path)
    for one in maps:
        yield PlannedStep(UnmapLun(path, one.igroup, one.id), "no host may see the LUN while it is replaced")
    yield PlannedStep(Offline(path), "a serial can be set only offline")
    yield PlannedStep(SetSerial(path, serial, before.serial), "the old LUN gives up its serial")
    yield PlannedStep(MoveLun(path, old), "the old LUN stays under this name until you destroy it")
    yield PlannedStep(MoveLun(clone, path), "the clone takes its place")
    yield PlannedStep(SetSerial(path, before.serial, ""), "for ESX the serial is part of what the LUN is")
    yield PlannedStep(Online(path), "it was taken offline for the serial")
    for one in maps:
        yield PlannedStep(MapLun(path, one.igroup, one.id), "for ESX the LUN id is part of what the LUN is")


def by_volume(volume: str, snapshot: str) -> tuple[PlannedStep, ...]:
    """Put the whole volume back: newer snapshots, and LUNs that came since, are lost."""
    why = "every LUN of the volume is as it was; all newer snapshots are lost; final"
    return (PlannedStep(RestoreVolume(volume, snapshot), why),)
