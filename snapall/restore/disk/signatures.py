"""What a disk holds, by the signatures on it: partition tables and the first structures of what the partitions hold.

Pure: bytes come from `read(offset, length)`, which may raise OSError. No signature says that a file system was
quiesced, so nothing here claims that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from snapall.restore.disk import filesystems
from snapall.restore.disk.disk import SECTOR, Disk, Region, Structure
from snapall.restore.disk.partitions import Partition, mbr_entries, partitions

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class DiskContent:
    """What a disk holds: every structure that was found, or that has to be there and is not."""

    structures: tuple[Structure, ...]

    @property
    def damage(self) -> tuple[str, ...]:
        """What is wrong, in words; empty: everything that was found can be read."""
        return tuple(str(one) for one in self.structures if one.fault)

    @property
    def readable(self) -> bool:
        """Whether something was found, and all of it is whole."""
        return bool(self.structures) and not self.damage


def content_of(read: Callable[[int, int], bytes], size: int) -> DiskContent:
    """Examine a disk of `size` bytes."""
    disk = Disk(read, size)
    first = disk.peek(0, SECTOR)
    if filesystems.is_boot_sector(first) or not (mbr_entries(first) or disk.peek(SECTOR, 8) == b"EFI PART"):
        _without_table(disk)
    else:
        for one in partitions(disk):
            _judge(disk, one)
    return DiskContent(tuple(disk.found))


def _without_table(disk: Disk) -> None:
    """A disk that is one file system or volume, or one whose partition table is lost."""
    if not filesystems.examine(disk, Region(0, disk.size)):
        partitions(disk)  # says what is wrong with the MBR, if it has none
        disk.note("disk", 0, "it has no partition and no known file system")


def _judge(disk: Disk, one: Partition) -> None:
    """Examine a partition; its type says what it may hold. What is of an unknown type may hold anything."""
    held = filesystems.examine(disk, one.region)
    name, start = f"{one.region.name} (type {one.type})", one.region.start
    if one.contents and held not in one.contents:
        wanted = " or ".join(sorted(one.contents))
        rest = "; the copy of an NTFS boot sector is there" if filesystems.ntfs_copy(disk, one.region) else ""
        disk.note(name, start, f"{held or 'nothing known'} is where {wanted} should begin{rest}")
    elif not held:
        disk.note(f"{name}, content not checked", start)
