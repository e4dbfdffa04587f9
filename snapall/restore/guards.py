"""What a look must show before a step is sent, and whether what a step would take back is still there. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    paths_of,
    shows,
)

if TYPE_CHECKING:
    from snapall.restore.model import LunView
    from snapall.restore.record import PlannedStep
    from snapall.restore.state import SentStep, UseState


def replaced(state: UseState, view: LunView) -> str:
    """Why the snapshot on this volume is not the one that was asked for; "": it is."""
    name = state.header.snapshot
    want = next((one.date for one in state.header.sources if one.volume == view.volume), None)
    if want is None:
        return ""
    found = next((row.date for row in view.snapshots if row.name == name), None)
    if found is None:
        return f"{view.volume} has no snapshot {name} any more"
    return "" if found == want else f"snapshot {name} of {view.volume} is another one now: of {found}, not of {want}"


def is_needless(planned: PlannedStep, view: LunView) -> str:
    """Why a step of the plan need not be sent; "": it must be."""
    step = planned.step
    if isinstance(step, CloneLun | MoveLun | DestroyLun | RestoreLun | RestoreVolume):
        return ""
    if planned.twin and _serial(view, planned.twin) != _serial(view, getattr(step, "path", "")):
        return "the serials differ"
    return "it is so already" if shows(step, view) else ""


def blocked(step: LunStep, view: LunView) -> str:
    """Why a step must not be sent now; "": it may be."""
    match step:
        case HoldApart() | RestoreVolume():
            return ""
        case CloneLun(path, parent) if path in view.luns:
            return f"{path} exists already"
        case CloneLun(path, parent):
            return _absent(view, parent) or (f"{parent} is still being split" if parent in view.splitting else "")
        case MoveLun(path, to) if to in view.luns:
            return f"{to} exists already"
        case RestoreLun(path) if path in view.splitting:
            return f"a split or a restore of {path} is under way"
        case MapLun(path, igroup):
            return _absent(view, path) or _twin(view, path, _serial(view, path), {igroup})
        case SetSerial(path, serial):
            groups = {one.igroup for one in view.maps_of(path)}
            return _absent(view, path) or _twin(view, path, serial, groups)
        case MoveLun(path) | RestoreLun(path) | UnmapLun(path) | Offline(path) | Online(path):
            return _absent(view, path)
        case DestroyLun(path) | StartSplit(path):
            return _absent(view, path)


def taken_away(state: UseState, step: LunStep, view: LunView) -> str:
    """Why a step must not go on with a clone: it is not the one that this journal made. "": it is, or was none."""
    path = getattr(step, "path", "")
    made = state.clone_at(path)
    if made is None or path not in view.luns or shows(CloneLun(path, made.parent, made.snapshot), view):
        return ""
    return f"{path} is not the clone of snapshot {made.snapshot} any more"


def _absent(view: LunView, path: str) -> str:
    return "" if path in view.luns else f"there is no LUN {path}"


def _twin(view: LunView, path: str, serial: str, igroups: set[str]) -> str:
    """A host must never see two LUNs of one serial."""
    for one in view.maps:
        if one.path != path and one.igroup in igroups and serial and _serial(view, one.path) == serial:
            return f"{one.igroup} sees {one.path} with the same serial"
    return ""


def _serial(view: LunView, path: str) -> str:
    one = view.luns.get(path)
    return one.serial if one is not None else ""


# Taking back


def is_undone(state: UseState, one: SentStep, steps: tuple[LunStep, ...], view: LunView) -> bool:
    """Whether a look shows that a command was taken back."""
    if isinstance(one.step, MoveLun) and _clone_at(state, one, one.step.to, view):
        return False
    return bool(shows(steps[-1], view))


def is_ours(state: UseState, one: SentStep, steps: tuple[LunStep, ...], view: LunView) -> bool:
    """Whether what a command did is still there, by path, parent and snapshot of a clone, by the serial that we set."""
    if state.clone_of(one.n) is not None:
        return any(_clone_at(state, one, path, view) for path in paths_of(one.step, *steps))
    if isinstance(one.step, SetSerial):
        return _serial(view, one.step.path) == one.step.serial
    return True


def _clone_at(state: UseState, one: SentStep, path: str, view: LunView) -> bool:
    made = state.clone_of(one.n)
    return made is not None and bool(shows(CloneLun(path, made.parent, made.snapshot), view))
