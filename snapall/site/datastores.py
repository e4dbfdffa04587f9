"""Datastores by id or by name: which ones a job means, and what is on them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from snapall.backup.model import Vm
from snapall.errors import Refused
from snapall.escaping import quoted


@dataclass(frozen=True, slots=True)
class Placed:
    """A VM, no template, and the ids of all datastores that hold files of it."""

    vm: Vm
    datastores: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DatastoreVms:
    """The VMs of the datastores by ascending id, and whether the login may read their names and their hosts."""

    vms: tuple[Vm, ...]
    datastores: frozenset[int]  # those that have a VM
    names_readable: bool
    hosts_readable: bool


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


def ids_of(names: Sequence[int | str], known: Mapping[int, str]) -> tuple[int, ...]:
    """The ids meant, each once; ids pass as they are. Raises Refused for names of no datastore, or of several.

    `known`: the names of all datastores by id.
    """
    found: list[int] = []
    faults: list[str] = []
    for name in names:
        match [name] if isinstance(name, int) else [one for one, known_name in known.items() if known_name == name]:
            case [one]:
                found.append(one)
            case []:
                faults.append(f"there is no datastore called {quoted(str(name))}{_near(str(name), [*known.values()])}")
            case several:
                ids = ", ".join(map(str, several))
                faults.append(f"several datastores are called {quoted(str(name))}: {ids}")
    if faults:
        raise Refused("; ".join(faults), "name the datastore by its id; `snapall datastores` lists them", "SA-2006")
    return tuple(dict.fromkeys(found))


def _near(name: str, known: Sequence[str]) -> str:
    """The names that may have been meant; those that differ in case or blanks come first."""
    folded = [one for one in known if one.strip().lower() == name.strip().lower()]
    near = dict.fromkeys([*folded, *difflib.get_close_matches(name, known, n=5)])
    return f"; near it: {', '.join(map(quoted, near))}" if near else ""
