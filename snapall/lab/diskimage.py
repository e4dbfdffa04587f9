"""What a new LUN holds: a partition table, and a small file system with files in it, written here block by block."""

from __future__ import annotations

import hashlib
import struct
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BLOCK = 4096
SECTOR = 512
FIRST = 128  # the partition's first sector: aligned, as NetApp asks for
START = FIRST * SECTOR
DATA = START + 16 * BLOCK
"""Where every disk holds the bytes of its file `data.bin`."""
DATA_LENGTH = 12 * BLOCK
KINDS = {"ext2": 0x83, "ntfs": 0x07, "vmfs": 0xFB}
"""The kinds of disk, each with the type of its partition."""

_INODES = 32
_ROOT, _LOST, _README, _DATA = 2, 11, 12, 13
_MADE = 1174521600  # 2007-03-22


@cache
def pristine(label: str, kind: str, size: int) -> Mapping[int, bytes]:
    """The blocks of a new disk that are not empty, by number. An unknown kind is an empty disk."""
    if kind not in KINDS:
        return {}
    pieces = {0: _partition_table(KINDS[kind], size), DATA: data_of(label)}
    match kind:
        case "ext2":
            pieces |= {START + offset: data for offset, data in _ext2(label, (size - START) // BLOCK)}
        case "ntfs":
            boot = _boot_sector((size - START) // SECTOR)
            pieces |= {START: boot, size - SECTOR: boot}
        case _:
            pieces |= {START + 0x100000: struct.pack("<IB", 0xC001D00D, 3) + label.encode()}
    return _in_blocks(pieces)


@cache
def data_of(label: str) -> bytes:
    """The bytes of `data.bin` on a new disk: no two disks have the same."""
    return hashlib.shake_128(label.encode()).digest(DATA_LENGTH)


def _in_blocks(pieces: Mapping[int, bytes]) -> Mapping[int, bytes]:
    blocks: dict[int, bytearray] = {}
    for offset, data in pieces.items():
        for at in range(0, len(data), SECTOR):
            number, within = divmod(offset + at, BLOCK)
            block = blocks.setdefault(number, bytearray(BLOCK))
            block[within : within + len(data[at : at + SECTOR])] = data[at : at + SECTOR]
    return {number: bytes(block) for number, block in blocks.items()}


def _partition_table(kind: int, size: int) -> bytes:
    entry = struct.pack("<B3sB3sII", 0x80, b"\1\1\0", kind, b"\xfe\xff\xff", FIRST, size // SECTOR - FIRST)
    return bytes(446) + entry + bytes(48) + b"\x55\xaa"


def _boot_sector(sectors: int) -> bytes:
    """NTFS: 8 sectors a cluster; the copy is the partition's last sector."""
    head = b"\xeb\x52\x90NTFS    " + struct.pack("<HB", SECTOR, 8) + bytes(5 + 2) + b"\xf8"
    body = head.ljust(40, b"\0") + struct.pack("<QQQ", sectors - 1, 4, sectors // 16)
    return body.ljust(510, b"\0") + b"\x55\xaa"


def _ext2(label: str, blocks: int) -> Iterator[tuple[int, bytes]]:
    """A file system of one group: readme.txt, data.bin, an empty lost+found."""
    readme = f"This is the disk of {label}.\n".encode()
    used = [*range(8), *range(16, 28)]  # data.bin lies apart, at a place that all disks have
    yield 1024, _superblock(label, blocks, blocks - len(used))
    yield BLOCK, struct.pack("<IIIHHH", 2, 3, 4, blocks - len(used), _INODES - 13, 2)
    yield 2 * BLOCK, _bitmap(used, blocks)
    yield 3 * BLOCK, _bitmap(range(13), _INODES)
    yield 4 * BLOCK, _inodes(len(readme))
    names = [(_ROOT, 2, "."), (_ROOT, 2, ".."), (_LOST, 2, "lost+found"), (_README, 1, "readme.txt")]
    yield 5 * BLOCK, _directory([*names, (_DATA, 1, "data.bin")])
    yield 6 * BLOCK, _directory([(_LOST, 2, "."), (_ROOT, 2, "..")])
    yield 7 * BLOCK, readme


def _superblock(label: str, blocks: int, free: int) -> bytes:
    counts = struct.pack("<7I", _INODES, blocks, 0, free, _INODES - 13, 0, 2)
    sizes = struct.pack("<IIIIII", 2, 32768, 32768, _INODES, 0, _MADE)
    state = struct.pack("<HHHHHHIIIIHH", 0, 20, 0xEF53, 1, 1, 0, _MADE, 0, 0, 1, 0, 0)
    extended = struct.pack("<IHHIII", 11, 128, 0, 0, 0x2, 0)  # directory entries know the type of their file
    uuid = hashlib.md5(label.encode(), usedforsecurity=False).digest()
    return counts + sizes + state + extended + uuid + label.encode()[:16].ljust(16, b"\0")


def _bitmap(used: range | list[int], count: int) -> bytes:
    """One bit for each; what lies beyond the last counts as used."""
    bits = bytearray(b"\xff" * BLOCK)
    for n in range(count):
        if n not in used:
            bits[n // 8] &= ~(1 << n % 8)
    return bytes(bits)


def _inodes(readme: int) -> bytes:
    table = bytearray(BLOCK)
    for number, mode, size, links, blocks in (
        (_ROOT, 0o40755, BLOCK, 3, [5]),
        (_LOST, 0o40700, BLOCK, 2, [6]),
        (_README, 0o100644, readme, 1, [7]),
        (_DATA, 0o100644, DATA_LENGTH, 1, list(range(16, 28))),
    ):
        times = struct.pack("<HHIIIIIHH", mode, 0, size, _MADE, _MADE, _MADE, 0, 0, links)
        places = struct.pack("<III", len(blocks) * BLOCK // SECTOR, 0, 0) + struct.pack(f"<{len(blocks)}I", *blocks)
        table[(number - 1) * 128 : (number - 1) * 128 + len(times + places)] = times + places
    return bytes(table)


def _directory(entries: list[tuple[int, int, str]]) -> bytes:
    found = b""
    for n, (inode, kind, name) in enumerate(entries, 1):
        length = BLOCK - len(found) if n == len(entries) else (8 + len(name) + 3) // 4 * 4
        found += (struct.pack("<IHBB", inode, length, len(name), kind) + name.encode()).ljust(length, b"\0")
    return found
