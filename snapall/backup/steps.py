"""The verbs: every command that changes the world, what it can answer, and its inverse."""

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

    `already`: what a removal was to remove was gone before it came.
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
    """It may have happened, or may yet: only looking settles it.

    `claimed`: the program ended well before we went on, yet did not say what it made (a create without an SsId).
    `failed`: it ended by itself and said that it did not work. VirtualCenter may still finish what it gave up on, so
    this is no refusal; but once a look finds nothing, it is no alarm either.
    `busy`: another task on the VM was in the way, so that trying again is worth while.
    `login`: it said that VirtualCenter refused the login; told only of a create or removal that printed no SsId.
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
    """A started program: the pid alone is reused by the system, so its start time (seconds since 1970) goes along."""

    pid: int
    started: float
