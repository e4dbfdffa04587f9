"""The nouns: VMs, their snapshots, the filer's snapshots, the job. Frozen data without effects."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from snapall.backup.whereabouts import Whereabouts

if TYPE_CHECKING:
    from collections.abc import Mapping

FILER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
"""A name that may become part of a filer's command line; what 7-Mode itself allows is not attested."""

DEVICE_NAME = re.compile(r"(?i)(con|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³])(\..*)?")
"""A file's name that is a device on Windows, whatever follows its first dot."""

PLACE = re.compile(
    r"(?:[A-Za-z0-9][A-Za-z0-9_.-]*:)?"
    r"(?:[A-Za-z0-9][A-Za-z0-9_.-]*|/vol/[A-Za-z0-9][A-Za-z0-9_.-]*/(?:-|[A-Za-z0-9_][A-Za-z0-9_.-]*))"
)
"""One end of a relation that may become part of a filer's command line: `filer2:vmvol1_mirror`, `/vol/sv_vmvol1/q1`."""

LUN_PATH = re.compile(r"/vol/([A-Za-z0-9][A-Za-z0-9_.-]*)((?:/[A-Za-z0-9_][A-Za-z0-9_.{}-]*){1,2})")
"""A LUN's path that may become part of a filer's command line: the volume, perhaps a qtree, and its file name."""

_MARK = re.compile(r"\d{8}T\d{6}Z(-[a-z0-9]{4})?", re.IGNORECASE)
_ENCODED = re.compile(r"%(25|2f|5c)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Vm:
    """A virtual machine of a datastore. `id` is VPX_VM.ID; None: the login may not read name or host."""

    id: int
    name: str | None = None
    host: str | None = None

    @property
    def moref(self) -> str:
        """The managed object reference that vcbsnapshot takes, valid for one VirtualCenter (the paper, section 2.1)."""
        return f"vm-{self.id}"

    @property
    def label(self) -> str:
        """Its name in messages: `sql01 (vm-611)`, or `vm-611` when names cannot be read."""
        return self.moref if self.name is None else f"{self.name} ({self.moref})"


@dataclass(frozen=True, slots=True)
class VmSnapshot:
    """A row of VPX_SNAPSHOT. `ssid` is what `vcbsnapshot -d ssid:` takes, `created` is UTC if known."""

    ssid: str
    vm: int
    name: str
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class FilerSnapshot:
    """A row of `snap list`. The date has no year; a tag such as `busy,LUNs` means that it is in use."""

    name: str
    date: str
    tags: tuple[str, ...] = ()


class Grade(IntEnum):
    """How much of a backup was quiesced; a job's `publish` names the least that enters its chain."""

    CRASH_CONSISTENT = 0
    PARTIAL = 1
    WHOLE = 2


class Order(StrEnum):
    """Rotate after the confirmation (safe), or before the capture as the batch does (paper)."""

    SAFE = "safe"
    PAPER = "paper"


class VmPolicy(StrEnum):
    """What a job wants of a VM: no backup without it, try to quiesce it, or skip it."""

    MUST = "must"
    TRY = "try"
    SKIP = "skip"


def decode_name(stored: str) -> str:
    """The name as users see it: VirtualCenter stores %, / and backslash as %25, %2f and %5c."""
    return _ENCODED.sub(lambda hit: {"25": "%", "2f": "/", "5c": "\\"}[hit[1].lower()], stored)


def _marked(text: str) -> bool:
    """Whether the text is a dash and the mark of a run."""
    return text.startswith("-") and _MARK.fullmatch(text[1:]) is not None


def same_name(one: str, other: str) -> bool:
    """Whether two VM snapshots have the same name, as VirtualCenter stores it or as users see it.

    Case and outer blanks do not count, as in most databases.
    """
    return decode_name(one).strip().lower() == decode_name(other).strip().lower()


@dataclass(frozen=True, slots=True)
class Policies:
    """The job's `vms` table in the file's order; keys are names, patterns, or morefs such as `vm-611`."""

    rules: tuple[tuple[str, VmPolicy], ...] = ()

    def of(self, vm: Vm) -> VmPolicy:
        """The policy of a VM: an exact name beats a pattern, then the first pattern wins; case does not count."""
        names = {vm.moref} | ({vm.name.lower()} if vm.name is not None else set())
        rules = [(key.lower(), policy) for key, policy in self.rules]
        exact = [policy for key, policy in rules if key in names]
        patterns = [policy for key, policy in rules if any(fnmatchcase(name, key) for name in names)]
        return next(iter(exact + patterns), VmPolicy.TRY)

    @property
    def need_names(self) -> bool:
        """Whether any rule needs VM names."""
        return any(key != "*" and re.fullmatch(r"vm-\d+", key.lower()) is None for key, _ in self.rules)

    @property
    def musts_by_name(self) -> tuple[str, ...]:
        """The exact names and morefs that must be there; a pattern may match nothing."""
        return tuple(key for key, policy in self.rules if policy is VmPolicy.MUST and not any(c in key for c in "*?["))


@dataclass(frozen=True, slots=True)
class Job:
    """One `[jobs.NAME]` of the configuration: what to back up together, and by which rules. Times in seconds."""

    name: str
    filer: str  # the name of its [filers.NAME]
    volumes: tuple[str, ...]
    datastores: tuple[int | str, ...]
    chain: tuple[str, ...]  # the retained names, newest first
    prefix: str = "vmware"
    vm_snapshot: str = "Quiesce"
    order: Order = Order.SAFE
    publish: Grade = Grade.PARTIAL
    publish_given: bool = False  # whether the file sets it; otherwise it depends on the order
    max_quiesced: float = 900
    busy_wait: float = 600
    allow_empty: bool = False
    guardian: bool = True
    max_age: float = 93600  # of the newest backup; `status` warns beyond it
    policies: Policies = Policies()
    query: str = ""  # one SELECT that answers the ids of more VMs

    @property
    def scope(self) -> str:
        """Which VMs it backs up, in words: those of `datastore 688`, of `its query`, or of both."""
        stores = f"datastore {', '.join(map(str, self.datastores))}" if self.datastores else ""
        return " and ".join(one for one in (stores, "its query" if self.query else "") if one)

    @property
    def newest(self) -> str:
        """The name of the chain that the latest published backup carries (`vmware_recent`)."""
        return self.chain[0]

    def temporary(self, mark: str) -> str:
        """The filer snapshot's name until it is published; only this run uses it."""
        return f"{self.prefix}_new_{mark}"

    def vm_snapshot_of(self, mark: str) -> str:
        """The VM snapshots' name: unique to the run, or the batch's own in paper order."""
        match self.order:
            case Order.SAFE:
                return f"{self.vm_snapshot}-{mark}"
            case Order.PAPER:
                return self.vm_snapshot

    def names_vm_snapshot(self, name: str) -> bool:
        """Whether a VM snapshot has a name of this job, in either order: `Quiesce`, or `Quiesce-` and a stamp."""
        decoded, own = decode_name(name).strip(), decode_name(self.vm_snapshot).strip()
        marked = decoded[len(own) :]
        return same_name(decoded[: len(own)], own) and (not marked or _marked(marked))


@dataclass(frozen=True, slots=True)
class Pace:
    """Calls at a time, and timeouts in seconds."""

    parallel: int = 4
    create_timeout: float = 960
    settle: float = 960  # how long a create without an answer may still act
    filer_timeout: float = 120


@dataclass(frozen=True, slots=True)
class Survey:
    """The site before any change. `listings` maps each volume to its `snap list`, newest first."""

    vms: tuple[Vm, ...]
    vm_snapshots: tuple[VmSnapshot, ...]
    listings: Mapping[str, tuple[FilerSnapshot, ...]]
    version: str
    empty: tuple[int, ...] = ()  # the datastores without a VM
    notes: tuple[tuple[str, str, str], ...] = ()  # what deserves a warning: text, remedy, code of each
    where: Whereabouts = field(default_factory=Whereabouts)
    beside: tuple[Vm, ...] = ()  # VMs of other datastores on the same storage


def chain_names(prefix: str, retain: int) -> tuple[str, ...]:
    """The batch's names for any retention: PREFIX_recent, PREFIX_previous, PREFIX_snap3, PREFIX_snap4 and so on."""
    first = (f"{prefix}_recent", f"{prefix}_previous")[:retain]
    return first + tuple(f"{prefix}_snap{n}" for n in range(3, retain + 1))


def volume_at(place: str) -> str:
    """The volume of one end of a relation: `vmvol1` of `filer1:vmvol1` and of `filer1:/vol/vmvol1/q1`."""
    path = place.rpartition(":")[2]
    return path.split("/")[2] if path.startswith("/vol/") else path


def stamp_of(at: datetime) -> str:
    """The run's stamp, UTC to the second, as names have it: `20070322T030000Z`."""
    return at.strftime("%Y%m%dT%H%M%SZ")


def time_of(stamp: str) -> datetime | None:
    """The time of a stamp; None: the text is not a stamp."""
    try:
        return datetime.strptime(f"{stamp}+0000", "%Y%m%dT%H%M%SZ%z")
    except ValueError:
        return None
