"""Where VMs lie, and which machines the backup itself needs, as far as the database and the configuration tell. Pure.

VMs are given by VPX_VM.ID, datastores by VPX_DATASTORE.ID.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Place:
    """The datastores of one VM: those that VPX_DS_ASSIGNMENT lists, a mounted ISO's among them, and its disks'.

    `whole`: every disk is listed with its datastore.
    """

    assigned: tuple[int, ...] = ()
    disks: tuple[int, ...] = ()
    whole: bool = False

    @property
    def datastores(self) -> tuple[int, ...]:
        """The datastores of its disks; where these are not all known, all datastores that it may have a disk on."""
        return self.disks if self.whole else tuple(sorted({*self.assigned, *self.disks}))


@dataclass(frozen=True, slots=True)
class NeededHost:
    """A machine that the backup needs while VMs are frozen: what it is, and the names and addresses known of it."""

    what: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What a survey knows of where the VMs lie. Empty: nothing, and then every VM belongs where it was found."""

    datastores: tuple[int, ...] = ()  # the job's own
    queried: frozenset[int] = frozenset()  # the VMs that the job's `query` names
    places: Mapping[int, Place] = field(default_factory=dict)  # of the job's VMs, and of those beside them
    disks_readable: bool = False
    disks_known: bool = False  # whether any disk of these VMs is listed
    names: Mapping[int, str] = field(default_factory=dict)  # of datastores
    storage: Mapping[int, str] = field(default_factory=dict)  # what is below each datastore, where that is known
    home: tuple[int, ...] = ()  # the datastores that the job's volumes hold, as far as the configuration tells
    guests: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  # DNS names and addresses of VMs
    needed: tuple[NeededHost, ...] = ()

    def label(self, datastore: int) -> str:
        """A datastore in messages: `vmvol1_vmfs (688)`, or `688`."""
        return f"{self.names[datastore]} ({datastore})" if self.names.get(datastore) else str(datastore)

    def on_storage_of(self, datastores: Iterable[int]) -> frozenset[int]:
        """These datastores, and the others that lie on the same storage."""
        return frozenset({*datastores, *same_storage(self.storage, datastores)})


def same_storage(storage: Mapping[int, str], datastores: Iterable[int]) -> Mapping[int, int]:
    """The datastores beside these that lie on the same storage, each with the one of these.

    A LUN that the hosts of two datacenters use has an id in each of them, with one STORAGE_URL.
    """
    own = frozenset(datastores)
    below = {storage[one]: one for one in sorted(own) if storage.get(one)}
    return {one: below[url] for one, url in storage.items() if url in below and one not in own}


def most_used(places: Iterable[Place], count: int) -> tuple[int, ...]:
    """The `count` datastores that hold the most of these VMs; presumably they are on the volumes of their job."""
    votes = Counter(store for one in places for store in one.datastores)
    return tuple(sorted(sorted(votes, key=lambda store: (-votes[store], store))[:count]))


_ADDRESS = re.compile(r"[0-9.]+|.*:.*")
_LOOPBACK = re.compile(r"(localhost(\..*)?|127\.[0-9.]+|::1|0\.0\.0\.0|::|)")


def same_machine(ones: Sequence[str | None], others: Sequence[str]) -> str:
    """The first of the `others` that names the same machine as one of the first list; "" if none does.

    A short name equals a full one that begins with it; two full names must be equal. Every machine is `localhost`.
    """
    mine = {text for one in ones if one and (text := _plain(one))}
    return next((other for other in others if any(_equal(one, _plain(other)) for one in mine)), "")


def _plain(name: str) -> str:
    text = name.strip().lower().rstrip(".")
    return "" if _LOOPBACK.fullmatch(text) else text


def _equal(one: str, other: str) -> bool:
    if one == other:
        return True
    if not one or not other or _ADDRESS.fullmatch(one) or _ADDRESS.fullmatch(other):
        return False
    return one.split(".", maxsplit=1)[0] == other.split(".", maxsplit=1)[0] and not ("." in one and "." in other)
