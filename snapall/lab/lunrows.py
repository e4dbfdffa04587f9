"""A LUN as the world keeps it, and how a command finds the one that it names."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from snapall.lab.effects import Denied, check_volume
from snapall.lab.texts import Says

if TYPE_CHECKING:
    from snapall.lab.transaction import Transaction

PATH = re.compile(r"/vol/([^/\s]+)((?:/[^/\s]+){1,2})")
"""A LUN's path: the volume, perhaps a qtree, and its name."""


@dataclass(frozen=True, slots=True)
class LunRow:
    """A row of the table of the same fields."""

    id: int
    volume: str
    path: str
    size: int
    serial: str
    online: int
    read_only: int
    comment: str
    reserved: int
    ostype: str
    created: float
    image: int
    backing: int | None
    backed_by: str
    work: str
    task: int
    begun: float
    due: float

    def progress(self, now: float) -> int:
        """How much of the background work is done, in percent."""
        return 100 if now >= self.due else int(100 * (now - self.begun) / (self.due - self.begun))


_FIELDS = ", ".join(field.name for field in fields(LunRow))


def luns(transaction: Transaction, where: str = "1", *arguments: object) -> list[LunRow]:
    """The LUNs for which an SQL condition holds, by path."""
    query = f"SELECT {_FIELDS} FROM luns WHERE {where} ORDER BY path"  # noqa: S608
    return [LunRow(*row) for row in transaction.rows(query, *arguments)]


def lun_at(transaction: Transaction, command: str, path: str, *, changing: bool = True) -> LunRow | Denied:
    """The LUN of a path, or why the filer refuses to touch it."""
    found = PATH.fullmatch(path)
    if found is None:
        return Denied(Says.NO_LUN(command, path))
    if denied := check_volume(transaction, command, found[1], changing=changing):
        return denied
    rows = luns(transaction, "path = ?", path)
    return rows[0] if rows else Denied(Says.NO_LUN(command, path))


def maps(transaction: Transaction, lun: int) -> list[tuple[str, int]]:
    """Where a LUN is mapped: initiator groups and LUN ids."""
    return transaction.rows("SELECT igroup, id FROM lun_maps WHERE lun = ? ORDER BY igroup", lun)


def change(transaction: Transaction, lun: LunRow, **values: object) -> None:
    """Set some fields of a LUN."""
    names = ", ".join(f"{name} = ?" for name in values)
    transaction.db.execute(f"UPDATE luns SET {names} WHERE id = ?", (*values.values(), lun.id))  # noqa: S608
    transaction.touched.add(lun.id)
