"""The content of one LUN, by its path: as its VM reads and writes it, and as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snapall.lab import devices, images
from snapall.lab.lunrows import LunRow, luns

if TYPE_CHECKING:
    from pathlib import Path

    from snapall.lab.transaction import Transaction


def read(transaction: Transaction, path: str, offset: int, length: int | None) -> bytes:
    """Bytes of a LUN, no further than its end."""
    lun = _lun(transaction, path)
    end = lun.size if length is None else min(lun.size, offset + length)
    return images.read(transaction, lun.image, images.epoch(transaction), offset, max(0, end - offset))


def write(transaction: Transaction, path: str, offset: int, data: bytes) -> None:
    """Change bytes of a LUN."""
    lun = _lun(transaction, path)
    if offset + len(data) > lun.size:
        raise ValueError(f"{path} has only {lun.size} bytes")
    images.write(transaction, lun.image, offset, data)
    transaction.touched.add(lun.id)


def device(transaction: Transaction, path: str) -> Path:
    """Where the LUN appears, if it does; the file is brought up to date."""
    lun = _lun(transaction, path)
    transaction.touched.add(lun.id)
    return devices.place(transaction, lun.serial)


def _lun(transaction: Transaction, path: str) -> LunRow:
    rows = luns(transaction, "path = ?", path)
    if not rows:
        raise KeyError(path)
    return rows[0]
