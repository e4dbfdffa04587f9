"""The verbs: every command that changes the site, and its outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from snapall.backup.model import FilerSnapshot, Vm


@dataclass(frozen=True, slots=True)
class Quiesce:
    """`vcbsnapshot -c`: take the VM's snapshot under this name."""

    vm: Vm
    name: str


@dataclass(frozen=True, slots=True)
class Release:
    """`vcbsnapshot -d`: remove one snapshot of the VM by its id. In a plan the id is still `<ssid of vm-N>`."""

    vm: Vm
    ssid: str


@dataclass(frozen=True, slots=True)
class Capture:
    """`snap create`: the filer's snapshot of the volume."""

    volume: str
    name: str


@dataclass(frozen=True, slots=True)
class Rename:
    """`snap rename`."""

    volume: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Delete:
    """`snap delete`: the one step without an inverse."""

    volume: str
    name: str


Step = Quiesce | Release | Capture | Rename | Delete


def happened(step: Capture | Rename | Delete, rows: Sequence[FilerSnapshot]) -> bool:
    """Whether `snap list` of its volume shows that a filer's step took effect."""
    names = {row.name for row in rows}
    match step:
        case Capture(_, name):
            return name in names
        case Rename(_, old, new):
            return new in names and old not in names
        case Delete(_, name):
            return name not in names


@dataclass(frozen=True, slots=True)
class Done:
    """It happened. `ssid` is what a quiesce printed; `output` is the program's whole output, for the log.

    `already`: the snapshot was gone before the removal.
    """

    output: str = ""
    ssid: str = ""
    already: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing was sent, for this reason: the program did not start, or the connection was not made."""

    why: str
    output: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have happened, or still may: only a look settles it.

    `claimed`: the program succeeded but did not print what it made (a create without an SsId).
    `failed`: it ended by itself and said that it failed. VirtualCenter may still finish the task, so this is no
    refusal; once a look finds nothing, it is no alarm either.
    `busy`: another task blocked the VM, so a retry is worthwhile.
    `login`: it said that VirtualCenter refused the login; only set if it printed no SsId.
    """

    why: str
    output: str = ""
    claimed: bool = False
    failed: bool = False
    busy: bool = False
    login: bool = False


Outcome = Done | Refusal | Unknown


@dataclass(frozen=True, slots=True)
class Child:
    """A started program: its pid, which the system reuses, and its start time (seconds since 1970)."""

    pid: int
    started: float
