"""The filer's own command of each step of a restore. Pure, so that a plan and a run-book print what would be sent."""

from __future__ import annotations

import re
from typing import assert_never

from snapall.backup.model import FILER_NAME
from snapall.errors import Refused
from snapall.restore.model import LUN_PATH
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

IGROUP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*")
"""An initiator group's name that may become part of a filer's command line."""
LUN_SERIAL = re.compile(r"[A-Za-z0-9/\-#$%&*+<=>?\[!\]^~@]{12}")
"""A LUN's serial; the characters beyond letters, digits, `/` and `-` are those of 8.1 and later."""

_LUN_ID = re.compile(r"[0-9]{1,3}|[1-3][0-9]{3}|40[0-8][0-9]|409[0-5]")


def command_of(step: LunStep) -> str:  # noqa: PLR0912 - one command for each step
    """The command of na_lun(1), na_snap(1) or na_vol(1). Raises Refused for an unfit name.

    None forces anything, but `snap restore`: its -f answers the questions that nobody is there to answer.
    """
    match step:
        case HoldApart(volume):
            return f"vol options {fit_name(volume)} snapshot_clone_dependency on"
        case CloneLun(path, parent, snapshot):
            return f"lun clone create {fit_path(path)} -o noreserve -b {fit_path(parent)} {fit_name(snapshot)}"
        case SetSerial(path, serial):
            return f"lun serial {fit_path(path)} {_serial(serial)}"
        case MapLun(path, igroup, id_):
            return f"lun map {fit_path(path)} {_igroup(igroup)}{'' if id_ is None else f' {_lun_id(id_)}'}"
        case UnmapLun(path, igroup):
            return f"lun unmap {fit_path(path)} {_igroup(igroup)}"
        case Offline(path):
            return f"lun offline {fit_path(path)}"
        case Online(path):
            return f"lun online {fit_path(path)}"
        case MoveLun(path, to):
            return f"lun move {fit_path(path)} {fit_path(to)}"
        case DestroyLun(path):
            return f"lun destroy {fit_path(path)}"
        case StartSplit(path):
            return f"lun clone split start {fit_path(path)}"
        case RestoreLun(path, snapshot):
            return f"snap restore -f -t file -s {fit_name(snapshot)} {fit_path(path)}"
        case RestoreVolume(volume, snapshot):
            return f"snap restore -f -t vol -s {fit_name(snapshot)} {fit_name(volume)}"
        case _:
            assert_never(step)


def fit_name(name: str) -> str:
    """A volume's or snapshot's name that may become part of a command; raises Refused for any other."""
    return _fit(FILER_NAME, name, "volume and snapshot names must match [A-Za-z0-9][A-Za-z0-9_.-]*")


def fit_path(path: str) -> str:
    """A LUN's path that may become part of a command; raises Refused for any other."""
    return _fit(LUN_PATH, path, "a LUN's path must be /vol/VOLUME/NAME or /vol/VOLUME/QTREE/NAME, without blanks")


def _igroup(name: str) -> str:
    return _fit(IGROUP_NAME, name, "an initiator group's name must match [A-Za-z0-9][A-Za-z0-9_.:-]*")


def _lun_id(number: int) -> str:
    return _fit(_LUN_ID, str(number), "a LUN id is a number from 0 to 4095")


def _serial(serial: str) -> str:
    """The serial in single quotes, over ssh and rsh alike: from 8.1 on it may hold what the filer's shell reads."""
    return f"'{_fit(LUN_SERIAL, serial, 'a serial has 12 characters, as `lun show -v` shows them')}'"


def _fit(allowed: re.Pattern[str], text: str, remedy: str) -> str:
    """The last gate before a text becomes part of a command line."""
    if allowed.fullmatch(text) is None:
        raise Refused(f"{text!r} cannot be part of a filer's command", remedy, "SA-4306")
    return text
