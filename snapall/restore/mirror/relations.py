"""The nouns of replication: SnapMirror and SnapVault relations, what their status shows, the commands sent to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from snapall.backup.model import volume_at


class Kind(StrEnum):
    """The two ways to replicate; the value is the filer's command."""

    MIRROR = "snapmirror"
    VAULT = "snapvault"


def path_at(place: str) -> str:
    """One end of a relation without its filer, which goes by several names."""
    return place.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class Relation:
    """A configured relation. `filer`: the name of the destination's [filers.NAME], where all commands are sent.

    `source` is "" for a vault: the filer knows it. `keep_name`: the vault's retained copies, "" for none.
    """

    kind: Kind
    filer: str
    destination: str
    source: str = ""
    keep_name: str = ""

    @property
    def label(self) -> str:
        """The relation in messages, `snapmirror of filer2:vmvol1_mirror`."""
        return f"{self.kind} of {self.destination}"


@dataclass(frozen=True, slots=True)
class RelationView:
    """What `status -l` shows of a relation; "" where the filer prints a dash. `lag` in seconds, None: never sent."""

    source: str
    destination: str
    state: str
    status: str
    base: str = ""
    lag: float | None = None
    error: str = ""
    last_from: str = ""
    progress: str = ""

    @property
    def idle(self) -> bool:
        """Whether no transfer runs and none was interrupted: `Idle with restart checkpoint` is another status."""
        return self.status.lower() == "idle"

    @property
    def interrupted(self) -> bool:
        """Whether the last transfer broke off; the next one goes on where it ended."""
        return self.status.lower() == "idle with restart checkpoint"


@dataclass(frozen=True, slots=True)
class RelationEnd:
    """An end of a relation on the filer that shows it: a volume, and the place of the other end.

    `receives`: the volume is the destination. `whole`: all of it, and not a qtree. `base` "": the filer does not say.
    """

    kind: Kind
    volume: str
    other: str
    receives: bool = False
    whole: bool = False
    base: str = ""
    busy: bool = False  # a transfer is under way
    broken: bool = False  # a destination that was made writable


def ends_of(kind: Kind, views: Iterable[RelationView]) -> Iterator[RelationEnd]:
    """The ends on the filer that shows these relations: to the source's it says `Source`; it may also be both."""
    for one in views:
        busy, source = not (one.idle or one.interrupted), one.state.lower() == "source"
        if not source:
            broken = one.state.lower() == "broken-off"
            whole = not path_at(one.destination).startswith("/")
            yield RelationEnd(
                kind, volume_at(one.destination), one.source, True, whole, one.base, busy and not broken, broken
            )
        if source or _filer_at(one.source) == _filer_at(one.destination):
            whole = not path_at(one.source).startswith("/")
            yield RelationEnd(kind, volume_at(one.source), one.destination, False, whole, one.base, busy)


def _filer_at(place: str) -> str:
    return place.rpartition(":")[0].lower()


@dataclass(frozen=True, slots=True)
class CopiesView:
    """The copies of one name on a vault's volume, newest first, each `NAME.N DATE`."""

    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Update:
    """`snapmirror update -S SOURCE DESTINATION`, `snapvault update DESTINATION`: the filer only starts the transfer."""

    relation: Relation

    @property
    def filer(self) -> str:
        """Where it is sent."""
        return self.relation.filer


@dataclass(frozen=True, slots=True)
class KeepCopy:
    """`snapvault snap create VOLUME NAME`: the filer only starts to make the retained copy, NAME.0."""

    filer: str
    volume: str
    name: str


MirrorStep = Update | KeepCopy
View = RelationView | CopiesView


def steps_of(relations: tuple[Relation, ...]) -> tuple[MirrorStep, ...]:
    """The updates, then one retained copy for each volume and name: it holds all qtrees of that volume."""
    updates = tuple(Update(one) for one in relations)
    kept = (KeepCopy(one.filer, volume_at(one.destination), one.keep_name) for one in relations if one.keep_name)
    return (*updates, *dict.fromkeys(kept))


def copies_of(relations: tuple[Relation, ...]) -> tuple[tuple[str, str], ...]:
    """The destination volumes, each once, as (filer, volume)."""
    return tuple(dict.fromkeys((one.filer, volume_at(one.destination)) for one in relations))
