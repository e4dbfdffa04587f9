"""A small filer: one volume with its LUNs, and what its commands do to them. Nothing here asks snapall."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from snapall.backup.model import FilerSnapshot
from snapall.restore.model import Lun, LunMap, LunView
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
    RestoreVolume,
    SetSerial,
    StartSplit,
    UnmapLun,
)
from tests.explore.world import Violation

SNAPSHOT = FilerSnapshot("vmware_recent", "Mar 22 03:00")
ORIGINALS = (
    Lun("/vol/v/sql", 1024, serial="serial-sql"),
    Lun("/vol/v/web", 1024, serial="serial-web"),
)
MAPS = (LunMap("/vol/v/sql", "esx", 1), LunMap("/vol/v/web", "esx", 2))
OURS, FOREIGN = "ours", "foreign"


@dataclass(frozen=True, slots=True)
class ModelFiler:
    """The volume. A LUN's comment says whose it is: "" for one that was there, ours, or foreign."""

    luns: tuple[Lun, ...] = ORIGINALS
    maps: tuple[LunMap, ...] = MAPS
    dependency: bool = False
    splitting: frozenset[str] = frozenset()
    inherits: bool = True  # a clone gets its parent's serial

    @property
    def view(self) -> LunView:
        """What a look shows."""
        shown = tuple(replace(one, mapped=any(row.path == one.path for row in self.maps)) for one in self.luns)
        return LunView("v", {one.path: one for one in shown}, self.maps, (SNAPSHOT,), self.splitting, self.dependency)

    def lun(self, path: str) -> Lun | None:
        """The LUN at a path."""
        return next((one for one in self.luns if one.path == path), None)

    def of(self, owner: str) -> Iterator[Lun]:
        """The LUNs of ours, or of others."""
        return (one for one in self.luns if one.comment == owner)

    def put(self, old: Lun | None, new: Lun | None) -> ModelFiler:
        """With a LUN added, changed or gone."""
        rest = [one for one in self.luns if one != old]
        return replace(self, luns=tuple(sorted([*rest, *([new] if new is not None else [])], key=lambda x: x.path)))


def act(filer: ModelFiler, step: LunStep) -> ModelFiler | None:  # noqa: PLR0912 - one answer for each step
    """The filer after a command; None: it answers with an error, and nothing changes."""
    one = filer.lun(getattr(step, "path", ""))
    if one is not None and one.comment == FOREIGN:
        raise Violation("3 it touches only its own", f"{step} is sent for a LUN of somebody else")
    match step:
        case HoldApart():
            return replace(filer, dependency=True)
        case CloneLun(path, parent, snapshot):
            source = filer.lun(parent)
            if source is None or one is not None:
                return None
            serial = source.serial if filer.inherits else f"new-{path}"
            backing = f"/vol/v/.snapshot/{snapshot}/{parent.rpartition('/')[2]}"
            return filer.put(None, Lun(path, source.size, serial=serial, backed_by=backing, comment=OURS))
        case RestoreLun() | RestoreVolume():
            raise NotImplementedError(step)
        case _ if one is None:
            return None
        case SetSerial(_, serial):
            return None if one.online else filer.put(one, replace(one, serial=serial))
        case MapLun(path, igroup, wanted):
            taken = {row.id for row in filer.maps if row.igroup == igroup}
            number = next(n for n in range(99) if n not in taken) if wanted is None else wanted
            if number in taken or any((row.path, row.igroup) == (path, igroup) for row in filer.maps):
                return None
            return replace(filer, maps=_sorted(*filer.maps, LunMap(path, igroup, number)))
        case UnmapLun(path, igroup):
            rest = [row for row in filer.maps if (row.path, row.igroup) != (path, igroup)]
            return None if len(rest) == len(filer.maps) else replace(filer, maps=tuple(rest))
        case Offline():
            return filer.put(one, replace(one, online=False)) if one.online else None
        case Online():
            return None if one.online else filer.put(one, replace(one, online=True))
        case MoveLun(path, to):
            if filer.lun(to) is not None:
                return None
            moved = [replace(row, path=to) if row.path == path else row for row in filer.maps]
            return replace(filer.put(one, replace(one, path=to)), maps=_sorted(*moved))
        case DestroyLun(path):
            return _destroyed(filer, one)
        case StartSplit(path):
            return replace(filer, splitting=filer.splitting | {path}) if one.backed_by else None


def _sorted(*rows: LunMap) -> tuple[LunMap, ...]:
    return tuple(sorted(rows, key=lambda row: (row.path, row.igroup)))


def _destroyed(filer: ModelFiler, one: Lun) -> ModelFiler | None:
    if one.comment != OURS:
        raise Violation("3 it touches only its own", f"{one.path} is destroyed, and it is not ours")
    if one.online and any(row.path == one.path for row in filer.maps):
        return None
    return replace(filer.put(one, None), maps=tuple(row for row in filer.maps if row.path != one.path))


def require_no_twins(filer: ModelFiler) -> None:
    """Violation: a host sees two LUNs of one serial."""
    seen = set()
    for row in filer.maps:
        one = filer.lun(row.path)
        if one is not None and one.online:
            if (row.igroup, one.serial) in seen:
                raise Violation("no twins", f"{row.igroup} sees two LUNs of serial {one.serial}")
            seen.add((row.igroup, one.serial))
