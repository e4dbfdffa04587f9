"""The ledger: every call, what it changed, and which VMs were quiesced at each capture."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


class Change(StrEnum):
    """The kinds of change."""

    MADE = "made"  # a VM snapshot
    REMOVED = "removed"
    CAPTURED = "captured"  # a filer snapshot
    RENAMED = "renamed"
    DELETED = "deleted"
    CLONED = "cloned"  # a LUN, which is `new`, out of the snapshot `name`
    MAPPED = "mapped"  # the LUN `name`, to the initiator group `new`
    UNMAPPED = "unmapped"
    OFFLINE = "offline"
    ONLINE = "online"
    DESTROYED = "destroyed"
    MOVED = "moved"
    SERIAL_SET = "serial"
    COMMENTED = "commented"
    SPLIT_STARTED = "split started"
    SPLIT_STOPPED = "split stopped"
    COPIED = "copied"  # the background work on a LUN is over, and it rests on no snapshot any more
    LUN_RESTORED = "LUN restored"  # the LUN `name`, out of the snapshot `new`
    REVERTED = "reverted"  # a whole volume, to the snapshot `name`
    OPTION_SET = "option"  # of a volume
    TRANSFER_STARTED = "transfer started"  # to the place `name`
    TRANSFERRED = "transferred"  # `new` is the base snapshot
    TRANSFER_BROKEN = "transfer broken"
    KEPT = "kept"  # a retained copy of SnapVault


_CHANGING = (
    *("snap create", "snap rename", "snap delete", "snap restore"),
    *("lun clone create", "lun clone split start", "lun clone split stop", "lun map", "lun unmap", "lun offline"),
    *("lun online", "lun destroy", "lun move", "snapmirror update", "snapvault update", "snapvault snap create"),
)
_CHANGING_FROM = {"vol options": 5, "lun serial": 4, "lun comment": 4}  # with fewer words they look
_WORDS = {"snap": 2, "vol": 2, "igroup": 2, "lun": 2, "snapmirror": 2, "snapvault": 2}
_LONGER = {"lun clone": 3, "lun snap": 3, "snapvault snap": 3}


def verb_of(argv: Sequence[str]) -> str:
    """The words of a filer command that say what it does: `snap create`, `lun clone split start`, `version`."""
    count = _LONGER.get(" ".join(argv[:2]), _WORDS.get(argv[0] if argv else "", 1))
    return " ".join(argv[: count + (list(argv[:3]) == ["lun", "clone", "split"])])


def changes(argv: Sequence[str]) -> bool:
    """Whether a filer command asks for a change."""
    verb = verb_of(argv)
    return verb in _CHANGING or len(argv) >= _CHANGING_FROM.get(verb, len(argv) + 1)


@dataclass(frozen=True, slots=True)
class Effect:
    """What changed: of a VM (`vm`, `ssid`, `name`), or of a volume (`volume`, `name`, and `new` of a rename)."""

    change: Change
    name: str
    vm: int | None = None
    ssid: str = ""
    volume: str = ""
    new: str = ""

    @property
    def label(self) -> str:
        """In one line: `vm-108: made Quiesce (snapshot-1228)`."""
        where = self.volume if self.vm is None else f"vm-{self.vm}"
        what = f"{self.name} -> {self.new}" if self.new else self.name
        return f"{where}: {self.change} {what}" + (f" ({self.ssid})" if self.ssid else "")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. A deferred effect has a line of its own, whose `of` is the `n` of its call.

    `argv` and `exit` (of the program, when it ends) belong to vcbsnapshot; `transport`, `user` and `command` to the
    filer. Only a capture has `quiesced`: every VM that had a snapshot at that time, and their names.
    """

    at: datetime
    system: str
    n: int = 0
    argv: tuple[str, ...] = ()
    exit: int | None = None
    transport: str = ""
    user: str = ""
    command: str = ""
    effect: Effect | None = None
    fault: str | None = None
    of: int | None = None
    quiesced: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    @property
    def verb(self) -> str:
        """`create`, `delete` or `find` of vcbsnapshot, `snap create` and so on of the filer."""
        if self.system == "vcbsnapshot":
            verbs = {"-c": "create", "-d": "delete", "-f": "find"}
            return next((verbs[one] for one in self.argv if one in verbs), "")
        return verb_of(self.command.split())

    def to_json(self) -> str:
        """The line, without its end and without what does not belong to the entry."""
        values: dict[str, Any] = {"n": self.n, "at": self.at.isoformat(), "system": self.system}
        if self.system == "vcbsnapshot":
            values |= {"argv": self.argv, "exit": self.exit}
        else:
            values |= {"transport": self.transport, "user": self.user, "command": self.command}
        values |= {"effect": self.effect and asdict(self.effect), "fault": self.fault}
        if self.of is not None:
            values["of"] = self.of
        if self.effect is not None and self.effect.change is Change.CAPTURED:
            values |= {"quiesced": sorted(self.quiesced), "snapshots": self.quiesced}
        return json.dumps(values)

    @classmethod
    def from_json(cls, line: str) -> Entry:
        """Read what `to_json` wrote."""
        values = json.loads(line)
        values["at"] = datetime.fromisoformat(values["at"]).astimezone(UTC)
        values["argv"] = tuple(values.get("argv", ()))
        values["quiesced"] = {int(vm): tuple(names) for vm, names in values.pop("snapshots", {}).items()}
        if effect := values["effect"]:
            values["effect"] = Effect(**{**effect, "change": Change(effect["change"])})
        return cls(**values)


class Ledger(tuple[Entry, ...]):
    """The entries in order, with the queries that tests need."""

    __slots__ = ()

    @property
    def vcbsnapshot(self) -> Ledger:
        """The calls of vcbsnapshot, without deferred effects."""
        return Ledger(entry for entry in self if entry.system == "vcbsnapshot" and entry.of is None)

    @property
    def filer(self) -> Ledger:
        """The filer commands, without deferred effects and logins."""
        return Ledger(entry for entry in self if entry.system == "filer" and entry.of is None and entry.command)

    @property
    def changing(self) -> Ledger:
        """The filer commands that ask for a change, granted or not."""
        return Ledger(entry for entry in self.filer if changes(entry.command.split()))

    @property
    def captures(self) -> Ledger:
        """The filer snapshots that were taken, deferred ones too, each with what was quiesced at that time."""
        return self.with_change(Change.CAPTURED)

    @property
    def effects(self) -> tuple[Effect, ...]:
        """Every change, in order."""
        return tuple(entry.effect for entry in self if entry.effect is not None)

    def with_change(self, change: Change) -> Ledger:
        """The entries with this change."""
        return Ledger(entry for entry in self if entry.effect is not None and entry.effect.change is change)

    def since(self, n: int) -> Ledger:
        """The entries after the `n`th."""
        return Ledger(entry for entry in self if entry.n > n)


def read_ledger(path: Path, count: int) -> Ledger:
    """Read the ledger of a world that has written `count` entries.

    A line is written just before its change is committed. When a process is killed between the two, the change never
    happened: a later line has the same number and is the true one, or the number is above `count`.
    """
    if not path.exists():
        return Ledger()
    lines: Iterable[str] = path.read_text(encoding="utf-8").splitlines()
    entries = {entry.n: entry for entry in map(Entry.from_json, filter(_whole, lines))}
    return Ledger(entries[n] for n in sorted(entries) if n <= count)


def _whole(line: str) -> bool:
    """Whether a line is complete."""
    return line.endswith("}")
