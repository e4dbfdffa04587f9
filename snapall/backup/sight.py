"""What a look shows: it drives the decisions of this process; only what is concluded from it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from snapall.backup.model import FilerSnapshot, VmSnapshot


@dataclass(frozen=True, slots=True)
class VmsSeen:
    """The rows of VPX_SNAPSHOT of these VMs and ids, and the VMs that VirtualCenter knows.

    `version` is the state's when the look began: what has happened since, the look does not show. `ended` are the
    commands without an answer whose programs do not run any more.
    """

    vms: frozenset[int]
    rows: tuple[VmSnapshot, ...]
    registered: frozenset[int]
    version: int
    ended: tuple[int, ...] = ()
    hosts: Mapping[int, str | None] = field(default_factory=dict)  # of those asked for, where they may be read


@dataclass(frozen=True, slots=True)
class DatabaseSilent:
    """The database could not be asked about these VMs."""

    vms: frozenset[int]
    version: int
    why: str
    hint: str = ""
    ended: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class VolumeSeen:
    """A volume's `snap list`, newest first, asked when the state had this version."""

    volume: str
    rows: tuple[FilerSnapshot, ...]
    version: int


@dataclass(frozen=True, slots=True)
class FilerSilent:
    """A volume's `snap list` could not be read."""

    volume: str
    version: int
    why: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class JournalBroken:
    """The journal cannot be written any more: nothing new may begin, and memory carries on."""

    why: str


Observation = VmsSeen | DatabaseSilent | VolumeSeen | FilerSilent | JournalBroken
