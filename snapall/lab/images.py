"""The content of LUNs: images that share what none of them has changed. A snapshot of one costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snapall.lab.diskimage import pristine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from snapall.lab.transaction import Transaction

BLOCK = 4096


def epoch(transaction: Transaction) -> int:
    """The present epoch: what is written now is seen from it on."""
    return int(transaction.value("SELECT value FROM counters WHERE name = 'epoch'"))


def new_image(transaction: Transaction, parent: int, at: int) -> int:
    """An image that begins as another was at an epoch; its id."""
    return int(transaction.value("INSERT INTO images (parent, epoch) VALUES (?, ?) RETURNING id", parent, at))


def read(transaction: Transaction, image: int, at: int, offset: int, length: int) -> bytes:
    """Bytes of an image as it was at an epoch; zeros where nothing was ever written."""
    found = bytearray(length)
    for number, data in _blocks(transaction, image, at, offset // BLOCK, -(-(offset + length) // BLOCK)):
        start = number * BLOCK - offset
        piece = data[max(0, -start) : length - start]
        found[max(0, start) : max(0, start) + len(piece)] = piece
    return bytes(found)


def write(transaction: Transaction, image: int, offset: int, data: bytes) -> None:
    """Change bytes of an image, from the present epoch on."""
    now = epoch(transaction)
    for number in range(offset // BLOCK, -(-(offset + len(data)) // BLOCK)):
        block = bytearray(read(transaction, image, now, number * BLOCK, BLOCK))
        start = offset - number * BLOCK
        piece = data[max(0, -start) : BLOCK - start]
        block[max(0, start) : max(0, start) + len(piece)] = piece
        query = "INSERT OR REPLACE INTO blocks (image, number, epoch, data) VALUES (?, ?, ?, ?)"
        transaction.db.execute(query, (image, number, now, bytes(block)))


def written(transaction: Transaction, image: int, at: int, size: int) -> Iterator[tuple[int, bytes]]:
    """The places of an image that are not empty: offset and bytes."""
    for number, data in sorted(dict(_blocks(transaction, image, at, 0, -(-size // BLOCK))).items()):
        yield number * BLOCK, data


def _blocks(transaction: Transaction, image: int, at: int, first: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Numbers and content of the blocks from `first` to before `end`; of two with one number the later counts."""
    query = "SELECT parent, epoch, label, kind, size FROM images WHERE id = ?"
    ((parent, begun, *disk),) = transaction.rows(query, image)
    if parent is not None:
        yield from _blocks(transaction, parent, begun, first, end)
    else:
        yield from ((number, data) for number, data in pristine(*disk).items() if first <= number < end)
    query = (
        "SELECT number, data, max(epoch) FROM blocks WHERE image = ? AND epoch <= ? AND number >= ? AND number < ?"
        " GROUP BY number"
    )
    yield from ((number, data) for number, data, _ in transaction.rows(query, image, at, first, end))
