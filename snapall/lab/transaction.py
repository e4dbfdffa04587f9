"""An exclusive transaction of the world, in which a call reads, changes and records."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from snapall.lab import databases

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from pathlib import Path

    from snapall.lab.faults import Fault
    from snapall.lab.ledger import Entry
    from snapall.lab.site_options import SiteOptions

UP, DOWN = "virtualcenter.db", "virtualcenter.db.down"


@dataclass(slots=True)
class Transaction:
    """What a call may do to the world while nobody else does anything. `now` is in seconds since 1970."""

    db: sqlite3.Connection
    directory: Path
    settings: SiteOptions
    now: float
    lag: Fault | None = None  # when virtualcenter.db shows what is changed
    lines: list[str] = field(default_factory=list)  # for the ledger
    touched: set[int] = field(default_factory=set)  # the LUNs whose devices may have changed

    @property
    def time(self) -> datetime:
        """Now, as a date in UTC."""
        return datetime.fromtimestamp(self.now, UTC)

    def rows(self, query: str, *arguments: object) -> list[Any]:
        """All rows that a statement returns."""
        return self.db.execute(query, arguments).fetchall()

    def value(self, query: str, *arguments: object) -> Any:
        """The first value that a statement returns."""
        return self.rows(query, *arguments)[0][0]

    def count(self, counter: str) -> int:
        """The next number of a counter."""
        return int(self.value("UPDATE counters SET value = value + 1 WHERE name = ? RETURNING value", counter))

    def record(self, entry: Entry) -> int:
        """Write an entry into the ledger, with its number and time; the number."""
        n = self.count("entries")
        self.lines.append(replace(entry, n=n, at=self.time).to_json() + "\n")
        return n

    def defer(self, seconds: float, entry: int, command: Sequence[str], vm: int | None = None) -> int:
        """Let a command act in some seconds, even if its caller dies; the number of the task.

        `entry` is that of the ledger on whose behalf it acts, 0 for none.
        """
        query = "INSERT INTO tasks (due, entry, words, vm) VALUES (?, ?, ?, ?) RETURNING id"
        return int(self.value(query, self.now + seconds, entry, json.dumps(command), vm))

    def echo(self, statement: str, *arguments: object) -> None:
        """Let virtualcenter.db follow: at the end of this transaction, or when the lag that struck is over."""
        seconds = 0.0 if self.lag is None else self.lag.seconds
        due = self.now + seconds if self.lag is None or seconds else None
        query = "INSERT INTO echoes (due, statement, arguments) VALUES (?, ?, ?)"
        self.db.execute(query, (due, statement, json.dumps(arguments)))

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
