"""What shows that a file system or volume can be read: its first structures and their copies. Pure.

Layouts: Linux kernel and ntfs-3g sources, LVM2's `label.c` and `format_text/layout.h`, vmfs-tools (VMFS).
"""

from __future__ import annotations

import zlib
from struct import unpack_from
from typing import TYPE_CHECKING

from snapall.restore.disk.disk import SECTOR, Disk, Region

if TYPE_CHECKING:
    from collections.abc import Callable

_MIB = 1 << 20
_SIZES = tuple(1 << n for n in range(9, 17))  # bytes that a block or cluster may have
_LVM_MAGIC = b" LVM2 x[5A%r0N*>"

OTHERS = (
    ("exFAT", 3, b"EXFAT   "),
    ("BitLocker", 3, b"-FVE-FS-"),
    ("ReiserFS", 65536 + 52, b"ReIsEr"),
    ("JFS", 32768, b"JFS1"),
    ("Btrfs", 65536 + 64, b"_BHRfS_M"),
    ("swap", 4086, b"SWAPSPACE2"),
)
"""Those of which only the signature is checked: name, where, what."""


def examine(disk: Disk, region: Region) -> str:
    """Find out what a partition holds and check it; the name of what is there, "" if nothing is known."""
    for name, known, check in _CHECKED:
        if known(disk, region.start):
            check(disk, region)
            return name
    for name, where, magic in OTHERS:
        if disk.peek(region.start + where, len(magic)) == magic:
            disk.note(f"{region.prefix}{name}", region.start + where)
            return name
    return ""


def is_boot_sector(data: bytes) -> bool:
    """Whether a sector is the first one of NTFS, FAT or exFAT, which ends like an MBR."""
    fat = data[54:58] == b"FAT1" or data[82:87] == b"FAT32"
    return data[510:512] == b"\x55\xaa" and (data[3:11] in {b"NTFS    ", b"EXFAT   ", b"-FVE-FS-"} or fat)


def ntfs_copy(disk: Disk, region: Region) -> bool:
    """Whether the copy of an NTFS boot sector stands in the partition's last sector."""
    last = region.start + region.size - SECTOR
    return disk.peek(last + 3, 8) == b"NTFS    "


def _ntfs(disk: Disk, region: Region) -> None:
    """Boot sector, its copy behind the last sector that it counts, the first record of the MFT and of its mirror."""
    name, boot = f"{region.prefix}NTFS", disk.peek(region.start, SECTOR)
    sector, per_cluster = unpack_from("<HB", boot, 11)
    cluster = sector * (per_cluster if per_cluster <= 128 else 1 << (256 - per_cluster) % 16)
    total, mft, mirror = unpack_from("<QQQ", boot, 40)
    plausible = boot[510:] == b"\x55\xaa" and sector in _SIZES[:4] and cluster > 0 and total > 0
    if not disk.expect(f"{name} boot sector", region.start, lambda _: plausible):
        return
    copy = region.start + total * sector
    disk.expect(f"{name} boot sector, copy", copy, lambda data: data[3:84] == boot[3:84], within=region)
    for what, where in (("MFT", mft), ("MFT mirror", mirror)):
        disk.expect(f"{name} {what}", region.start + where * cluster, _is_record, 2 * SECTOR, within=region)


def _is_record(data: bytes) -> bool:
    """Whether it is an MFT record: each of its sectors ends in the number that the record's head gives."""
    array, count = unpack_from("<HH", data, 4)
    if data[:4] != b"FILE" or not 2 <= count <= 3 or array + 2 > SECTOR - 2:
        return False
    return all(data[n * SECTOR - 2 : n * SECTOR] == data[array : array + 2] for n in range(1, count))


def _fat(disk: Disk, region: Region) -> None:
    """Boot sector, and the copy that FAT32 has."""
    name, boot = f"{region.prefix}FAT", disk.peek(region.start, SECTOR)
    sector, per_cluster, reserved = unpack_from("<HBH", boot, 11)
    sectors = unpack_from("<H", boot, 19)[0] or unpack_from("<I", boot, 32)[0]
    plausible = boot[510:] == b"\x55\xaa" and sector in _SIZES[:4] and per_cluster > 0 and reserved > 0
    if not disk.expect(f"{name} boot sector", region.start, lambda _: plausible):
        return
    if sectors * sector > region.size:
        disk.note(f"{name} end", region.start + sectors * sector, _beyond(disk, region))
    copy = unpack_from("<H", boot, 50)[0] if boot[82:87] == b"FAT32" else 0
    if 0 < copy < reserved:
        where = region.start + copy * sector
        disk.expect(f"{name} boot sector, copy", where, lambda data: data[11:90] == boot[11:90], within=region)


def _ext(disk: Disk, region: Region) -> None:
    """Superblock, with its counts in bounds, and the copy in the second block group."""
    name, block = f"{region.prefix}ext", disk.peek(region.start + 1024, 1024)
    inodes, low, _, _, _, first, log, _, per_group = unpack_from("<9I", block)
    high = unpack_from("<I", block, 0x150)[0] if unpack_from("<I", block, 96)[0] & 0x80 else 0
    blocks, size = low | high << 32, 1024 << min(log, 16)
    plausible = log <= 6 and inodes > 0 and per_group > 0 and first == (size == 1024)
    if not disk.expect(f"{name} superblock", region.start + 1024, lambda _: plausible, 1024):
        return
    if blocks * size > region.size:
        disk.note(f"{name} end", region.start + blocks * size, _beyond(disk, region))
    copy, sparse2 = first + per_group, unpack_from("<I", block, 92)[0] & 0x200
    if copy < blocks and not sparse2:
        where = region.start + copy * size
        disk.expect(f"{name} superblock, copy", where, lambda data: _same_ext(data, block), 1024, within=region)


def _same_ext(data: bytes, block: bytes) -> bool:
    """Whether it is a copy of the superblock: magic, block size and UUID; counts and times of a copy may lag."""
    return all(data[a:b] == block[a:b] for a, b in ((20, 28), (56, 58), (104, 120)))


def _xfs(disk: Disk, region: Region) -> None:
    """Superblock, with its counts in bounds, and the one of the second allocation group."""
    name, block = f"{region.prefix}XFS", disk.peek(region.start, SECTOR)
    size, blocks = unpack_from(">IQ", block, 4)
    per_group, groups = unpack_from(">II", block, 84)
    plausible = size in _SIZES and groups > 0 and (groups - 1) * per_group < blocks <= groups * per_group
    if not disk.expect(f"{name} superblock", region.start, lambda _: plausible):
        return
    if blocks * size > region.size:
        disk.note(f"{name} end", region.start + blocks * size, _beyond(disk, region))
    if groups > 1:
        where = region.start + per_group * size
        disk.expect(
            f"{name} superblock, copy",
            where,
            lambda data: data[:4] == b"XFSB" and data[32:48] == block[32:48],
            within=region,
        )


def _is_lvm(disk: Disk, start: int) -> bool:
    return _label(disk, start) >= 0


def _label(disk: Disk, start: int) -> int:
    """The sector, one of the first four, that holds the label; -1: none."""
    return next((n for n in range(4) if disk.peek(start + n * SECTOR, 8) == b"LABELONE"), -1)


def _lvm(disk: Disk, region: Region) -> None:
    """The label of a physical volume with its checksum, and its metadata areas with theirs."""
    name, at = f"{region.prefix}LVM", region.start + _label(disk, region.start) * SECTOR
    label = disk.peek(at, SECTOR)
    if not disk.expect(f"{name} label", at, lambda data: unpack_from("<I", data, 16)[0] == _lvm_crc(data[20:])):
        return
    head = unpack_from("<I", label, 20)[0] + 32  # behind the volume's UUID
    areas, ends, last = [], 0, min(SECTOR, len(label)) - 16
    for at_ in range(head + 8, last + 1, 16):
        offset, size = unpack_from("<QQ", label, at_)
        ends += not offset
        if ends == 1 and offset:  # the data areas come first
            areas.append((offset, size))
        if ends == 2:
            break
    if head <= last and (size := unpack_from("<Q", label, head)[0]) > region.size:
        disk.note(f"{name} end", region.start + size, _beyond(disk, region))
    for offset, _ in areas:
        disk.expect(f"{name} metadata", region.start + offset, _is_metadata, within=region)


def _is_metadata(data: bytes) -> bool:
    return data[4:20] == _LVM_MAGIC and unpack_from("<I", data)[0] == _lvm_crc(data[4:])


def _lvm_crc(data: bytes) -> int:
    """LVM's checksum: CRC-32 from a start of its own, without the last inversion."""
    return ~zlib.crc32(data, ~0xF597A6CF & 0xFFFFFFFF) & 0xFFFFFFFF


def _vmfs(disk: Disk, region: Region) -> None:
    """The header of a VMFS volume, one MiB into its partition."""
    disk.expect(f"{region.prefix}VMFS volume header", region.start + _MIB, lambda data: data[:4] == _VMFS_MAGIC)


def _beyond(disk: Disk, region: Region) -> str:
    end = min(disk.size, region.start + region.size)
    return f"beyond the end of the {'partition' if end < disk.size else 'LUN'}, which is at byte {end}"


_VMFS_MAGIC = b"\x0d\xd0\x01\xc0"


def _has(where: int, magic: bytes) -> Callable[[Disk, int], bool]:
    return lambda disk, start: disk.peek(start + where, len(magic)) == magic


_CHECKED: tuple[tuple[str, Callable[[Disk, int], bool], Callable[[Disk, Region], None]], ...] = (
    ("NTFS", _has(3, b"NTFS    "), _ntfs),
    ("FAT", lambda disk, start: _has(54, b"FAT1")(disk, start) or _has(82, b"FAT32")(disk, start), _fat),
    ("XFS", _has(0, b"XFSB"), _xfs),
    ("LVM", _is_lvm, _lvm),
    ("ext", _has(1080, b"\x53\xef"), _ext),
    ("VMFS", _has(_MIB, _VMFS_MAGIC), _vmfs),
)
