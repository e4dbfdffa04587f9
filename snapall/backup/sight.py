"""What a look shows. It drives this process only; the journal holds the conclusions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from snapall.backup.model import FilerSnapshot, VmSnapshot


@dataclass(frozen=True, slots=True)
class VmsListed:
    """The rows of VPX_SNAPSHOT of these VMs and ids, and the VMs that VirtualCenter knows.

    `version`: of the state when the look began; it shows nothing later. `ended`: the commands without an answer whose
    programs no longer run.
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
    code: str = ""
    ended: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class VolumeListed:
    """A volume's `snap list`, newest first; the look began at this version of the state."""

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
    code: str = ""


@dataclass(frozen=True, slots=True)
class JournalBroken:
    """The journal can no longer be written: nothing new may begin, and memory carries on."""

    why: str


Observation = VmsListed | DatabaseSilent | VolumeListed | FilerSilent | JournalBroken
