"""The ledger: every call, what it changed, and which VMs were quiesced at each capture."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


class Change(StrEnum):
    """The kinds of change."""

    MADE = "made"  # a VM snapshot
    REMOVED = "removed"
    CAPTURED = "captured"  # a filer snapshot
    RENAMED = "renamed"
    DELETED = "deleted"


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
        parts = self.command.split()
        return " ".join(parts[:2] if parts[:1] == ["snap"] else parts[:1])

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
        return Ledger(entry for entry in self.filer if entry.verb in {"snap create", "snap rename", "snap delete"})

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
