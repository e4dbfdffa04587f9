"""What a step of a restore does, in words for messages. Pure."""

from __future__ import annotations

from typing import assert_never

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


def words(step: LunStep) -> str:  # noqa: PLR0912 - one answer for each step
    """A step as the end of a sentence: "could not ..."."""
    match step:
        case HoldApart(volume):
            return f"set snapshot_clone_dependency on {volume}"
        case CloneLun(path, _, snapshot):
            return f"clone {path} from snapshot {snapshot}"
        case SetSerial(path, serial):
            return f"set the serial of {path} to {serial}"
        case MapLun(path, igroup):
            return f"map {path} to {igroup}"
        case UnmapLun(path, igroup):
            return f"unmap {path} from {igroup}"
        case Offline(path):
            return f"take {path} offline"
        case Online(path):
            return f"bring {path} online"
        case MoveLun(path, to):
            return f"rename {path} to {to}"
        case DestroyLun(path):
            return f"destroy {path}"
        case StartSplit(path):
            return f"start splitting {path}"
        case RestoreLun(path, snapshot):
            return f"restore {path} from snapshot {snapshot}"
        case RestoreVolume(volume, snapshot):
            return f"restore volume {volume} from snapshot {snapshot}"
        case _:
            assert_never(step)
