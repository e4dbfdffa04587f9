"""The LUNs as their hosts see them: each that is mapped and online is a file in the lab's folder `devices`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snapall.lab import images
from snapall.lab.lunrows import LunRow, luns

if TYPE_CHECKING:
    from pathlib import Path

    from snapall.lab.transaction import Transaction

_VISIBLE = (
    "online AND id IN (SELECT lun FROM lun_maps JOIN initiators ON initiators.igroup = lun_maps.igroup"
    " WHERE interface != '') AND volume IN (SELECT name FROM volumes WHERE state = 'online')"
)


def place(transaction: Transaction, serial: str) -> Path:
    """The file of a LUN with this serial; a slash becomes an underscore."""
    return transaction.directory / "devices" / serial.replace("/", "_")


def refresh(transaction: Transaction) -> None:
    """Bring the files up to date with the LUNs that this transaction has touched."""
    if not transaction.touched:
        return
    folder = transaction.directory / "devices"
    folder.mkdir(exist_ok=True)
    visible = {place(transaction, lun.serial): lun for lun in luns(transaction, _VISIBLE)}
    for file in folder.iterdir():
        if file not in visible:
            file.unlink()
    for file, lun in visible.items():
        if lun.id in transaction.touched or not file.exists():
            _write(transaction, file, lun)


def _write(transaction: Transaction, file: Path, lun: LunRow) -> None:
    """A sparse file, put into its place when it is whole."""
    new = file.with_name(f".{file.name}")
    with new.open("wb") as out:
        out.truncate(lun.size)
        for offset, data in images.written(transaction, lun.image, images.epoch(transaction), lun.size):
            out.seek(offset)
            out.write(data[: lun.size - offset])
    new.replace(file)
