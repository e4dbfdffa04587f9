"""The changes themselves: what VirtualCenter and the filer do to the world, or why they refuse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from snapall.lab import databases
from snapall.lab.frozen import drop, freeze, held, is_blocked
from snapall.lab.ledger import Change, Effect, Entry
from snapall.lab.texts import BUSY_REASONS, Says

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from snapall.lab.transaction import Transaction

MOST_SNAPSHOTS = 255  # for each volume


@dataclass(frozen=True, slots=True)
class Denied:
    """Nothing changed; `text` is what the system prints about it."""

    text: str


# VirtualCenter; VPX_SNAPSHOT follows.


def make_snapshot(transaction: Transaction, vm: int, name: str, ssid: str) -> Effect | Denied:
    """VirtualCenter takes a VM snapshot, with an id that is not in use."""
    if denied := check_vm(transaction, vm):
        return denied
    levels = transaction.value("SELECT count(*) FROM vm_snapshots WHERE vm = ?", vm)
    if levels >= transaction.settings.levels:
        return Denied(Says.TOO_DEEP(vm, levels))
    row = (int(ssid.removeprefix("snapshot-")), vm, name, transaction.time.strftime("%Y-%m-%d %H:%M:%S.000000"))
    transaction.db.execute("INSERT INTO vm_snapshots (id, vm, name, created) VALUES (?, ?, ?, ?)", row)
    transaction.echo(databases.SNAPSHOT_MADE, *row)
    return Effect(Change.MADE, name, vm=vm, ssid=ssid)


def remove_snapshot(transaction: Transaction, vm: int, ssid: str) -> Effect | Denied:
    """VirtualCenter removes one snapshot of a VM."""
    number = ssid.removeprefix("snapshot-")
    query = "DELETE FROM vm_snapshots WHERE id = ? AND vm = ? RETURNING name"
    gone = transaction.rows(query, int(number), vm) if number.isdecimal() else []
    if not gone:
        return Denied(Says.NO_VM_SNAPSHOT(ssid))
    transaction.echo(databases.SNAPSHOT_GONE, int(number))
    return Effect(Change.REMOVED, gone[0][0], vm=vm, ssid=ssid)


def check_vm(transaction: Transaction, vm: int) -> Denied | None:
    """Why VirtualCenter refuses to touch a VM, if so."""
    match transaction.rows("SELECT template FROM vms WHERE id = ?", vm):
        case []:
            return Denied(Says.NO_VM(vm))
        case [(1,)]:
            return Denied(Says.TEMPLATE(vm))
        case _:
            return None


def quiesced(transaction: Transaction) -> Mapping[int, tuple[str, ...]]:
    """Every VM that has a snapshot now, with the names of its snapshots."""
    found: dict[int, tuple[str, ...]] = {}
    for vm, name in transaction.rows("SELECT vm, name FROM vm_snapshots ORDER BY vm, id"):
        found[vm] = (*found.get(vm, ()), name)
    return found


def with_quiesced(transaction: Transaction, entry: Entry) -> Entry:
    """The entry, with what is quiesced now if it is a capture."""
    is_capture = entry.effect is not None and entry.effect.change is Change.CAPTURED
    return replace(entry, quiesced=quiesced(transaction)) if is_capture else entry


# The filer.


def snap(transaction: Transaction, arguments: Sequence[str]) -> Effect | Denied:
    """A `snap` command that changes something; `arguments` follow `snap`."""
    match arguments:
        case ["create", volume, name]:
            return check_volume(transaction, "snap create", volume) or _capture(transaction, volume, name)
        case ["rename", volume, old, new]:
            return check_volume(transaction, "snap rename", volume) or _rename(transaction, volume, old, new)
        case ["delete", volume, name]:
            return check_volume(transaction, "snap delete", volume) or _delete(transaction, volume, name)
        case _:
            usages = {"create": Says.USAGE_CREATE, "rename": Says.USAGE_RENAME, "delete": Says.USAGE_DELETE}
            return Denied(usages.get(" ".join(arguments[:1]), Says.USAGE_SNAP)())


def check_volume(transaction: Transaction, command: str, volume: str, *, changing: bool = True) -> Denied | None:
    """Why the filer refuses a `snap` command on a volume, if so."""
    match transaction.rows("SELECT state, read_only FROM volumes WHERE name = ?", volume):
        case []:
            return Denied(Says.NO_VOLUME(command, volume))
        case [(state, _)] if state != "online":
            return Denied(Says.OFFLINE(command, volume))
        case [(_, 1)] if changing:
            return Denied(Says.READ_ONLY())
        case _:
            return None


def _capture(transaction: Transaction, volume: str, name: str) -> Effect | Denied:
    if _tags(transaction, volume, name) is not None:
        return Denied(Says.EXISTS())
    if transaction.value("SELECT count(*) FROM filer_snapshots WHERE volume = ?", volume) >= MOST_SNAPSHOTS:
        return Denied(Says.LIMIT(MOST_SNAPSHOTS))
    if is_blocked(transaction, volume):
        return Denied(Says.BLOCKED())
    if transaction.value("SELECT full FROM volumes WHERE name = ?", volume):
        return Denied(Says.FULL())
    take(transaction, volume, name)
    return Effect(Change.CAPTURED, name, volume=volume)


def take(transaction: Transaction, volume: str, name: str) -> None:
    """Add a snapshot with the filer's date, and keep the volume's LUNs in it."""
    date = (transaction.time + timedelta(seconds=transaction.settings.filer_offset)).strftime("%b %d %H:%M")
    query = (
        "INSERT INTO filer_snapshots (volume, name, date, kb)"
        " SELECT name, ?, ?, kb / 200 FROM volumes WHERE name = ? RETURNING seq"
    )
    freeze(transaction, volume, transaction.value(query, name, date, volume))


def _rename(transaction: Transaction, volume: str, old: str, new: str) -> Effect | Denied:
    """No source says whether a busy snapshot may be renamed; here it may."""
    if _tags(transaction, volume, old) is None:
        return Denied(Says.ABSENT())
    if _tags(transaction, volume, new) is not None:
        return Denied(Says.EXISTS())
    transaction.db.execute("UPDATE filer_snapshots SET name = ? WHERE volume = ? AND name = ?", (new, volume, old))
    return Effect(Change.RENAMED, old, volume=volume, new=new)


def _delete(transaction: Transaction, volume: str, name: str) -> Effect | Denied:
    tags = _tags(transaction, volume, name)
    if tags is None:
        return Denied(Says.ABSENT())
    if "busy" in tags:
        reason = next((BUSY_REASONS.get(tag, tag) for tag in tags if tag != "busy"), "snapshot in use")
        return Denied(Says.BUSY(name, reason))
    query = "DELETE FROM filer_snapshots WHERE volume = ? AND name = ? RETURNING seq"
    drop(transaction, transaction.value(query, volume, name))
    return Effect(Change.DELETED, name, volume=volume)


def _tags(transaction: Transaction, volume: str, name: str) -> tuple[str, ...] | None:
    """The tags of a filer snapshot; None when there is none of that name."""
    query = "SELECT seq, tags FROM filer_snapshots WHERE volume = ? AND name = ?"
    rows = transaction.rows(query, volume, name)
    return tags(rows[0][1], held(transaction, volume).get(rows[0][0], ())) if rows else None


def tags(given: str, by_luns: Sequence[str]) -> tuple[str, ...]:
    """The tags that `snap list` shows: those that somebody set, and those that LUNs give."""
    others = [tag for tag in given.split(",") if tag]
    return tuple(dict.fromkeys(["busy", *others, *by_luns] if by_luns else others))
