"""Datastores by id or by name: which ones a job means, and what is on them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from snapall.backup.model import Job, Vm
from snapall.backup.whereabouts import Whereabouts
from snapall.errors import Refused
from snapall.escaping import quoted


@dataclass(frozen=True, slots=True)
class Placed:
    """A VM, no template, and the ids of the datastores of its disks; not `whole`: of those that may hold one."""

    vm: Vm
    datastores: tuple[int, ...]
    whole: bool = False


@dataclass(frozen=True, slots=True)
class DatastoreVms:
    """The VMs of datastores and of a query by ascending id, where they lie, and what the login may read of them."""

    vms: tuple[Vm, ...]
    datastores: frozenset[int]  # those that have a VM
    names_readable: bool
    hosts_readable: bool
    where: Whereabouts
    beside: tuple[Vm, ...]  # VMs of other datastores on the same storage


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


def home_of(job: Job, own: Sequence[int], jobs: Iterable[Job], known: Mapping[int, str]) -> tuple[int, ...]:
    """The datastores that the job's volumes hold, as far as the configuration tells: its `own`, and, where a `query`
    names its VMs, those of other jobs on the same volumes. `known`: the names of datastores by id.
    """
    alike = [one for one in jobs if job.query and one.filer == job.filer and {*one.volumes} & {*job.volumes}]
    wanted = {store for one in alike for store in one.datastores}
    return tuple(sorted({*own, *(one for one, name in known.items() if one in wanted or name in wanted)}))


def _near(name: str, known: Sequence[str]) -> str:
    """The names that may have been meant; those that differ in case or blanks come first."""
    folded = [one for one in known if one.strip().lower() == name.strip().lower()]
    near = dict.fromkeys([*folded, *difflib.get_close_matches(name, known, n=5)])
    return f"; near it: {', '.join(map(quoted, near))}" if near else ""
