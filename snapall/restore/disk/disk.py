"""A disk under examination: its bytes, and the structures that were found on it, each with what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SECTOR = 512
"""Bytes of a sector of a LUN of 7-Mode."""


@dataclass(frozen=True, slots=True)
class Structure:
    """A structure at a byte of the disk; `fault` is "" if it is whole."""

    name: str
    offset: int
    fault: str = ""

    def __str__(self) -> str:
        return f"{self.name} at byte {self.offset}: {self.fault}" if self.fault else self.name


@dataclass(frozen=True, slots=True)
class Region:
    """A partition, or the whole disk: where its content begins and how many bytes it has."""

    start: int
    size: int
    name: str = ""  # "partition 1"; "" for the whole disk

    @property
    def prefix(self) -> str:
        """What precedes the names of its structures."""
        return f"{self.name}: " if self.name else ""


@dataclass(slots=True)
class Disk:
    """Reads a disk by `read`, which may raise OSError, and collects what is found."""

    read: Callable[[int, int], bytes]
    size: int
    found: list[Structure] = field(default_factory=list)

    def peek(self, offset: int, length: int) -> bytes:
        """Read so many bytes; zeros stand for those that the disk does not have or cannot give."""
        return self._take(offset, length)[0].ljust(length, b"\0")

    def note(self, name: str, offset: int, fault: str = "") -> None:
        """Collect a structure."""
        self.found.append(Structure(name, offset, fault))

    def expect(
        self, name: str, offset: int, whole: Callable[[bytes], bool], length: int = SECTOR, within: Region | None = None
    ) -> bool:
        """Judge the structure that has to be here, and collect it; `within`: the partition that it may not leave."""
        end = self.size if within is None else min(self.size, within.start + within.size)
        if offset < 0 or offset + length > end:
            beyond = "partition" if end < self.size else "LUN"
            self.note(name, offset, f"beyond the end of the {beyond}, which is at byte {end}")
            return False
        data, fault = self._take(offset, length)
        if not fault and not (len(data) == length and whole(data)):
            fault = "damaged" if any(data) else "missing"
        self.note(name, offset, fault)
        return not fault

    def _take(self, offset: int, length: int) -> tuple[bytes, str]:
        if offset < 0 or length <= 0 or offset >= self.size:
            return b"", ""
        try:
            return self.read(offset, length)[:length], ""
        except OSError as error:
            return b"", f"cannot be read: {error.strerror or error}"
