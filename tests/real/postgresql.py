"""A real PostgreSQL server with VirtualCenter's tables, and the lab's rows in them."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from snapall.config.secret import Secret
from snapall.config.settings import Database
from snapall.site.tables import COLUMNS, OPTIONAL
from tests.real.machine import free_port, missing, program

SQL = Path(__file__).parents[2] / "sql"
LOGIN, PASSWORD, DATABASE = "snapall", "CHANGE-ME", "VCDB"
ALL = {one: (*COLUMNS.get(one, ()), *OPTIONAL.get(one, ())) for one in {**COLUMNS, **OPTIONAL}}
LOCK = "BEGIN; LOCK TABLE vc.VPX_SNAPSHOT IN ACCESS EXCLUSIVE MODE;"


class Postgresql:
    """One server, in a folder of its own. As root, it runs as the user postgres, for it refuses root."""

    def __init__(self) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not found:
            missing("PostgreSQL is not installed (Debian: postgresql)")
        self._bin = found[-1].parent
        self._psql = program("psql", "postgresql-client")
        self._as = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="snapall-pg-", dir="/tmp"))  # the path of its socket must be short
        if self._as:
            shutil.chown(self.folder, "postgres", "postgres")
        self._own(
            "initdb", "-D", "data", "-U", "postgres", "-E", "UTF8", "--auth-local=trust", "--auth-host=scram-sha-256"
        )
        self.start()

    def _own(self, name: str, *words: str) -> None:
        command = [*self._as, str(self._bin / name), *words]
        done = subprocess.run(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        options = (
            f"-c port={self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} -c fsync=off"
        )
        self._own("pg_ctl", "start", "-w", "-D", "data", "-l", "log", "-o", options)

    def stop(self) -> None:
        """Break its sessions off, as a restart does."""
        self._own("pg_ctl", "stop", "-w", "-D", "data", "-m", "immediate")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It does not run."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def frozen(self, pid: int | None = None) -> Iterator[None]:
        """The server, or one of its processes, gets no time; the system still accepts connections for it."""
        main = psutil.Process(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]))
        stopped = [psutil.Process(pid)] if pid is not None else [main, *main.children(recursive=True)]
        _send(signal.SIGSTOP, stopped)
        try:
            yield
        finally:
            _send(signal.SIGCONT, stopped)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def psql(self, *words: str, user: str = "postgres", database: str = DATABASE) -> list[str]:
        """The command, through the server's own socket, where it asks for no password."""
        where = ["-h", str(self.folder), "-p", str(self.port), "-U", user, "-d", database]
        return [self._psql, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *where, *words]

    def sql(self, text: str, user: str = "postgres", database: str = DATABASE) -> str:
        """What one script answers; each of its statements must succeed."""
        command = self.psql("-f", "-", user=user, database=database)
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def fresh(self) -> None:
        """Make the database anew, with empty tables and no login but the owner's."""
        self.sql(f'DROP DATABASE IF EXISTS "{DATABASE}" WITH (FORCE);', database="postgres")
        self.sql("DROP ROLE IF EXISTS snapall; DROP ROLE IF EXISTS vc; CREATE ROLE vc LOGIN;", database="postgres")
        self.sql(f'CREATE DATABASE "{DATABASE}" OWNER vc;', database="postgres")
        tables = (f"CREATE TABLE vc.{table} ({', '.join(map(_column, names))});" for table, names in ALL.items())
        self.sql("\n".join(["CREATE SCHEMA vc;", *tables, "ALTER TABLE vc.VPX_HOST ADD PASSWORD text;"]), user="vc")

    def grant(self) -> None:
        """Create snapall's login, as the shipped file does."""
        self.sql((SQL / "grants-postgresql.sql").read_text())

    def fill(self, table: str, rows: Iterable[Sequence[object]], columns: Sequence[str] = ()) -> None:
        """Put rows in; left out: the columns in the order of COLUMNS."""
        lines = ("\t".join("\\N" if one is None else str(one) for one in row) for row in rows)
        given = ", ".join(columns or COLUMNS[table])
        self.sql("\n".join([f"COPY vc.{table} ({given}) FROM STDIN;", *lines, "\\.", ""]))

    def fill_from(self, path: Path) -> None:
        """Put in what the lab's database has, and nothing else."""
        self.sql("".join(f"TRUNCATE vc.{table};" for table in ALL))
        with closing(sqlite3.connect(path)) as db:
            known = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
            for table in ALL.keys() & known:
                there = {str(row[1]) for row in db.execute(f"PRAGMA table_info({table})")}
                columns = [one for one in ALL[table] if one in there]
                self.fill(table, db.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall(), columns)

    def settings(self, driver: str, timeout: float, password: str = PASSWORD) -> Database:
        url = f"postgresql+{driver}://{LOGIN}@127.0.0.1:{self.port}/{DATABASE}"
        return Database(url=url, password=Secret(password), timeout=timeout)

    @contextmanager
    def session(self, text: str) -> Iterator[None]:
        """Another session, which has done this and stays open."""
        with subprocess.Popen(self.psql(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdin is not None
            assert running.stdout is not None
            running.stdin.write(f"{text}\n\\echo done\n")
            running.stdin.flush()
            assert running.stdout.readline() == "done\n"
            yield

    def waiting(self) -> int | None:
        """The server process that serves a session of snapall's that waits for a lock."""
        found = self.sql(f"SELECT pid FROM pg_stat_activity WHERE usename = '{LOGIN}' AND wait_event_type = 'Lock';")
        return int(found.split()[0]) if found else None

    def sessions(self) -> int:
        """How many sessions snapall has."""
        return int(self.sql(f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{LOGIN}';"))


def _send(number: signal.Signals, processes: Iterable[psutil.Process]) -> None:
    for one in processes:
        with suppress(psutil.NoSuchProcess):  # a session may have ended
            one.send_signal(number)


def _column(name: str) -> str:
    if name.endswith("ID") or name in {"IS_TEMPLATE", "NUM_DISK", "UPDATE_KEY"}:
        return f"{name} integer"
    kinds = {"CREATE_TIME": "timestamp", "CAPACITY": "numeric", "FREE_SPACE": "numeric"}
    return f"{name} {kinds.get(name, 'text')}"


@pytest.fixture(scope="session")
def server() -> Iterator[Postgresql]:
    made = Postgresql()
    try:
        yield made
    finally:
        made.remove()


@pytest.fixture
def postgresql(server: Postgresql) -> Postgresql:
    """The server with new and empty tables, and snapall's login."""
    server.fresh()
    server.grant()
    return server
