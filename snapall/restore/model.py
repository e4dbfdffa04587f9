"""The nouns of a restore: LUNs, their maps, initiator groups, and what one look at a volume shows. Frozen data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from snapall.backup import model
from snapall.backup.model import FilerSnapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

LUN_PATH = model.LUN_PATH
"""A LUN's path that may become part of a filer's command line; the configuration has such paths, too."""


@dataclass(frozen=True, slots=True)
class Lun:
    """A LUN as `lun show -v` shows it; `size` in bytes. `backed_by` is the path in a snapshot that a clone rests on."""

    path: str
    size: int
    online: bool = True
    mapped: bool = False
    serial: str = ""
    backed_by: str = ""
    read_only: bool = False
    comment: str = ""

    @property
    def volume(self) -> str:
        """The volume that it lies in."""
        return self.path.split("/")[2]

    @property
    def name(self) -> str:
        """Its file name."""
        return self.path.rpartition("/")[2]

    @property
    def snapshot(self) -> str:
        """The snapshot that a clone rests on; "" for a LUN of its own."""
        parts = self.backed_by.split("/")
        return parts[4] if len(parts) > 4 and parts[3] == ".snapshot" else ""


@dataclass(frozen=True, slots=True)
class LunMap:
    """One row of `lun show -m`: an initiator group sees the LUN under a number (its LUN id)."""

    path: str
    igroup: str
    id: int
    protocol: str = "FCP"


@dataclass(frozen=True, slots=True)
class Igroup:
    """An initiator group: `initiators` are (name, whether it is logged in)."""

    name: str
    protocol: str  # FCP or iSCSI
    ostype: str
    initiators: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class LunView:
    """What one look at a volume shows: the truth by which steps are judged.

    `splitting`: the paths of clones with a split at work, and of LUNs that a single-file restore still copies.
    """

    volume: str
    luns: Mapping[str, Lun] = field(default_factory=dict)
    maps: tuple[LunMap, ...] = ()
    snapshots: tuple[FilerSnapshot, ...] = ()
    splitting: frozenset[str] = frozenset()
    dependency: bool | None = None  # snapshot_clone_dependency; None: this filer does not know the option
    online: bool = True  # the volume itself

    def maps_of(self, path: str) -> tuple[LunMap, ...]:
        """Where a LUN is mapped."""
        return tuple(one for one in self.maps if one.path == path)
