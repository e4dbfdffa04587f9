"""The world on disk: one truth that all processes of the lab share, and the VirtualCenter database that follows it."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snapall.errors import SnapallError
from snapall.lab.effects import carry_out, quiesced
from snapall.lab.faults import Fault
from snapall.lab.ledger import Ledger, read_ledger
from snapall.lab.site_options import SiteOptions
from snapall.lab.transaction import DOWN, UP, Transaction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from snapall.backup.model import FilerSnapshot, Vm, VmSnapshot

PATIENCE = 60.0  # seconds to wait for others who are changing the world


class World:
    """A world that exists in a folder. Threads may share one, processes open their own; close it in the end.

    Raises SnapallError when there is none in the folder.
    """

    def __init__(self, directory: Path | str) -> None:
        self.directory = Path(directory).resolve()
        if not (self.directory / "world.db").exists():
            raise SnapallError(f"there is no lab in {self.directory}", "create it with: snapall lab up")
        self._lock = threading.RLock()
        self._db = connect(self.directory / "world.db")

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        with self._lock:
            self._db.close()

    # Time.

    @property
    def settings(self) -> SiteOptions:
        """The settings as they are now."""
        with self._lock:
            return SiteOptions.from_json(self._db.execute("SELECT json FROM settings").fetchall()[0][0])

    def set(self, **values: Any) -> None:
        """Change some settings, by their names in `Settings`."""
        with self.transaction() as transaction:
            transaction.settings = replace(transaction.settings, **values)
            transaction.db.execute("UPDATE settings SET json = ?", (transaction.settings.to_json(),))

    def now(self) -> datetime:
        """The world's time, in UTC."""
        return datetime.fromtimestamp(_now(self.settings), UTC)

    def wait(self, seconds: float) -> None:
        """Let time pass: really, or on the world's own clock when that stands still."""
        if seconds <= 0:
            return
        if self.settings.clock is None:
            time.sleep(seconds)
        else:
            self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move a clock that stands still, and let happen what is due by then.

        Raises SnapallError when the world runs on real time.
        """
        with self.transaction() as transaction:
            if transaction.settings.clock is None:
                raise SnapallError("this world runs on real time", "give it a clock: World.set(clock=...)")
            transaction.settings = replace(transaction.settings, clock=transaction.settings.clock + seconds)
            transaction.db.execute("UPDATE settings SET json = ?", (transaction.settings.to_json(),))
        self.catch_up()

    # Change.

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One exclusive transaction, after whatever was due; virtualcenter.db follows at its end."""
        with self._lock:
            with self._exclusive() as transaction:
                carry_out(transaction)
                yield transaction
            self._echo()

    def catch_up(self) -> None:
        """Let happen what is due."""
        with self.transaction():
            pass

    def is_owed(self) -> bool:
        """Whether something is due, without locking anybody out."""
        query = (
            "SELECT EXISTS (SELECT 1 FROM tasks WHERE acted IS NULL AND due <= :now)"
            " OR EXISTS (SELECT 1 FROM echoes WHERE due <= :now)"
        )
        with self._lock:
            return bool(self._db.execute(query, {"now": _now(self.settings)}).fetchall()[0][0])

    @contextmanager
    def _exclusive(self) -> Iterator[Transaction]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            settings = self.settings
            transaction = Transaction(self._db, self.directory, settings, _now(settings))
            yield transaction
            if transaction.lines:
                with (self.directory / "ledger.jsonl").open("a", encoding="utf-8", newline="\n") as ledger:
                    ledger.write("".join(transaction.lines))
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _echo(self) -> None:
        """Bring virtualcenter.db up to date. After the truth is committed, so that it never tells what is not so."""
        due = "FROM echoes WHERE due <= ?"
        now = _now(self.settings)
        if not self._db.execute(f"SELECT 1 {due} LIMIT 1", (now,)).fetchall():
            return
        with self._exclusive() as transaction:
            path = next(path for path in (self.directory / UP, self.directory / DOWN) if path.exists())
            rows = transaction.db.execute(f"SELECT statement, arguments {due} ORDER BY id", (now,)).fetchall()
            with closing(connect(path)) as virtualcenter:
                virtualcenter.execute("BEGIN IMMEDIATE")
                for statement, arguments in rows:
                    virtualcenter.execute(statement, json.loads(arguments))
                virtualcenter.execute("COMMIT")
            transaction.db.execute(f"DELETE {due}", (now,))

    def add_faults(self, *faults: Fault) -> None:
        """Let these go wrong from now on; each counts its calls from here."""
        with self.transaction() as transaction:
            rows = [(fault.to_json(),) for fault in faults]
            transaction.db.executemany("INSERT INTO faults (json) VALUES (?)", rows)

    def clear_faults(self) -> None:
        """Let all be well again."""
        with self.transaction() as transaction:
            transaction.db.execute("DELETE FROM faults")

    # Looking. The types are imported where they are used: vcbsnapshot starts once for every VM and needs none of them.

    def vms(self, datastore: int | None = None) -> tuple[Vm, ...]:
        """The VMs (of a datastore) by id, without templates."""
        from snapall.backup.model import Vm  # noqa: PLC0415

        query = (
            "SELECT DISTINCT vms.id, vms.name, hosts.name FROM vms JOIN hosts ON hosts.id = vms.host"
            " JOIN disks ON disks.vm = vms.id WHERE template = 0 AND ? IN (datastore, -1) ORDER BY vms.id"
        )
        with self.transaction() as transaction:
            rows = transaction.db.execute(query, (-1 if datastore is None else datastore,)).fetchall()
        return tuple(Vm(*row) for row in rows)

    def vm_snapshots(self) -> tuple[VmSnapshot, ...]:
        """All VM snapshots by id, as they really are, whatever virtualcenter.db tells."""
        from snapall.backup.model import VmSnapshot  # noqa: PLC0415

        with self.transaction() as transaction:
            rows = transaction.db.execute("SELECT id, vm, name, created FROM vm_snapshots ORDER BY id").fetchall()
        return tuple(
            VmSnapshot(f"snapshot-{id_}", vm, name, datetime.fromisoformat(created).replace(tzinfo=UTC))
            for id_, vm, name, created in rows
        )

    def listing(self, volume: str) -> tuple[FilerSnapshot, ...]:
        """The filer's snapshots of a volume, newest first, as they really are."""
        from snapall.backup.model import FilerSnapshot  # noqa: PLC0415

        query = "SELECT name, date, tags FROM filer_snapshots WHERE volume = ? ORDER BY seq DESC"
        with self.transaction() as transaction:
            rows = transaction.db.execute(query, (volume,)).fetchall()
        return tuple(FilerSnapshot(name, date, tuple(filter(None, tags.split(",")))) for name, date, tags in rows)

    def volumes(self) -> tuple[str, ...]:
        """The filer's volumes by name."""
        with self.transaction() as transaction:
            return tuple(row[0] for row in transaction.db.execute("SELECT name FROM volumes ORDER BY name").fetchall())

    def templates(self) -> tuple[int, ...]:
        """The ids of the templates."""
        with self.transaction() as transaction:
            return tuple(row[0] for row in transaction.db.execute("SELECT id FROM vms WHERE template = 1 ORDER BY id"))

    def quiesced(self) -> Mapping[int, tuple[str, ...]]:
        """Every VM that has a snapshot, with the names of its snapshots."""
        with self.transaction() as transaction:
            return quiesced(transaction)

    def ledger(self) -> Ledger:
        """All that was asked so far."""
        with self.transaction() as transaction:
            count = transaction.db.execute("SELECT value FROM counters WHERE name = 'entries'").fetchall()[0][0]
            return read_ledger(self.directory / "ledger.jsonl", count)


def connect(path: Path) -> sqlite3.Connection:
    """A database of the lab, for a process among others. It survives a killed process; a power cut it may not."""
    db = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA journal_mode = TRUNCATE")
    return db


def _now(settings: SiteOptions) -> float:
    return time.time() if settings.clock is None else settings.clock
