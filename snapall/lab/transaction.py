"""One moment of the world: an exclusive transaction, in which a call sees, changes and writes down."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from snapall.lab import databases
from snapall.lab.faults import BESIDE, Fault, FaultKind, Struck
from snapall.lab.ledger import Entry

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from pathlib import Path

    from snapall.lab.site_options import SiteOptions

UP, DOWN = "virtualcenter.db", "virtualcenter.db.down"


@dataclass(slots=True)
class Transaction:
    """What a call may do to the world while nobody else does anything. `now` is in seconds since 1970."""

    db: sqlite3.Connection
    directory: Path
    settings: SiteOptions
    now: float
    lag: Fault | None = None  # when virtualcenter.db is told of what is changed
    lines: list[str] = field(default_factory=list)

    @property
    def time(self) -> datetime:
        """Now, as a date in UTC."""
        return datetime.fromtimestamp(self.now, UTC)

    def count(self, counter: str) -> int:
        """The next number of a counter."""
        query = "UPDATE counters SET value = value + 1 WHERE name = ? RETURNING value"
        return int(self.db.execute(query, (counter,)).fetchall()[0][0])

    def record(self, entry: Entry) -> int:
        """Write an entry into the ledger, with its number and time; the number."""
        n = self.count("entries")
        self.lines.append(replace(entry, n=n, at=self.time).to_json() + "\n")
        return n

    def strike(self, verb: str, vm: int | None, words: Sequence[str]) -> Struck:
        """Count the call, and find the faults that strike it; those that come before it act now."""
        struck = []
        for id_, text, seen in self.db.execute("SELECT id, json, seen FROM faults ORDER BY id").fetchall():
            fault = Fault.from_json(text)
            if fault.concerns(verb, vm, words):
                self.db.execute("UPDATE faults SET seen = ? WHERE id = ?", (seen + 1, id_))
                if fault.strikes(seen + 1):
                    struck.append(fault)
        main = next((fault for fault in struck if fault.kind not in BESIDE), None)
        found = Struck(main, tuple(fault for fault in struck if fault.kind in BESIDE))
        self._before(found, vm)
        return found

    def _before(self, struck: Struck, vm: int | None) -> None:
        self.lag = next(iter(struck.aside(FaultKind.LAG)), None)
        for fault in struck.aside(FaultKind.TAG):
            self.db.execute("UPDATE filer_snapshots SET tags = ? WHERE name = ?", (fault.text, fault.snapshot))
        for fault in struck.aside(FaultKind.VANISH):
            self.db.execute("DELETE FROM filer_snapshots WHERE name = ?", (fault.snapshot,))
        if vm is not None and struck.aside(FaultKind.UNREGISTER):
            self.unregister(vm)
        if vm is not None and struck.aside(FaultKind.MOVE):
            hosts = [row[0] for row in self.db.execute("SELECT id FROM hosts ORDER BY id").fetchall()]
            here = self.db.execute("SELECT host FROM vms WHERE id = ?", (vm,)).fetchall()[0][0]
            self.move(vm, hosts[(hosts.index(here) + 1) % len(hosts)])

    def after(self, struck: Struck) -> None:
        """What comes after the call: the database goes down or up."""
        for fault in struck.aside(FaultKind.DATABASE_DOWN):
            self.database(up=False)
            if fault.seconds:
                self.later(fault.seconds, 0, ("database", "up"))
        if struck.aside(FaultKind.DATABASE_UP):
            self.database(up=True)

    def database(self, *, up: bool) -> None:
        """Make virtualcenter.db reachable for its readers, or not."""
        old, new = (DOWN, UP) if up else (UP, DOWN)
        if (self.directory / old).exists():
            (self.directory / old).rename(self.directory / new)

    def unregister(self, vm: int) -> None:
        """VirtualCenter forgets a VM. Its files stay where they are, and with them its snapshots."""
        self.db.execute("DELETE FROM vms WHERE id = ?", (vm,))
        self.db.execute("DELETE FROM disks WHERE vm = ?", (vm,))
        for statement in databases.VM_GONE:
            self.echo(statement, vm)

    def move(self, vm: int, host: int) -> None:
        """VMotion."""
        self.db.execute("UPDATE vms SET host = ? WHERE id = ?", (host, vm))
        self.echo(databases.VM_MOVED, host, vm)

    def later(self, seconds: float, entry: int, words: Sequence[str], vm: int | None = None) -> int:
        """Let something happen in some seconds, on behalf of a ledger entry (0: of none), whoever is gone by then."""
        query = "INSERT INTO tasks (due, entry, words, vm) VALUES (?, ?, ?, ?) RETURNING id"
        return int(self.db.execute(query, (self.now + seconds, entry, json.dumps(words), vm)).fetchall()[0][0])

    def echo(self, statement: str, *arguments: object) -> None:
        """Let virtualcenter.db follow: at the end of this moment, or when the lag that struck is over."""
        seconds = 0.0 if self.lag is None else self.lag.seconds
        due = self.now + seconds if self.lag is None or seconds else None
        query = "INSERT INTO echoes (due, statement, arguments) VALUES (?, ?, ?)"
        self.db.execute(query, (due, statement, json.dumps(arguments)))
