"""The changing commands of a restore: what each does, whether a look shows it done, and what undoes it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

if TYPE_CHECKING:
    from collections.abc import Callable

    from snapall.restore.model import Lun, LunView


@dataclass(frozen=True, slots=True)
class HoldApart:
    """`vol options VOLUME snapshot_clone_dependency on`: later snapshots then do not hold the one under a clone."""

    volume: str


@dataclass(frozen=True, slots=True)
class CloneLun:
    """`lun clone create PATH -o noreserve -b PARENT SNAPSHOT`. The parent is the live path."""

    path: str
    parent: str
    snapshot: str


@dataclass(frozen=True, slots=True)
class SetSerial:
    """`lun serial PATH SERIAL`; the LUN must be offline. `before`: the serial that it had."""

    path: str
    serial: str
    before: str


@dataclass(frozen=True, slots=True)
class MapLun:
    """`lun map PATH IGROUP [ID]`. `id` None: the filer takes the smallest free one."""

    path: str
    igroup: str
    id: int | None = None


@dataclass(frozen=True, slots=True)
class UnmapLun:
    """`lun unmap PATH IGROUP`; `id` is the LUN id that it had, so that it can be mapped as before."""

    path: str
    igroup: str
    id: int


@dataclass(frozen=True, slots=True)
class Offline:
    """`lun offline PATH`: block access stops, the maps stay."""

    path: str


@dataclass(frozen=True, slots=True)
class Online:
    """`lun online PATH`."""

    path: str


@dataclass(frozen=True, slots=True)
class MoveLun:
    """`lun move PATH TO`, within the volume."""

    path: str
    to: str


@dataclass(frozen=True, slots=True)
class DestroyLun:
    """`lun destroy PATH`, never with -f. Nothing undoes it."""

    path: str


@dataclass(frozen=True, slots=True)
class StartSplit:
    """`lun clone split start PATH`: the clone becomes independent of its snapshot. Nothing undoes it."""

    path: str


@dataclass(frozen=True, slots=True)
class RestoreLun:
    """`snap restore -f -t file -s SNAPSHOT PATH`: the filer copies on in the background. Nothing undoes it."""

    path: str
    snapshot: str


@dataclass(frozen=True, slots=True)
class RestoreVolume:
    """`snap restore -f -t vol -s SNAPSHOT VOLUME`: every newer snapshot is gone. Nothing undoes it."""

    volume: str
    snapshot: str


LunStep = (
    HoldApart
    | CloneLun
    | SetSerial
    | MapLun
    | UnmapLun
    | Offline
    | Online
    | MoveLun
    | DestroyLun
    | StartSplit
    | RestoreLun
    | RestoreVolume
)


def shows(step: LunStep, view: LunView) -> bool | None:  # noqa: PLR0912 - one answer for each step
    """Whether a look shows that the step was done; None: the look cannot tell, and only the answer says."""
    match step:
        case HoldApart():
            return view.dependency
        case CloneLun(path, parent, snapshot):
            return _has(view, path, lambda one: one.snapshot == snapshot and one.backed_by.endswith(_in_volume(parent)))
        case SetSerial(path, serial):
            return _has(view, path, lambda one: one.serial == serial)
        case MapLun(path, igroup, wanted):
            return any(one.igroup == igroup and wanted in (None, one.id) for one in view.maps_of(path))
        case UnmapLun(path, igroup):
            return not any(one.igroup == igroup for one in view.maps_of(path))
        case Offline(path):
            return _has(view, path, lambda one: not one.online)
        case Online(path):
            return _has(view, path, lambda one: one.online)
        case MoveLun(path, to):
            return path not in view.luns and to in view.luns
        case DestroyLun(path):
            return path not in view.luns
        case StartSplit(path):
            return path in view.splitting or _has(view, path, lambda one: not one.backed_by)
        case RestoreLun(path):
            return True if path in view.splitting else None
        case RestoreVolume(_, snapshot):
            return view.online and bool(view.snapshots) and view.snapshots[0].name == snapshot
        case _:
            assert_never(step)


def undoing(step: LunStep) -> tuple[LunStep, ...]:
    """The steps that take this one back, in order; none: it needs no undoing, or nothing can."""
    match step:
        case CloneLun(path):
            return (Offline(path), DestroyLun(path))
        case SetSerial(path, _, before):
            return (Offline(path), SetSerial(path, before, step.serial)) if before else ()
        case MapLun(path, igroup, wanted):
            return (UnmapLun(path, igroup, -1 if wanted is None else wanted),)
        case UnmapLun(path, igroup, id_):
            return (MapLun(path, igroup, id_),)
        case Offline(path):
            return (Online(path),)
        case Online(path):
            return (Offline(path),)
        case MoveLun(path, to):
            return (MoveLun(to, path),)
        case HoldApart() | DestroyLun() | StartSplit() | RestoreLun() | RestoreVolume():
            return ()
        case _:
            assert_never(step)


def is_final(step: LunStep) -> bool:
    """Whether nothing takes the step back: what is before it stays, too."""
    return isinstance(step, DestroyLun | StartSplit | RestoreLun | RestoreVolume)


def paths_of(*steps: LunStep) -> set[str]:
    """The LUNs that the steps touch."""
    return {value for step in steps for name in ("path", "to") if (value := getattr(step, name, ""))}


def volume_of(step: LunStep) -> str:
    """The volume that the step changes."""
    return step.volume if isinstance(step, HoldApart | RestoreVolume) else step.path.split("/")[2]


def _has(view: LunView, path: str, test: Callable[[Lun], bool]) -> bool:
    one = view.luns.get(path)
    return one is not None and test(one)


def _in_volume(path: str) -> str:
    """The part of a LUN's path below its volume, with which its path in a snapshot ends."""
    return "/" + "/".join(path.split("/")[3:])
