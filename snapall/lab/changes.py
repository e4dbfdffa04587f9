"""Every command of the filer that changes something, and what it answers when it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snapall.lab.clones import clone
from snapall.lab.effects import Denied, check_volume, snap
from snapall.lab.ledger import Change, Effect
from snapall.lab.luns import change_lun
from snapall.lab.relations import keep, update
from snapall.lab.snaprestore import restore
from snapall.lab.texts import Says
from snapall.lab.volume_answers import knows_dependency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snapall.lab.transaction import Transaction

_ON_ONE_LUN = ("map", "unmap", "offline", "online", "destroy", "move", "serial", "comment")


def filer_change(transaction: Transaction, argv: Sequence[str]) -> Effect | Denied | str | None:
    """Carry out a command of the filer that asks for a change; None: another command.

    Such a command may only show something, as `lun serial PATH` does: then its answer is text.
    """
    match argv:
        case ["snap", "create" | "rename" | "delete", *_]:
            return snap(transaction, argv[1:])
        case ["snap", "restore", *rest]:
            return restore(transaction, rest)
        case ["lun", "clone", *rest]:
            return clone(transaction, rest)
        case ["lun", "destroy", "-f", path]:
            return change_lun(transaction, "destroy", path, ["-f"])
        case ["lun", verb, path, *rest] if verb in _ON_ONE_LUN:
            return change_lun(transaction, verb, path, rest)
        case ["snapmirror" | "snapvault" as kind, "update", *rest]:
            return update(transaction, kind, rest)
        case ["snapvault", "snap", "create", volume, name]:
            return keep(transaction, volume, name)
        case ["vol", "options", volume, name, value]:
            return _set_option(transaction, volume, name, value)
        case _:
            return None


def _set_option(transaction: Transaction, volume: str, name: str, value: str) -> Effect | Denied:
    denied = check_volume(transaction, "vol options", volume)
    if denied is not None:
        return denied
    if name != "snapshot_clone_dependency" or not knows_dependency(transaction.settings.version):
        return Denied(Says.NO_OPTION(name))
    if value not in {"on", "off"}:
        return Denied(Says.BAD_OPTION(name))
    query = "INSERT OR REPLACE INTO volume_options (volume, name, value) VALUES (?, ?, ?)"
    transaction.db.execute(query, (volume, name, value))
    return Effect(Change.OPTION_SET, name, volume=volume, new=value)


def confirmation(effect_of: Sequence[str]) -> str:
    """What the filer prints when a change succeeded; the LUN commands are silent."""
    match effect_of:
        case ["snap", "create", *_]:
            return Says.CREATING()
        case ["snap", "delete", *_]:
            return Says.DELETING()
        case ["snap", "restore", *words] if "file" not in words:
            return Says.REVERTED(words[-1])
        case ["snap", "rename", *_]:
            return Says.RENAMED()
        case ["snapmirror" | "snapvault" as kind, "update", *_]:
            return Says.TRANSFER_STARTED(kind)
        case _:
            return ""
