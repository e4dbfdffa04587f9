"""The nouns of replication: SnapMirror and SnapVault relations, what their status shows, the commands sent to them."""

from __future__ import annotations

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
