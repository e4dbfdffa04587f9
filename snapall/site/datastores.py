"""Datastores by id or by name: which ones a job means, and what is on them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from snapall.backup.model import Vm
from snapall.errors import Refused
from snapall.escaping import printable


@dataclass(frozen=True, slots=True)
class Datastore:
    """A row of VPX_DATASTORE; the name as a person sees it."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A VM, no template, and the ids of all datastores that hold files of it."""

    vm: Vm
    datastores: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Inventory:
    """A datastore with its VMs, templates left out, and its space in bytes; None: unknown, or not ours to read."""

    id: int
    name: str
    vms: int
    capacity: int | None
    free: int | None


def bytes_of(value: object) -> int | None:
    """A number of bytes as VPX_DATASTORE keeps it, in no integer type; None when there is none to be read."""
    try:
        number = Decimal(str(value))
        return int(number) if 0 <= number < _MOST_BYTES else None
    except InvalidOperation:
        return None


_MOST_BYTES = 2**63


def ids_of(names: Sequence[int | str], known: Sequence[Datastore | Inventory]) -> tuple[int, ...]:
    """The ids meant, each once; ids pass as they are. Raises Refused for names of no datastore, or of several."""
    found: list[int] = []
    faults: list[str] = []
    for name in names:
        match [name] if isinstance(name, int) else [one.id for one in known if one.name == name]:
            case [one]:
                found.append(one)
            case []:
                faults.append(f"there is no datastore called {_quoted(str(name))}{_near(str(name), known)}")
            case several:
                ids = ", ".join(map(str, several))
                faults.append(f"several datastores are called {_quoted(str(name))}: {ids}")
    if faults:
        raise Refused("; ".join(faults), "name the datastore by its id; `snapall datastores` lists them", "SA-2006")
    return tuple(dict.fromkeys(found))


def _quoted(name: str) -> str:
    return f'"{printable(name)}"'


def _near(name: str, known: Sequence[Datastore | Inventory]) -> str:
    """The names that may have been meant; those that differ in case or blanks come first."""
    folded = [one.name for one in known if one.name.strip().lower() == name.strip().lower()]
    near = dict.fromkeys([*folded, *difflib.get_close_matches(name, [one.name for one in known], n=5)])
    return f"; near it: {', '.join(map(_quoted, near))}" if near else ""
