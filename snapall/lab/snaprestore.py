"""SnapRestore: one LUN, or a whole volume, back to a snapshot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from snapall.lab import images
from snapall.lab.clones import begin_work, kept_lun
from snapall.lab.effects import Denied, check_volume
from snapall.lab.frozen import KEPT, RESTORING, drop
from snapall.lab.ledger import Change, Effect
from snapall.lab.lunrows import PATH, change, luns
from snapall.lab.texts import Says

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snapall.lab.transaction import Transaction

_THAW = (
    f"INSERT INTO luns (id, volume, image, {KEPT}) SELECT lun, ?, ?, {KEPT} FROM frozen"  # noqa: S608
    " WHERE snapshot = ? AND lun = ?"
)


def restore(transaction: Transaction, arguments: Sequence[str]) -> Effect | Denied | str:
    """`snap restore [-f] [-t vol|file] -s SNAP PLACE`; without -f the filer asks, and nobody answers."""
    words = list(arguments)
    force = "-f" in words
    if force:
        words.remove("-f")
    kind = "vol"
    if words[:1] == ["-t"] and words[1:2] in (["vol"], ["file"]):
        kind, words = words[1], words[2:]
    if len(words) != 3 or words[0] != "-s":
        return Denied(Says.USAGE_RESTORE())
    if "snaprestore" not in transaction.settings.licenses:
        return Denied(Says.NO_LICENSE("snaprestore"))
    act = _volume if kind == "vol" else _file
    return act(transaction, words[1], words[2], force=force)


def _file(transaction: Transaction, snapshot: str, path: str, *, force: bool) -> Effect | Denied | str:
    """The filer clones over the LUN and copies on in the background; its path, serial and maps stay."""
    command = "snap restore"
    found = PATH.fullmatch(path)
    if found is None:
        return Denied(Says.NO_LUN(command, path))
    if denied := check_volume(transaction, command, found[1]):
        return denied
    kept = kept_lun(transaction, found[1], snapshot, path)
    if isinstance(kept, Denied):
        return kept
    rows = luns(transaction, "path = ?", path)
    if not rows:
        return Denied(Says.NO_LUN(command, path))
    if rows[0].work:
        return Denied(Says.SPLITTING(command, path))
    if transaction.value("SELECT full FROM volumes WHERE name = ?", found[1]):
        return Denied(Says.NO_ROOM(command))
    if not force:
        return Says.ASKS_FILE(path)
    seq, image, at, row = kept
    content = images.new_image(transaction, image, at)
    change(transaction, rows[0], image=content, size=row["size"], backing=seq, backed_by=found[2])
    begin_work(transaction, rows[0], RESTORING)
    return Effect(Change.LUN_RESTORED, path, volume=found[1], new=snapshot)


def _volume(transaction: Transaction, snapshot: str, volume: str, *, force: bool) -> Effect | Denied | str:
    """Every LUN, its maps and its content as then; newer snapshots are gone."""
    command = "snap restore"
    if denied := check_volume(transaction, command, volume):
        return denied
    seqs = transaction.rows("SELECT seq FROM filer_snapshots WHERE volume = ? AND name = ?", volume, snapshot)
    if not seqs:
        return Denied(Says.ABSENT())
    busy = luns(transaction, "volume = ? AND work = ?", volume, RESTORING)
    if busy:
        return Denied(Says.SPLITTING(command, busy[0].path))
    if not force:
        return Says.ASKS_VOLUME(volume)
    _revert(transaction, volume, seqs[0][0])
    return Effect(Change.REVERTED, snapshot, volume=volume)


def _revert(transaction: Transaction, volume: str, snapshot: int) -> None:
    """Bring the LUNs back as they were, with their maps; whatever came later is gone."""
    gone = [(lun.id,) for lun in luns(transaction, "volume = ?", volume)]
    transaction.touched.update(id_ for (id_,) in gone)
    transaction.db.executemany("DELETE FROM lun_maps WHERE lun = ?", gone)
    transaction.db.execute("DELETE FROM luns WHERE volume = ?", (volume,))
    query = "DELETE FROM filer_snapshots WHERE volume = ? AND seq > ? RETURNING seq"
    for (newer,) in transaction.rows(query, volume, snapshot):
        drop(transaction, newer)
    query = "SELECT lun, image, epoch, maps FROM frozen WHERE snapshot = ?"
    for lun, image, at, maps in transaction.rows(query, snapshot):
        content = images.new_image(transaction, image, at)
        transaction.db.execute(_THAW, (volume, content, snapshot, lun))
        rows = [(lun, igroup, id_) for igroup, id_ in json.loads(maps)]
        transaction.db.executemany("INSERT INTO lun_maps (lun, igroup, id) VALUES (?, ?, ?)", rows)
        transaction.touched.add(lun)
