"""The LUNs inside snapshots: what a snapshot keeps, and which snapshots LUNs hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from snapall.lab.transaction import Transaction

KEPT = "path, size, serial, online, read_only, comment, reserved, ostype, created, backing, backed_by"
"""What a snapshot keeps of a LUN, beside its content and its maps."""
DEPENDENCY = "snapshot_clone_dependency"
SPLITTING, EFFICIENT, RESTORING = "split", "efficient", "restore"


def freeze(transaction: Transaction, volume: str, snapshot: int) -> None:
    """Keep the LUNs of a volume as they are, in a snapshot that was just taken."""
    if not transaction.rows("SELECT 1 FROM luns WHERE volume = ? LIMIT 1", volume):
        return
    holds = option(transaction, volume, DEPENDENCY) != "on"
    transaction.db.execute(
        f"INSERT OR REPLACE INTO frozen (snapshot, lun, {KEPT}, image, epoch, holds, maps) SELECT ?, id, {KEPT}, image,"  # noqa: S608
        " (SELECT value FROM counters WHERE name = 'epoch'), ?, (SELECT json_group_array(json_array(igroup, m.id))"
        " FROM lun_maps AS m WHERE m.lun = luns.id) FROM luns WHERE volume = ?",
        (snapshot, holds, volume),
    )
    transaction.count("epoch")


def drop(transaction: Transaction, snapshot: int) -> None:
    """Forget what a snapshot kept."""
    transaction.db.execute("DELETE FROM frozen WHERE snapshot = ?", (snapshot,))


def option(transaction: Transaction, volume: str, name: str) -> str:
    """A volume's option; "" for its default."""
    rows = transaction.rows("SELECT value FROM volume_options WHERE volume = ? AND name = ?", volume, name)
    return rows[0][0] if rows else ""


def held(transaction: Transaction, volume: str) -> dict[int, list[str]]:
    """The tags that LUNs give to snapshots of a volume, by the snapshot's seq.

    A clone holds the snapshot that it rests on. So does a snapshot that was taken while there was a clone, unless
    snapshot_clone_dependency was on.
    """
    query = "SELECT DISTINCT backing, work = ? FROM luns WHERE volume = ? AND backing IS NOT NULL"
    rows = transaction.rows(query, RESTORING, volume)
    query = (
        "SELECT DISTINCT f.backing, 0 FROM frozen AS f JOIN filer_snapshots AS s ON s.seq = f.backing"
        " WHERE s.volume = ? AND f.backing IS NOT NULL AND f.holds"
    )
    tags: dict[int, list[str]] = {}
    for snapshot, restoring in [*rows, *transaction.rows(query, volume)]:
        tag = "snap restore" if restoring else "LUNs"
        tags[snapshot] = sorted({*tags.get(snapshot, ()), tag})
    return tags


def is_blocked(transaction: Transaction, volume: str) -> bool:
    """Whether no snapshot of a volume can be taken: a split that saves space, or a single-file restore, copies."""
    query = "SELECT 1 FROM luns WHERE volume = ? AND work IN (?, ?) LIMIT 1"
    return bool(transaction.rows(query, volume, EFFICIENT, RESTORING))
