"""Disks in memory with just the structures that signatures.py knows, written independently of it."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from struct import pack
from uuid import UUID

SECTOR = 512
MIB = 1 << 20
UUID_OF = bytes(range(16))


class Image:
    """A sparse disk: what was written, and zeros."""

    def __init__(self, size: int = 8 * MIB) -> None:
        self.data = bytearray(size)
        self.reads = 0

    @property
    def size(self) -> int:
        return len(self.data)

    def put(self, offset: int, data: bytes) -> Image:
        assert offset + len(data) <= self.size
        self.data[offset : offset + len(data)] = data
        return self

    def read(self, offset: int, length: int) -> bytes:
        self.reads += 1
        return bytes(self.data[offset : offset + length])

    def damaged(self, offset: int, how: Callable[[bytes], bytes]) -> Image:
        """A copy in which the sector at this byte is another one."""
        start = offset // SECTOR * SECTOR
        copy = Image(0)
        copy.data = bytearray(self.data)
        copy.data[start : start + SECTOR] = how(self.read(start, SECTOR))
        return copy


def mbr(image: Image, *entries: tuple[int, int, int], at: int = 0) -> Image:
    """Entries: type, first sector, sectors."""
    rows = b"".join(pack("<BBHBBHII", 0, 1, 1, kind, 254, 65535, first, count) for kind, first, count in entries)
    return image.put(at, b"\0" * 446 + rows.ljust(64, b"\0") + b"\x55\xaa")


def gpt(image: Image, *entries: tuple[str, int, int]) -> Image:
    """Entries: type, first and last sector."""
    last = image.size // SECTOR - 1
    mbr(image, (0xEE, 1, last))
    rows = b"".join(
        UUID(kind).bytes_le + UUID_OF + pack("<QQQ", start, end, 0) + b"\0" * 72 for kind, start, end in entries
    ).ljust(128 * 128, b"\0")
    for own, other, table in ((1, last, 2), (last, 1, last - 32)):
        body = pack("<IQQQQ16sQIII", 0, own, other, 34, last - 33, UUID_OF, table, 128, 128, zlib.crc32(rows))
        head = b"EFI PART" + pack("<II", 0x10000, 92)
        crc = zlib.crc32(head + b"\0\0\0\0" + body)
        image.put(own * SECTOR, head + pack("<I", crc) + body).put(table * SECTOR, rows)
    return image


def ntfs(image: Image, start: int, size: int) -> Image:
    boot = bytearray(SECTOR)
    boot[3:11] = b"NTFS    "
    boot[11:14] = pack("<HB", SECTOR, 8)
    boot[40:64] = pack("<QQQ", size // SECTOR - 1, 4, 8)
    boot[510:] = b"\x55\xaa"
    record = bytearray(1024)
    record[:8] = b"FILE" + pack("<HH", 48, 3)
    for at in (48, 510, 1022):
        record[at : at + 2] = b"\x07\x00"
    image.put(start, bytes(boot)).put(start + size - SECTOR, bytes(boot))
    return image.put(start + 4 * 4096, bytes(record)).put(start + 8 * 4096, bytes(record))


def fat32(image: Image, start: int, size: int) -> Image:
    boot = bytearray(SECTOR)
    boot[11:16] = pack("<HBH", SECTOR, 1, 32)
    boot[32:36] = pack("<I", size // SECTOR)
    boot[50:52] = pack("<H", 6)
    boot[82:90] = b"FAT32   "
    boot[510:] = b"\x55\xaa"
    return image.put(start, bytes(boot)).put(start + 6 * SECTOR, bytes(boot))


def ext(image: Image, start: int, size: int) -> Image:
    block = bytearray(1024)
    block[:4] = pack("<I", 64)
    block[4:8] = pack("<I", size // 1024)
    block[20:28] = pack("<II", 1, 0)
    block[32:36] = pack("<I", 1024)
    block[56:58] = b"\x53\xef"
    block[104:120] = UUID_OF
    return image.put(start + 1024, bytes(block)).put(start + 1025 * 1024, bytes(block))


def xfs(image: Image, start: int, size: int) -> Image:
    block = bytearray(SECTOR)
    block[:16] = b"XFSB" + pack(">IQ", 4096, size // 4096)
    block[32:48] = UUID_OF
    block[84:92] = pack(">II", size // 8192, 2)
    return image.put(start, bytes(block)).put(start + size // 2, bytes(block))


def lvm(image: Image, start: int, size: int) -> Image:
    areas = pack("<8Q", MIB, 0, 0, 0, 4096, MIB - 4096, 0, 0)
    body = (pack("<I8s", 32, b"LVM2 001") + b"A" * 32 + pack("<Q", size) + areas).ljust(492, b"\0")
    image.put(start + SECTOR, pack("<8sQI", b"LABELONE", 1, lvm_crc(body)) + body)
    head = pack("<16sIQQ", b" LVM2 x[5A%r0N*>", 1, 4096, MIB - 4096).ljust(508, b"\0")
    return image.put(start + 4096, pack("<I", lvm_crc(head)) + head)


def lvm_crc(data: bytes) -> int:
    """As in LVM's own `crc.c`, bit by bit."""
    crc = 0xF597A6CF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    return crc


def vmfs(image: Image, start: int, _size: int = 0) -> Image:
    return image.put(start + MIB, b"\x0d\xd0\x01\xc0")


def disks() -> dict[str, tuple[Image, set[str]]]:
    """Whole disks by name, with the structures that are on each."""
    half = 4 * MIB
    part = half // SECTOR
    windows = ntfs(mbr(Image(), (0x07, 63, part)), 63 * SECTOR, half)
    linux = mbr(Image(12 * MIB), (0x83, 64, part), (0x05, 9000, 14000))
    ext(linux, 64 * SECTOR, half)
    mbr(linux, (0x8E, 2, 4096), (0x05, 6000, 4200), at=9000 * SECTOR)
    lvm(linux, 9002 * SECTOR, 4096 * SECTOR)
    mbr(linux, (0x83, 2, 4096), at=15000 * SECTOR)
    xfs(linux, 15002 * SECTOR, 4096 * SECTOR)
    modern = gpt(
        Image(),
        ("c12a7328-f81f-11d2-ba4b-00a0c93ec93b", 2048, 4095),
        ("0fc63daf-8483-4772-8e79-3d69d8477de4", 4096, 12287),
    )
    fat32(modern, 2048 * SECTOR, MIB)
    xfs(modern, 4096 * SECTOR, half)
    tables = {"MBR", "GPT header", "GPT entries", "GPT backup header", "GPT backup entries"}
    boot, super_, copy = "boot sector", "superblock", ", copy"
    return {
        "windows": (
            windows,
            {"MBR", *(f"partition 1: NTFS {one}" for one in (boot, boot + copy, "MFT", "MFT mirror"))},
        ),
        "linux": (
            linux,
            {"MBR", "table of logical partition 1", "table of logical partition 2"}
            | {f"partition 1: ext {super_}", f"partition 1: ext {super_}{copy}"}
            | {"logical partition 1: LVM label", "logical partition 1: LVM metadata"}
            | {f"logical partition 2: XFS {super_}", f"logical partition 2: XFS {super_}{copy}"},
        ),
        "modern": (
            modern,
            tables
            | {f"partition 1: FAT {boot}", f"partition 1: FAT {boot}{copy}"}
            | {f"partition 2: XFS {super_}", f"partition 2: XFS {super_}{copy}"},
        ),
        "vmfs": (vmfs(mbr(Image(), (0xFB, 128, 8192)), 128 * SECTOR), {"MBR", "partition 1: VMFS volume header"}),
        "bare": (ext(Image(), 0, 8 * MIB), {f"ext {super_}", f"ext {super_}{copy}"}),
        "volume": (lvm(Image(), 0, 8 * MIB), {"LVM label", "LVM metadata"}),
        "swap": (mbr(Image(), (0x83, 64, 8192)).put(64 * SECTOR + 4086, b"SWAPSPACE2"), {"MBR", "partition 1: swap"}),
    }
