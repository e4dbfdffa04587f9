"""The changes of LUNs and their maps: what `lun` does to the world, or why the filer refuses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from snapall.lab.effects import Denied
from snapall.lab.ledger import Change, Effect
from snapall.lab.lunrows import PATH, LunRow, change, lun_at, maps
from snapall.lab.texts import Says
from snapall.lab.volume_answers import is_since

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snapall.lab.transaction import Transaction

_SERIAL = re.compile(r"[A-Za-z0-9/-]{12}")
_SERIAL_8_1 = re.compile(r"[A-Za-z0-9/\-#$%&*+<=>?\[!\]^~@]{12}")
_IDS = range(256)
_READING = {"map", "unmap", "offline", "online"}  # allowed on a read-only volume, too


def change_lun(transaction: Transaction, verb: str, path: str, rest: Sequence[str]) -> Effect | Denied | str:  # noqa: PLR0912 - a command each
    """A `lun` command on one LUN that changes something, or shows one property; `rest` is what follows its path."""
    command = f"lun {verb}"
    lun = lun_at(transaction, command, path, changing=verb not in _READING and bool(rest or verb == "destroy"))
    if isinstance(lun, Denied):
        return lun
    match verb, rest:
        case "map", [igroup]:
            return _map(transaction, lun, igroup, None)
        case "map", [igroup, number] if number.isdecimal() and int(number) in _IDS:
            return _map(transaction, lun, igroup, int(number))
        case "unmap", [igroup]:
            return _unmap(transaction, lun, igroup)
        case "offline" | "online", []:
            return _switch(transaction, lun, on=verb == "online")
        case "destroy", []:
            return _destroy(transaction, lun, force=False)
        case "destroy", ["-f"]:
            return _destroy(transaction, lun, force=True)
        case "move", [to]:
            return _move(transaction, lun, to)
        case "serial", []:
            return Says.SERIAL(lun.serial)
        case "serial", [serial]:
            return _serial(transaction, lun, serial)
        case "comment", []:
            return Says.COMMENT(lun.comment)
        case "comment", [text]:
            change(transaction, lun, comment=text)
            return Effect(Change.COMMENTED, lun.path, volume=lun.volume, new=text)
        case _:
            return Denied(Says.USAGE_LUN())


def _map(transaction: Transaction, lun: LunRow, igroup: str, number: int | None) -> Effect | Denied:
    if not transaction.rows("SELECT 1 FROM igroups WHERE name = ?", igroup):
        return Denied(Says.NO_IGROUP("lun map", igroup))
    if igroup in dict(maps(transaction, lun.id)):
        return Denied(Says.ALREADY_MAPPED(lun.path))
    taken = _ids(transaction, igroup)
    if number is None:
        number = next((one for one in _IDS if one not in taken), None)
    if number is None or number in taken:
        return Denied(Says.ID_TAKEN(lun.path, igroup))
    transaction.db.execute("INSERT INTO lun_maps (lun, igroup, id) VALUES (?, ?, ?)", (lun.id, igroup, number))
    transaction.touched.add(lun.id)
    return Effect(Change.MAPPED, lun.path, volume=lun.volume, new=f"{igroup}={number}")


def _ids(transaction: Transaction, igroup: str) -> set[int]:
    """The LUN ids that the initiators of a group see already, in whatever group."""
    query = (
        "SELECT id FROM lun_maps WHERE igroup = ? OR igroup IN (SELECT igroup FROM initiators WHERE name IN"
        " (SELECT name FROM initiators WHERE igroup = ?))"
    )
    return {id_ for (id_,) in transaction.rows(query, igroup, igroup)}


def _unmap(transaction: Transaction, lun: LunRow, igroup: str) -> Effect | Denied:
    number = dict(maps(transaction, lun.id)).get(igroup)
    if number is None:
        return Denied(Says.NOT_MAPPED(lun.path))
    transaction.db.execute("DELETE FROM lun_maps WHERE lun = ? AND igroup = ?", (lun.id, igroup))
    transaction.touched.add(lun.id)
    return Effect(Change.UNMAPPED, lun.path, volume=lun.volume, new=f"{igroup}={number}")


def _switch(transaction: Transaction, lun: LunRow, *, on: bool) -> Effect | Denied:
    if bool(lun.online) is on:
        return Denied(Says.ALREADY_ONLINE(lun.path) if on else Says.ALREADY_OFFLINE(lun.path))
    change(transaction, lun, online=on)
    return Effect(Change.ONLINE if on else Change.OFFLINE, lun.path, volume=lun.volume)


def _destroy(transaction: Transaction, lun: LunRow, *, force: bool) -> Effect | Denied:
    """Refused only for a LUN that is mapped and online (restore.md, section 2)."""
    if lun.online and maps(transaction, lun.id) and not force:
        return Denied(Says.IN_USE(lun.path))
    transaction.touched.add(lun.id)
    transaction.db.execute("DELETE FROM lun_maps WHERE lun = ?", (lun.id,))
    transaction.db.execute("DELETE FROM luns WHERE id = ?", (lun.id,))
    return Effect(Change.DESTROYED, lun.path, volume=lun.volume)


def _move(transaction: Transaction, lun: LunRow, to: str) -> Effect | Denied:
    """Within the volume; the maps go with it."""
    found = PATH.fullmatch(to)
    if found is None or found[1] != lun.volume:
        return Denied(Says.OTHER_VOLUME("lun move", to))
    if transaction.rows("SELECT 1 FROM luns WHERE path = ?", to):
        return Denied(Says.LUN_EXISTS("lun move", to))
    change(transaction, lun, path=to)
    return Effect(Change.MOVED, lun.path, volume=lun.volume, new=to)


def _serial(transaction: Transaction, lun: LunRow, serial: str) -> Effect | Denied:
    """Refused for a LUN that is online."""
    allowed = _SERIAL_8_1 if is_since(transaction.settings.version, 8, 1) else _SERIAL
    if allowed.fullmatch(serial) is None:
        return Denied(Says.BAD_SERIAL(serial))
    if lun.online:
        return Denied(Says.NOT_OFFLINE("lun serial", lun.path))
    change(transaction, lun, serial=serial)
    return Effect(Change.SERIAL_SET, lun.path, volume=lun.volume, new=serial)
