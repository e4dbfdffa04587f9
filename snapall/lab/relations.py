"""SnapMirror and SnapVault: relations between volumes of the lab's one filer, which goes by two names."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from snapall.lab.effects import Denied, check_volume, take
from snapall.lab.frozen import held, is_blocked
from snapall.lab.ledger import Change, Effect
from snapall.lab.texts import Says

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snapall.lab.transaction import Transaction

IDLE, TRANSFERRING, INTERRUPTED = "Idle", "Transferring", "Idle with restart checkpoint"
SYSID = "0084186432"


@dataclass(frozen=True, slots=True)
class RelationRow:
    """A row of the table of the same fields. `coming` is the snapshot that a transfer brings, since `begun`."""

    destination: str
    kind: str
    source: str
    state: str
    status: str
    base: str
    based: float
    coming: str
    error: str
    keep: str
    number: int
    task: int
    begun: float
    took: float

    @property
    def volume(self) -> str:
        """The destination's volume."""
        return volume_of(self.destination)

    @property
    def source_volume(self) -> str:
        """The source's volume."""
        return volume_of(self.source)

    def is_at(self, place: str) -> bool:
        """Whether one of its ends is this place, with its filer or without."""
        return any(place in {end, end.rpartition(":")[2], volume_of(end)} for end in (self.source, self.destination))


def volume_of(place: str) -> str:
    """The volume of a place such as `filer2:vmvol1_mirror` or `filer2:/vol/sv/qtree`."""
    path = place.rpartition(":")[2]
    return path.split("/")[2] if path.startswith("/vol/") else path


def base_of(destination: str, number: int) -> str:
    """The name of a snapshot that a relation makes for itself."""
    place = destination.replace(":", f"({SYSID})_", 1).replace("/vol/", "").replace("/", "-")
    return f"{place}.{number}"


_FIELDS = ", ".join(field.name for field in fields(RelationRow))


def relations(transaction: Transaction, kind: str, place: str = "") -> list[RelationRow]:
    """The relations of a kind ("": all) that have a place at one end."""
    query = f"SELECT {_FIELDS} FROM relations WHERE ? IN (kind, '') ORDER BY destination"  # noqa: S608
    return [
        one for one in (RelationRow(*row) for row in transaction.rows(query, kind)) if not place or one.is_at(place)
    ]


def update(transaction: Transaction, kind: str, arguments: Sequence[str]) -> Effect | Denied:
    """`snapmirror update [-S SOURCE] DESTINATION`, `snapvault update [-s SNAP] DESTINATION`: only starts it."""
    match arguments:
        case [place]:
            source, snapshot = "", ""
        case ["-S", source, place] if kind == "snapmirror":
            snapshot = ""
        case ["-s", snapshot, place] if kind == "snapvault":
            source = ""
        case _:
            return Denied(Says.USAGE_UPDATE(kind))
    if kind not in transaction.settings.licenses:
        return Denied(Says.NO_LICENSE(kind))
    found = [
        one for one in relations(transaction, kind) if place in {one.destination, one.destination.rpartition(":")[2]}
    ]
    if not found or source not in {"", found[0].source}:
        return Denied(Says.NO_RELATION(f"{kind} update", place))
    if found[0].status == TRANSFERRING:
        return Denied(Says.TRANSFER_UNDER_WAY(f"{kind} update", place))
    return _begin(transaction, found[0], snapshot)


def _begin(transaction: Transaction, one: RelationRow, snapshot: str) -> Effect:
    """An interrupted transfer goes on with the snapshot that it had; what cannot begin shows in the status."""
    started = Effect(Change.TRANSFER_STARTED, one.destination, volume=one.source_volume)
    coming = one.coming or snapshot
    if error := _obstacle(transaction, one, coming):
        change(transaction, one, error=error)
        return started
    if not coming:
        coming = base_of(one.destination, one.number)
        take(transaction, one.source_volume, coming)
    tag(transaction, one.source_volume, coming, f"busy,{one.kind}")
    task = transaction.count("transfer")
    change(transaction, one, status=TRANSFERRING, coming=coming, error="", task=task, begun=transaction.now)
    entry = transaction.value("SELECT value + 1 FROM counters WHERE name = 'entries'")
    transaction.defer(transaction.settings.transfer_seconds, entry, ("transferred", str(task)))
    return started


def _obstacle(transaction: Transaction, one: RelationRow, coming: str) -> str:
    names = _names(transaction, one.source_volume)
    if one.state == "Uninitialized":
        return Says.UNINITIALIZED()
    if one.base and one.base not in names:
        return Says.NO_COMMON()
    if coming and coming not in names:
        return Says.ABSENT()
    return Says.BLOCKED() if not coming and is_blocked(transaction, one.source_volume) else ""


def finish_transfer(transaction: Transaction, task: int) -> Effect | Denied:
    """The destination has everything, unless the transfer broke off: a newer base."""
    found = [one for one in relations(transaction, "") if (one.task, one.status) == (task, TRANSFERRING)]
    if not found:
        return Denied("")
    one = found[0]
    if one.base and one.base != one.coming:
        if SYSID in one.base:
            query = "DELETE FROM filer_snapshots WHERE volume = ? AND name = ?"
            transaction.db.execute(query, (one.source_volume, one.base))
        else:
            tag(transaction, one.source_volume, one.base, "")
    tag(transaction, one.source_volume, one.coming, one.kind)
    if one.kind == "snapmirror":
        _copy_snapshots(transaction, one)
    state = "Snapmirrored" if one.kind == "snapmirror" else "Snapvaulted"
    change(transaction, one, status=IDLE, state=state, base=one.coming, coming="", number=one.number + 1)
    change(transaction, one, based=one.begun, took=transaction.now - one.begun)
    return Effect(Change.TRANSFERRED, one.destination, volume=one.source_volume, new=one.coming)


def _copy_snapshots(transaction: Transaction, one: RelationRow) -> None:
    """A mirror has all the source's snapshots; one that a LUN clone holds there is held here, too."""
    transaction.db.execute("DELETE FROM filer_snapshots WHERE volume = ?", (one.volume,))
    by_luns = held(transaction, one.source_volume)
    query = (
        "SELECT seq, name, date, kb FROM filer_snapshots WHERE volume = ? AND seq <= (SELECT seq FROM filer_snapshots"
        " WHERE volume = ? AND name = ?) ORDER BY seq"
    )
    for seq, name, date, kb in transaction.rows(query, one.source_volume, one.source_volume, one.coming):
        tags = "busy,snapmirror" if name == one.coming else "busy,LUNs" if seq in by_luns else ""
        row = (one.volume, name, date, kb, tags)
        transaction.db.execute("INSERT INTO filer_snapshots (volume, name, date, kb, tags) VALUES (?, ?, ?, ?, ?)", row)


def break_off(transaction: Transaction, error: str) -> None:
    """Transfers under way end before their time, with a checkpoint from which the next update goes on."""
    for one in relations(transaction, ""):
        if one.status == TRANSFERRING:
            change(transaction, one, status=INTERRUPTED, error=error or Says.BROKEN_OFF())


def keep(transaction: Transaction, volume: str, name: str) -> Effect | Denied:
    """`snapvault snap create VOLUME NAME`: the retained copy NAME.0 comes later, on the destination."""
    command = "snapvault snap create"
    if denied := check_volume(transaction, command, volume, changing=False):
        return denied
    if not any(one.volume == volume and one.keep == name for one in relations(transaction, "snapvault")):
        return Denied(Says.NOT_SCHEDULED(command, name))
    entry = transaction.value("SELECT value + 1 FROM counters WHERE name = 'entries'")
    transaction.defer(transaction.settings.transfer_seconds, entry, ("kept", volume, name))
    return Effect(Change.TRANSFER_STARTED, name, volume=volume)


def finish_keeping(transaction: Transaction, volume: str, name: str) -> Effect:
    """The older copies move up by one number."""
    numbers = sorted(
        (int(one.rpartition(".")[2]) for one in _names(transaction, volume) if one.rpartition(".")[0] == name),
        reverse=True,
    )
    for n in numbers:
        query = "UPDATE filer_snapshots SET name = ? WHERE volume = ? AND name = ?"
        transaction.db.execute(query, (f"{name}.{n + 1}", volume, f"{name}.{n}"))
    take(transaction, volume, f"{name}.0")
    return Effect(Change.KEPT, f"{name}.0", volume=volume)


def change(transaction: Transaction, one: RelationRow, **values: object) -> None:
    """Set some fields of a relation."""
    names = ", ".join(f"{name} = ?" for name in values)
    query = f"UPDATE relations SET {names} WHERE destination = ?"  # noqa: S608
    transaction.db.execute(query, (*values.values(), one.destination))


def tag(transaction: Transaction, volume: str, name: str, tags: str) -> None:
    """Let a snapshot have these tags."""
    query = "UPDATE filer_snapshots SET tags = ? WHERE volume = ? AND name = ?"
    transaction.db.execute(query, (tags, volume, name))


def _names(transaction: Transaction, volume: str) -> set[str]:
    return {name for (name,) in transaction.rows("SELECT name FROM filer_snapshots WHERE volume = ?", volume)}
