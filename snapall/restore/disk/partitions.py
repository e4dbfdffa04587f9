"""Partition tables: MBR with its logical partitions, and GPT with its backup. Pure."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from struct import unpack_from

from snapall.restore.disk.disk import SECTOR, Disk, Region

_EXTENDED = frozenset({0x05, 0x0F, 0x85})
_MOST_LOGICAL = 64
_MOST_ENTRIES = 1024  # of a GPT

_LINUX = frozenset({"ext", "XFS", "ReiserFS", "JFS", "Btrfs", "LVM", "swap"})
_WINDOWS = frozenset({"NTFS", "FAT", "exFAT", "BitLocker"})
_FAT = frozenset({"FAT"})
_BY_TYPE = {
    **dict.fromkeys((0x01, 0x04, 0x06, 0x0B, 0x0C, 0x0E, 0xEF), _FAT),
    0x07: _WINDOWS,
    0x83: _LINUX,
    0x8E: frozenset({"LVM"}),
    0xFB: frozenset({"VMFS"}),
}
_BY_UUID = {
    "c12a7328-f81f-11d2-ba4b-00a0c93ec93b": _FAT,
    "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7": _WINDOWS | _LINUX,  # Linux used it, too, until it had one of its own
    "0fc63daf-8483-4772-8e79-3d69d8477de4": _LINUX,
    "e6d6d379-f507-44c2-a23c-238f2a3df928": frozenset({"LVM"}),
    "aa31e02a-400f-11db-9590-000c2911d1b8": frozenset({"VMFS"}),
}


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition: its region, its type in words, and which contents that type allows; none: any."""

    region: Region
    type: str
    contents: frozenset[str] = frozenset()


def mbr_entries(data: bytes) -> tuple[tuple[int, int, int], ...] | None:
    """The used entries of an MBR (type, first sector, sectors); None: it is none."""
    rows = [unpack_from("<B3xB3xII", data, 446 + 16 * n) for n in range(4)] if len(data) >= SECTOR else []
    if not rows or data[510:512] != b"\x55\xaa" or any(status not in {0, 0x80} for status, *_ in rows):
        return None
    return tuple((kind, first, count) for _, kind, first, count in rows if kind)


def partitions(disk: Disk) -> list[Partition]:
    """Read and check the partition tables; the partitions that lie on the disk."""
    entries = mbr_entries(disk.peek(0, SECTOR))
    disk.expect("MBR", 0, lambda _: entries is not None)
    if not entries and disk.peek(SECTOR, 8) != b"EFI PART":
        return []
    if entries is None or any(kind == 0xEE for kind, *_ in entries or ()):
        return _gpt(disk)
    found: list[Partition] = []
    for kind, first, count in entries:
        if kind in _EXTENDED:
            found += _logical(disk, first, count)
        else:
            found += _placed(disk, f"partition {len(found) + 1}", first, count, kind)
    return found


def _logical(disk: Disk, first: int, count: int) -> list[Partition]:
    """Follow the chain of tables in an extended partition."""
    found: list[Partition] = []
    at, within = first, Region(first * SECTOR, count * SECTOR)
    for n in range(_MOST_LOGICAL):
        table = mbr_entries(disk.peek(at * SECTOR, SECTOR))
        name = f"table of logical partition {n + 1}"
        if not disk.expect(name, at * SECTOR, lambda data: mbr_entries(data) is not None, within=within):
            break
        following = 0
        for kind, start, size in table or ():
            if kind in _EXTENDED:
                following = first + start
            else:
                found += _placed(disk, f"logical partition {n + 1}", at + start, size, kind)
        if following <= at:  # the last one; a chain that turns back is none
            break
        at = following
    return found


def _placed(disk: Disk, name: str, first: int, count: int, kind: int) -> list[Partition]:
    return _within(
        disk, Partition(Region(first * SECTOR, count * SECTOR, name), f"{kind:02X}", _BY_TYPE.get(kind, _NONE))
    )


_NONE: frozenset[str] = frozenset()


def _within(disk: Disk, one: Partition) -> list[Partition]:
    """The partition, if it lies on the disk; its content is not looked for beyond the end."""
    end = one.region.start + one.region.size
    if end <= disk.size:
        return [one]
    disk.note(one.region.name, one.region.start, f"its end, byte {end}, is beyond the end of the LUN, byte {disk.size}")
    return []


def _gpt(disk: Disk) -> list[Partition]:
    """Check the header and its entries, and the backup of both; the partitions by the first that is whole."""
    first = disk.peek(SECTOR, SECTOR)
    whole = disk.expect("GPT header", SECTOR, lambda data: _is_header(data, 1))
    backup = unpack_from("<Q", first, 32)[0] if whole else disk.size // SECTOR - 1
    second = disk.peek(backup * SECTOR, SECTOR)
    spare = disk.expect("GPT backup header", backup * SECTOR, lambda data: _is_header(data, backup))
    tables = [_entries(disk, "GPT entries", first) if whole else None]
    tables.append(_entries(disk, "GPT backup entries", second) if spare else None)
    rows = next((rows for rows in tables if rows is not None), [])
    found: list[Partition] = []
    for n, (kind, start, end) in enumerate(rows):
        region = Region(start * SECTOR, (end + 1 - start) * SECTOR, f"partition {n + 1}")
        found += _within(disk, Partition(region, kind, _BY_UUID.get(kind, _NONE)))
    return found


def _is_header(data: bytes, at: int) -> bool:
    length, crc, _, own = unpack_from("<IIIQ", data, 12)
    if data[:8] != b"EFI PART" or not 92 <= length <= SECTOR or own != at:
        return False
    return bool(zlib.crc32(data[:16] + b"\0\0\0\0" + data[20:length]) == crc)


def _entries(disk: Disk, name: str, header: bytes) -> list[tuple[str, int, int]] | None:
    """The used entries (type, first and last sector) that a whole header points to; None: they are damaged."""
    at, count, size, crc = unpack_from("<QIII", header, 72)
    length = count * size
    if not 0 < count <= _MOST_ENTRIES or not 128 <= size <= 4096:
        disk.note(name, at * SECTOR, "damaged")
        return None
    if not disk.expect(name, at * SECTOR, lambda data: zlib.crc32(data) == crc, length):
        return None
    data = disk.peek(at * SECTOR, length)
    rows = [(_guid(data[n : n + 16]), *unpack_from("<QQ", data, n + 32)) for n in range(0, length, size)]
    return [(kind, start, end) for kind, start, end in rows if kind != _guid(bytes(16)) and start <= end]


def _guid(data: bytes) -> str:
    first, second, third, rest = unpack_from("<IHH8s", data)
    return f"{first:08x}-{second:04x}-{third:04x}-{rest[:2].hex()}-{rest[2:].hex()}"
