"""The disks of the lab are whole, by what `verify` looks for."""

from __future__ import annotations

import pytest

from snapall.lab import diskimage
from snapall.restore.disk.signatures import content_of

SIZE = 16 << 20
KINDS = {
    "ext2": {"MBR", "partition 1: ext superblock"},
    "ntfs": {"MBR", *(f"partition 1: NTFS {one}" for one in ("boot sector", "boot sector, copy", "MFT", "MFT mirror"))},
    "vmfs": {"MBR", "partition 1: VMFS volume header"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_of_the_lab_is_readable(kind: str) -> None:
    data = bytearray(SIZE)
    for number, block in diskimage.pristine("sql01", kind, SIZE).items():
        data[number * diskimage.BLOCK : (number + 1) * diskimage.BLOCK] = block
    found = content_of(lambda offset, length: bytes(data[offset : offset + length]), SIZE)
    assert found.damage == ()
    assert {one.name for one in found.structures} == KINDS[kind]
