"""A destination's filer in memory, with its relations; it answers as 7-Mode does, and keeps a ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from snapall.site.filer import FilerReply, NoAnswer, NotSent

STARTED = "Transfer started.\nMonitor progress with 'snapmirror status' or the snapmirror log.\n"


class SteppingClock:
    """A clock that goes on where it would wait."""

    def __init__(self) -> None:
        self.now = datetime(2007, 3, 22, 3, tzinfo=UTC)

    def utc(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.now.timestamp()

    def wait(self, seconds: float, until: Callable[[], bool]) -> None:
        if not until():
            self.now += timedelta(seconds=seconds)


@dataclass
class Pair:
    """One relation. `ends`: when the transfer that runs will have ended."""

    source: str
    destination: str
    state: str = "Snapmirrored"
    base: int = 7
    synced: datetime = datetime(2007, 3, 21, 3, tzinfo=UTC)
    started: datetime | None = None
    ends: datetime | None = None
    error: str = "-"


class Killed(BaseException):
    """The process dies here."""


@dataclass
class DestinationFiler:
    """The filer. `takes`: seconds for a transfer. `faults`: what happens at the Nth command, counted from 0."""

    clock: SteppingClock
    pairs: dict[str, Pair] = field(default_factory=dict)
    copies: list[str] = field(default_factory=list)
    takes: float = 60
    answers_after: float = 0  # seconds
    silent: bool = False  # whether updates are accepted and nothing is transferred
    refusal: str = ""  # what the source answers to every update
    faults: dict[int, str] = field(default_factory=dict)
    ledger: list[str] = field(default_factory=list)
    calls: int = 0

    @property
    def changes(self) -> list[str]:
        """The commands that change something, as they arrived."""
        return [one for one in self.ledger if " status" not in one and not one.startswith("snap list")]

    def preconnect(self) -> None:
        """There is nothing to open."""

    def command_line(self, command: str) -> str:
        return f"rsh filer2 {command}"

    def run(self, command: str) -> FilerReply:
        fault, self.calls = self.faults.get(self.calls, ""), self.calls + 1
        if fault == "dies before":
            raise Killed
        if fault == "not sent":
            raise NotSent("filer2 cannot be reached", "check the network")
        self.ledger.append(command)
        self.clock.now += timedelta(seconds=self.answers_after)
        answer = self._answer(command)
        if fault == "dies after":
            raise Killed
        if fault == "no answer":
            raise NoAnswer("the connection broke", "", "", "SA-4010")
        return FilerReply(answer, "")

    def _answer(self, command: str) -> str:
        words = command.split()
        match words:
            case ["snapmirror" | "snapvault" as program, "status", "-l", path]:
                return f"{program.capitalize()} is on.\n\n" + "".join(self._block(one) for one in self._at(path))
            case ["snapmirror", "update", "-S", _, path] | ["snapvault", "update", path]:
                return self._update(path.rpartition(":")[2])
            case ["snapvault", "snap", "create", _, name]:
                self.copies.insert(0, f"{self.clock.now:%b %d %H:%M}  {name}")
                return ""
            case ["snap", "list", "-n", volume]:
                rows = "".join(f"{row}.{n}\n" if "  " in row else f"{row}\n" for n, row in enumerate(self.copies))
                head = f"Volume {volume}\nworking...\n\n  date          name\n------------  --------\n"
                return head + rows if rows else f"Volume {volume}\nworking...\n\nNo snapshots exist.\n"
            case _:
                return f"{words[0]} not found.  Type '?' for a list of commands\n"

    def _at(self, path: str) -> list[Pair]:
        return [one for one in self.pairs.values() if one.destination.rpartition(":")[2] == path]

    def _update(self, path: str) -> str:
        (one,) = self._at(path)
        self._finish(one)
        if self.refusal:
            one.error = self.refusal
            return f"Transfer aborted: {self.refusal}.\n"
        if not self.silent and one.ends is None:
            one.started, one.ends, one.error = self.clock.now, self.clock.now + timedelta(seconds=self.takes), "-"
        return STARTED

    def _finish(self, one: Pair) -> None:
        if one.ends is not None and one.started is not None and one.ends <= self.clock.now:
            one.base, one.synced, one.ends = one.base + 1, one.started, None

    def _block(self, one: Pair) -> str:
        self._finish(one)
        lag = int((self.clock.now - one.synced).total_seconds())
        fields = {
            "Source": one.source,
            "Destination": one.destination,
            "Status": "Idle" if one.ends is None else "Transferring",
            "Progress": "-" if one.ends is None else "12 MB done",
            "State": one.state,
            "Lag": f"{lag // 3600:02}:{lag // 60 % 60:02}:{lag % 60:02}",
            "Mirror Timestamp": f"{one.synced:%a %b %d %H:%M:%S GMT %Y}",
            "Base Snapshot": f"filer2(0084186432)_mirror.{one.base}",
            "Current Transfer Type": "-",
            "Current Transfer Error": one.error,
            "Contents": "Replica",
            "Last Transfer Type": "Update",
            "Last Transfer From": one.source,
        }
        return "".join(f"{key + ':':<24}{value}\n" for key, value in fields.items()) + "\n"
