"""What a disk holds is told by its structures, and one damaged sector of any of them is found."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.restore.disk.signatures import content_of
from tests.restore import images
from tests.restore.images import MIB, SECTOR, Image

DISKS = images.disks()
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "zeroed": lambda data: bytes(len(data)),
    "inverted": lambda data: bytes(255 - one for one in data),
}


@pytest.mark.parametrize("name", DISKS)
def test_a_whole_disk_is_readable_and_each_of_its_structures_is_named(name: str) -> None:
    image, structures = DISKS[name]
    found = content_of(image.read, image.size)
    assert found.damage == ()
    assert found.readable
    assert {one.name for one in found.structures} == structures


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("name", DISKS)
def test_one_damaged_sector_of_any_structure_is_found(name: str, how: str) -> None:
    image, _ = DISKS[name]
    for one in content_of(image.read, image.size).structures:
        damaged = image.damaged(one.offset, DAMAGES[how])
        assert not content_of(damaged.read, damaged.size).readable, one.name


@pytest.mark.parametrize("name", DISKS)
def test_a_sector_that_the_device_cannot_read_is_found_and_named(name: str) -> None:
    image, _ = DISKS[name]
    for one in content_of(image.read, image.size).structures:

        def read(offset: int, length: int, bad: int = one.offset // SECTOR * SECTOR) -> bytes:
            if offset < bad + SECTOR and bad < offset + length:
                raise OSError(5, "Input/output error")
            return image.read(offset, length)

        assert not content_of(read, image.size).readable, one.name


@pytest.mark.parametrize("name", [name for name in DISKS if name not in {"vmfs", "swap"}])
def test_a_lun_that_came_back_too_short_is_found(name: str) -> None:
    image, _ = DISKS[name]
    short = 2 * MIB if name != "linux" else 9 * MIB
    damage = content_of(image.read, short).damage
    assert any("beyond the end of the LUN" in one for one in damage)


def test_an_empty_disk_is_no_readable_backup() -> None:
    image = Image(MIB)
    assert content_of(image.read, image.size).damage == (
        "MBR at byte 0: missing",
        "disk at byte 0: it has no partition and no known file system",
    )


def test_a_partition_of_an_unknown_type_is_named_as_not_checked() -> None:
    image = images.mbr(Image(), (0x42, 64, 4096))
    found = content_of(image.read, image.size)
    assert found.readable
    assert str(found.structures[-1]) == "partition 1 (type 42), content not checked"


def test_a_lost_boot_sector_is_named_together_with_its_copy() -> None:
    image, _ = DISKS["windows"]
    damaged = image.damaged(63 * SECTOR, DAMAGES["zeroed"])
    (fault,) = content_of(damaged.read, damaged.size).damage
    assert "nothing known is where" in fault
    assert "the copy of an NTFS boot sector is there" in fault


def test_another_file_system_than_the_type_allows_is_a_fault() -> None:
    image = images.ext(images.mbr(Image(), (0x07, 64, 8192)), 64 * SECTOR, 4 * MIB)
    assert any(": ext is where" in one for one in content_of(image.read, image.size).damage)


def test_a_damaged_gpt_is_read_by_its_backup() -> None:
    image, _ = DISKS["modern"]
    damaged = image.damaged(SECTOR, DAMAGES["zeroed"])
    found = content_of(damaged.read, damaged.size)
    assert found.damage == ("GPT header at byte 512: missing",)
    assert "partition 2: XFS superblock" in {one.name for one in found.structures}


def test_logical_partitions_that_point_back_are_followed_once() -> None:
    image = images.mbr(Image(), (0x05, 64, 8192))
    images.mbr(image, (0x05, 0, 8192), at=64 * SECTOR)
    assert [one.name for one in content_of(image.read, image.size).structures] == [
        "MBR",
        "table of logical partition 1",
    ]


@given(st.binary(max_size=4096), st.integers(min_value=0, max_value=2**45))
def test_random_bytes_never_raise(data: bytes, size: int) -> None:
    content_of(lambda offset, length: data[offset : offset + length], size)


@given(
    st.sampled_from(sorted(DISKS)), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2047), st.binary(max_size=16)))
)
def test_structures_full_of_random_bytes_never_raise(name: str, changes: list[tuple[int, int, bytes]]) -> None:
    whole, _ = DISKS[name]
    offsets = [one.offset for one in content_of(whole.read, whole.size).structures]
    over = [(offsets[n % len(offsets)] + at, data) for n, at, data in changes]

    def read(offset: int, length: int) -> bytes:
        found = bytearray(whole.read(offset, length))
        for at, data in over:
            for n, one in enumerate(data):
                if 0 <= at + n - offset < len(found):
                    found[at + n - offset] = one
        return bytes(found)

    content_of(read, whole.size)
