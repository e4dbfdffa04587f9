"""The ledger: all that was asked of the world, what it changed, and what held at each capture."""

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
    """What really changed: of a VM (`vm`, `ssid`, `name`), or of a volume (`volume`, `name`, and `new` of a rename)."""

    change: Change
    name: str
    vm: int | None = None
    ssid: str = ""
    volume: str = ""
    new: str = ""

    @property
    def label(self) -> str:
        """In one line, for a person: `vm-108: made Quiesce (snapshot-1228)`."""
        where = self.volume if self.vm is None else f"vm-{self.vm}"
        what = f"{self.name} -> {self.new}" if self.new else self.name
        return f"{where}: {self.change} {what}" + (f" ({self.ssid})" if self.ssid else "")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. A late effect has a line of its own, whose `of` is the `n` of the line that asked for it.

    `argv` and `exit` (what the program is going to exit with) belong to vcbsnapshot; `transport`, `user` and `command`
    to the filer. `quiesced` is filled for a capture alone: every VM that had a snapshot at that moment, and their
    names.
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
            return next((verbs[word] for word in self.argv if word in verbs), "")
        words = self.command.split()
        return " ".join(words[:2] if words[:1] == ["snap"] else words[:1])

    def to_json(self) -> str:
        """The line, without its end; what does not belong to the entry is left out."""
        values: dict[str, Any] = {"n": self.n, "at": self.at.isoformat(), "system": self.system}
        if self.system == "vcbsnapshot":
            values |= {"argv": self.argv, "exit": self.exit}
        else:
            values |= {"transport": self.transport, "user": self.user, "command": self.command}
        values |= {"effect": self.effect and asdict(self.effect), "fault": self.fault}
        if self.of is not None:
            values["of"] = self.of
        if self.effect is not None and self.effect.change is Change.CAPTURED:
            values["quiesced"] = sorted(self.quiesced)
            values["snapshots"] = self.quiesced
        return json.dumps(values)

    @classmethod
    def from_json(cls, line: str) -> Entry:
        """What `to_json` wrote."""
        values = json.loads(line)
        effect = values["effect"]
        return cls(
            n=values["n"],
            at=datetime.fromisoformat(values["at"]).astimezone(UTC),
            system=values["system"],
            argv=tuple(values.get("argv", ())),
            exit=values.get("exit"),
            transport=values.get("transport", ""),
            user=values.get("user", ""),
            command=values.get("command", ""),
            effect=effect and Effect(**{**effect, "change": Change(effect["change"])}),
            fault=values["fault"],
            of=values.get("of"),
            quiesced={int(vm): tuple(names) for vm, names in values.get("snapshots", {}).items()},
        )


class Ledger(tuple[Entry, ...]):
    """The entries in order, with the questions that tests ask of them."""

    __slots__ = ()

    @property
    def vcbsnapshot(self) -> Ledger:
        """The calls of vcbsnapshot, without late effects."""
        return Ledger(entry for entry in self if entry.system == "vcbsnapshot" and entry.of is None)

    @property
    def filer(self) -> Ledger:
        """The filer commands, without late effects and without logins."""
        return Ledger(entry for entry in self if entry.system == "filer" and entry.of is None and entry.command)

    @property
    def changing(self) -> Ledger:
        """The filer commands that ask for a change, whether or not it came about."""
        return Ledger(entry for entry in self.filer if entry.verb in {"snap create", "snap rename", "snap delete"})

    @property
    def captures(self) -> Ledger:
        """The filer snapshots that were taken, each with what was quiesced at that moment; late ones as well."""
        return self.with_change(Change.CAPTURED)

    @property
    def effects(self) -> tuple[Effect, ...]:
        """All that really changed, in order."""
        return tuple(entry.effect for entry in self if entry.effect is not None)

    def with_change(self, change: Change) -> Ledger:
        """The entries that changed the world in this way."""
        return Ledger(entry for entry in self if entry.effect is not None and entry.effect.change is change)

    def since(self, n: int) -> Ledger:
        """The entries after the `n`th."""
        return Ledger(entry for entry in self if entry.n > n)


def read_ledger(path: Path, count: int) -> Ledger:
    """The ledger of a world that has written `count` entries.

    A line is written just before its change is committed. When a process is killed between the two, the change never
    was: the number is then given again, and the later line is the true one, or the number is above `count`.
    """
    if not path.exists():
        return Ledger()
    lines: Iterable[str] = path.read_text(encoding="utf-8").splitlines()
    entries = {entry.n: entry for entry in map(Entry.from_json, filter(_whole, lines))}
    return Ledger(entries[n] for n in sorted(entries) if n <= count)


def _whole(line: str) -> bool:
    """Whether a line was written to its end."""
    return line.endswith("}")
