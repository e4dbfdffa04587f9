"""The world on disk: the truth that all processes of the lab share, and the VirtualCenter database that follows it."""

from __future__ import annotations

import json
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snapall.errors import SnapallError
from snapall.lab import databases
from snapall.lab.databases import connect
from snapall.lab.deferred import perform_deferred
from snapall.lab.effects import quiesced, tags
from snapall.lab.faults import Fault
from snapall.lab.frozen import held
from snapall.lab.ledger import Ledger, read_ledger
from snapall.lab.site_options import SiteOptions
from snapall.lab.transaction import DOWN, UP, Transaction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from snapall.backup.model import FilerSnapshot, Vm, VmSnapshot


class World:
    """A world that exists in a folder. Threads may share one, processes open their own; close it in the end.

    Raises SnapallError when the folder has none.
    """

    def __init__(self, directory: Path | str) -> None:
        self.directory = Path(directory).resolve()
        if not (self.directory / "world.db").exists():
            raise SnapallError(f"there is no lab in {self.directory}", "create it with: snapall lab up", "SA-7014")
        self._lock = threading.RLock()
        self._db = connect(self.directory / "world.db")
        if not self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'luns'").fetchall():
            self._db.executescript(databases.LUNS)  # a lab of an earlier version

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            self._db.close()

    # Time.

    @property
    def settings(self) -> SiteOptions:
        """The settings as they are now."""
        with self._lock:
            return SiteOptions.from_json(self._db.execute("SELECT json FROM settings").fetchall()[0][0])

    def set(self, **values: Any) -> None:
        """Change some settings, by their names in `SiteOptions`."""
        with self.transaction() as transaction:
            transaction.settings = replace(transaction.settings, **values)
            transaction.db.execute("UPDATE settings SET json = ?", (transaction.settings.to_json(),))

    def now(self) -> datetime:
        """The world's time, in UTC."""
        return datetime.fromtimestamp(_now(self.settings), UTC)

    def wait(self, seconds: float) -> None:
        """Let time pass: sleep, or advance a standing clock."""
        if seconds <= 0:
            return
        if self.settings.clock is None:
            time.sleep(seconds)
        else:
            self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move a standing clock, and let everything happen that is due by then.

        Raises SnapallError when the world runs on real time.
        """
        clock = self.settings.clock
        if clock is None:
            raise SnapallError("this world runs on real time", "give it a clock: World.set(clock=...)")
        self.set(clock=clock + seconds)
        self.catch_up()

    # Change.

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open an exclusive transaction, after whatever was due; virtualcenter.db follows at its end."""
        with self._lock:
            with self._exclusive() as transaction:
                perform_deferred(transaction)
                yield transaction
                if transaction.touched:
                    from snapall.lab.devices import refresh  # noqa: PLC0415 - vcbsnapshot starts once for every VM

                    refresh(transaction)
            self._echo()

    def catch_up(self) -> None:
        """Let everything happen that is due."""
        with self.transaction():
            pass

    def is_due(self) -> bool:
        """Whether something is due; takes no lock."""
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
        """Bring virtualcenter.db up to date, after the commit, so that it never shows what did not happen."""
        due = "FROM echoes WHERE due <= ?"
        now = _now(self.settings)
        if not self._db.execute(f"SELECT 1 {due} LIMIT 1", (now,)).fetchall():
            return
        with self._exclusive() as transaction:
            path = next(path for path in (self.directory / UP, self.directory / DOWN) if path.exists())
            rows = transaction.rows(f"SELECT statement, arguments {due} ORDER BY id", now)
            with closing(connect(path)) as virtualcenter:
                virtualcenter.execute("BEGIN IMMEDIATE")
                for statement, arguments in rows:
                    virtualcenter.execute(statement, json.loads(arguments))
                virtualcenter.execute("COMMIT")
            transaction.db.execute(f"DELETE {due}", (now,))

    def add_faults(self, *faults: Fault) -> None:
        """Plant these; each counts its calls from now on."""
        with self.transaction() as transaction:
            rows = [(fault.to_json(),) for fault in faults]
            transaction.db.executemany("INSERT INTO faults (json) VALUES (?)", rows)

    def clear_faults(self) -> None:
        """Remove all faults."""
        with self.transaction() as transaction:
            transaction.db.execute("DELETE FROM faults")

    # Queries. Their types are imported late: vcbsnapshot starts once for every VM and needs none of them.

    def vms(self, datastore: int | None = None) -> tuple[Vm, ...]:
        """The VMs (of a datastore) by id, without templates."""
        from snapall.backup.model import Vm  # noqa: PLC0415

        query = (
            "SELECT DISTINCT vms.id, vms.name, hosts.name FROM vms JOIN hosts ON hosts.id = vms.host"
            " JOIN disks ON disks.vm = vms.id WHERE template = 0 AND ? IN (datastore, -1) ORDER BY vms.id"
        )
        return tuple(Vm(*row) for row in self._rows(query, -1 if datastore is None else datastore))

    def vm_snapshots(self) -> tuple[VmSnapshot, ...]:
        """All VM snapshots by id, as they are, whatever virtualcenter.db shows."""
        from snapall.backup.model import VmSnapshot  # noqa: PLC0415

        return tuple(
            VmSnapshot(f"snapshot-{id_}", vm, name, datetime.fromisoformat(created).replace(tzinfo=UTC))
            for id_, vm, name, created in self._rows("SELECT id, vm, name, created FROM vm_snapshots ORDER BY id")
        )

    def listing(self, volume: str) -> tuple[FilerSnapshot, ...]:
        """The filer's snapshots of a volume, newest first, as they are."""
        from snapall.backup.model import FilerSnapshot  # noqa: PLC0415

        query = "SELECT seq, name, date, tags FROM filer_snapshots WHERE volume = ? ORDER BY seq DESC"
        with self.transaction() as transaction:
            rows, by_luns = transaction.rows(query, volume), held(transaction, volume)
        return tuple(FilerSnapshot(name, date, tags(given, by_luns.get(seq, ()))) for seq, name, date, given in rows)

    def luns(self, volume: str = "") -> tuple[str, ...]:
        """The paths of the LUNs (of a volume)."""
        rows = self._rows("SELECT path FROM luns WHERE ? IN (volume, '') ORDER BY path", volume)
        return tuple(path for (path,) in rows)

    def read_lun(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """Bytes of a LUN, online or not; without a length all that follow. KeyError: there is no such LUN."""
        from snapall.lab import lundata  # noqa: PLC0415

        with self.transaction() as transaction:
            return lundata.read(transaction, path, offset, length)

    def write_lun(self, path: str, offset: int, data: bytes) -> None:
        """Change bytes of a LUN, as its VM does. KeyError: there is no such LUN; ValueError: it is smaller."""
        from snapall.lab import lundata  # noqa: PLC0415

        with self.transaction() as transaction:
            lundata.write(transaction, path, offset, data)

    def device(self, path: str) -> Path:
        """The file as which a LUN appears while it is mapped and online. KeyError: there is no such LUN."""
        from snapall.lab import lundata  # noqa: PLC0415

        with self.transaction() as transaction:
            return lundata.device(transaction, path)

    def volumes(self) -> tuple[str, ...]:
        """The filer's volumes by name."""
        return tuple(name for (name,) in self._rows("SELECT name FROM volumes ORDER BY name"))

    def templates(self) -> tuple[int, ...]:
        """The ids of the templates."""
        return tuple(id_ for (id_,) in self._rows("SELECT id FROM vms WHERE template = 1 ORDER BY id"))

    def quiesced(self) -> Mapping[int, tuple[str, ...]]:
        """Every VM that has a snapshot, with the names of its snapshots."""
        with self.transaction() as transaction:
            return quiesced(transaction)

    def ledger(self) -> Ledger:
        """Every call so far."""
        with self.transaction() as transaction:
            count = transaction.value("SELECT value FROM counters WHERE name = 'entries'")
            return read_ledger(self.directory / "ledger.jsonl", count)

    def _rows(self, query: str, *arguments: object) -> list[Any]:
        with self.transaction() as transaction:
            return transaction.rows(query, *arguments)


def _now(settings: SiteOptions) -> float:
    return time.time() if settings.clock is None else settings.clock
