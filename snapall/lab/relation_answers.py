"""What `snapmirror status` and `snapvault status` show."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from snapall.lab.effects import Denied
from snapall.lab.relations import IDLE, TRANSFERRING, RelationRow, relations, volume_of
from snapall.lab.texts import Says

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snapall.lab.transaction import Transaction


def mirror_status(transaction: Transaction, kind: str, arguments: Sequence[str]) -> str | Denied:
    """`snapmirror status [-l] [PLACE]`, and of snapvault."""
    long = arguments[1:2] == ["-l"]
    places = arguments[2 if long else 1 :]
    if arguments == ["destinations", "-s"] and kind == "snapmirror":
        return _destinations(transaction)
    if arguments[:1] != ["status"] or len(places) > 1:
        return Denied(Says.USAGE_MIRROR(kind))
    if kind not in transaction.settings.licenses:
        return Denied(Says.NO_LICENSE(kind))
    place = " ".join(places)
    rows = [end for one in relations(transaction, kind, place) for end in _ends(one, place)]
    if places and not rows:
        return Denied(Says.NO_RELATION(f"{kind} status", places[0]))
    title = Says.MIRROR_ON(kind.capitalize())
    if long:
        return "\n\n".join([title, *("\n".join(_block(one, transaction.now)) for one in rows)])
    return "\n".join([title, Says.HEADING_MIRRORS(), *(_row(one, transaction.now) for one in rows)])


def _ends(one: RelationRow, place: str) -> list[RelationRow]:
    """A relation as its filers show it: the lab's filer is the source's and the destination's, by different names."""
    at_source, at_destination = replace(one, state="Source"), one
    if not place:
        return [at_source, at_destination]
    return [at_destination if at_destination.volume == volume_of(place) else at_source]


def _destinations(transaction: Transaction) -> str | Denied:
    """`snapmirror destinations -s`, which the source's filer answers."""
    if "snapmirror" not in transaction.settings.licenses:
        return Denied(Says.NO_LICENSE("snapmirror"))
    rows = relations(transaction, "snapmirror")
    lines = [f"{one.source.rpartition(':')[2]:<15} {one.base or '-':<32} {one.destination}" for one in rows]
    return "\n".join([Says.HEADING_DESTINATIONS(), *lines])


def _row(one: RelationRow, now: float) -> str:
    done = f"  ({_done(one, now)})" if one.status == TRANSFERRING else ""
    return f"{one.source:<24} {one.destination:<25} {one.state:<14} {_lag(one, now):<10} {one.status}{done}"


def _block(one: RelationRow, now: float) -> list[str]:
    made = datetime.fromtimestamp(one.based, UTC).strftime("%a %b %e %H:%M:%S GMT %Y") if one.base else "-"
    under_way = "Update" if one.status != IDLE else "-"
    kind = one.kind.capitalize() if one.kind == "snapvault" else "Mirror"
    values = {
        "Source": one.source,
        "Destination": one.destination,
        "Status": one.status,
        "Progress": _done(one, now) if one.status != IDLE else "-",
        "State": one.state,
        "Lag": _lag(one, now),
        f"{kind} Timestamp": made,
        "Base Snapshot": one.base or "-",
        "Current Transfer Type": under_way,
        "Current Transfer Error": one.error or "-",
        "Contents": "Replica" if one.base else "-",
        "Last Transfer Type": "Update" if one.base else "-",
        "Last Transfer Size": "1492 KB" if one.base else "-",
        "Last Transfer Duration": _span(one.took) if one.base else "-",
        "Last Transfer From": one.source if one.base else "-",
    }
    return [f"{name + ':':<24}{value}" for name, value in values.items()]


def _done(one: RelationRow, now: float) -> str:
    return f"{max(0, int(now - one.begun))} MB done"


def _lag(one: RelationRow, now: float) -> str:
    return _span(now - one.based) if one.base else "-"


def _span(seconds: float) -> str:
    minutes, rest = divmod(max(0, int(seconds)), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest:02d}"
