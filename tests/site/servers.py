"""A stand-in for SQL Server 2000, 2005 and PostgreSQL: SQLite with the VPX_ tables of their owners.

What a server of that age lacks fails with its own number and text (public threads about SQLAlchemy, pyodbc and FreeTDS,
and SQL Server's list of errors). Rights are enforced column by column by SQLite's authorizer, which also tells what was
read.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.waiting import PATIENCE

SQL_2000, SQL_2005, POSTGRESQL = "8.00.2039", "9.00.4035", "PostgreSQL"
TABLES = {
    "VPX_VM": "ID INTEGER, HOST_ID INTEGER, IS_TEMPLATE INTEGER, FILE_NAME TEXT, NUM_DISK INTEGER, DNS_NAME TEXT,"
    " IP_ADDRESS TEXT, POWER_STATE INTEGER",
    "VPX_VIRTUAL_DISK": "VM_ID INTEGER, UPDATE_KEY INTEGER, VDEVICE_ID INTEGER",
    "VPX_VDEVICE_FILE_BACKING": "BACKING_ID INTEGER, VM_ID INTEGER, UPDATE_KEY INTEGER, DATASTORE_ID INTEGER",
    "VPX_DS_ASSIGNMENT": "DS_ID INTEGER, ENTITY_ID INTEGER",
    "VPX_ENTITY": "ID INTEGER, NAME TEXT COLLATE NOCASE, TYPE_ID INTEGER",
    "VPX_HOST": "ID INTEGER, DNS_NAME TEXT, USER_NAME TEXT, PASSWORD TEXT",
    "VPX_DATASTORE": "ID INTEGER, NAME TEXT COLLATE NOCASE, CAPACITY REAL, FREE_SPACE REAL, STORAGE_URL TEXT",
    "VPX_SNAPSHOT": "ID INTEGER, VM_ID INTEGER, SNAPSHOT_NAME TEXT COLLATE NOCASE, CREATE_TIME TEXT",
    "VPX_EVENT": "ID INTEGER",
}
ROWS = (
    "INSERT INTO VPX_VM VALUES (611, 9, 0, '[vol1] sql01/sql01.vmx', 1, 'sql01.example.edu', '10.0.0.61', 1)",
    "INSERT INTO VPX_VM VALUES (112, 9, 1, '', 1, NULL, NULL, 0)",
    "INSERT INTO VPX_VIRTUAL_DISK VALUES (611, 2000, 1)",
    "INSERT INTO VPX_VDEVICE_FILE_BACKING VALUES (1, 611, 2000, 688)",
    "INSERT INTO VPX_DS_ASSIGNMENT VALUES (688, 611), (688, 112), (688, 9)",
    "INSERT INTO VPX_ENTITY VALUES (611, 'sql01', 0)",
    "INSERT INTO VPX_HOST VALUES (9, 'esx01.example.edu', 'vpxuser', 'encrypted')",
    "INSERT INTO VPX_DATASTORE VALUES (688, 'vol1%2fa', 53687091200.0, 33285996544.0, '')",
    "INSERT INTO VPX_DATASTORE VALUES (689, 'vol2', NULL, NULL, '')",
    "INSERT INTO VPX_SNAPSHOT VALUES (1228, 611, 'Quiesce', '2007-03-22 03:00:00.123000')",
)
_READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_READ}
MOST_PARAMETERS = 2100
"""Of one statement, as SQL Server's list of its limits has it."""
Rights = Mapping[str, Iterable[str]]


class ServerError(Exception):
    """An error of the server, before a driver dresses it: its number, its SQLSTATE as ODBC has it, its text."""

    def __init__(self, number: int, state: str, text: str) -> None:
        super().__init__(text)
        self.number = number
        self.state = state
        self.text = text


@dataclass
class Server:
    """One database server, and the ledger of its statements."""

    release: str
    owners: tuple[str, ...] = ("vc_user",)
    time: str = "2007-03-22 03:00:00"
    rights: Rights | None = None  # None: the login may read all
    fails: tuple[str, Exception] | None = None  # what a statement holds, and what comes of it
    hangs: tuple[str, threading.Event] | None = None  # what a statement holds, and until when there is no answer to it
    refusal: ServerError | None = None  # of the login
    statements: list[tuple[str, tuple[object, ...]]] = field(default_factory=list)
    read: set[tuple[str, str]] = field(default_factory=set)
    other_than_reads: list[int] = field(default_factory=list)
    open_now: int = 0
    opened: int = 0
    in_transactions: list[str] = field(default_factory=list)
    declared: str = ""  # the query of PostgreSQL's cursor

    def start(self) -> sqlite3.Connection:
        """A connection to its data, as the login sees them."""
        if self.refusal is not None:
            raise self.refusal
        db = sqlite3.connect(":memory:", isolation_level=None)
        db.execute("ATTACH ':memory:' AS INFORMATION_SCHEMA")
        db.execute("CREATE TABLE INFORMATION_SCHEMA.TABLES (TABLE_SCHEMA, TABLE_NAME)")
        for owner in self.owners:
            db.execute(f"ATTACH ':memory:' AS [{owner}]")
            for table, columns in TABLES.items():
                db.execute(f"CREATE TABLE [{owner}].{table} ({columns})")
                db.execute("INSERT INTO INFORMATION_SCHEMA.TABLES VALUES (?, ?)", (owner, table.lower()))
            for row in ROWS:
                db.execute(row.replace("INTO ", f"INTO [{owner}]."))
        db.create_function("getutcdate", 0, lambda: self.time)
        db.create_function("now", 0, lambda: self.time)
        db.create_function("timezone", 2, lambda _zone, time: time)
        db.set_authorizer(self._may)
        self.open_now += 1
        self.opened += 1
        return db

    def _may(self, action: int, table: str | None, column: str | None, schema: str | None, _: str | None) -> int:
        if action not in _READS:
            self.other_than_reads.append(action)
        if action != sqlite3.SQLITE_READ or table not in TABLES or not column:
            return sqlite3.SQLITE_OK
        self.read.add((table, column))
        allowed = self.rights is None or column in set(self.rights.get(table, ()))
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY

    def execute(self, cursor: sqlite3.Cursor, statement: str, values: tuple[object, ...]) -> None:
        """Answer a statement, or say what this server says."""
        own = self._own_words(statement)
        if statement.startswith("DECLARE "):
            self.declared, own = statement.split(" FOR ", 1)[1], "SELECT 1"
        if statement.startswith("FETCH "):
            own = self.declared
        if self.release != POSTGRESQL and len(values) > MOST_PARAMETERS:
            raise ServerError(
                8003, "42000", "Too many parameters were provided in this RPC request. The maximum is 2100."
            )
        if self.fails is not None and self.fails[0] in statement:
            raise self.fails[1]
        if self.hangs is not None and self.hangs[0] in statement:
            self.hangs[1].wait(PATIENCE)
        try:
            cursor.execute(*((own, ()) if own is not None else (statement, values)))
        except sqlite3.DatabaseError as error:
            raise self._error(str(error)) from error

    def _own_words(self, statement: str) -> str | None:
        """SQLAlchemy's own queries, translated for SQLite; raises the error of an old server."""
        old = self.release.startswith("8.")
        for sign, answer, refused in (
            (
                "schema_name()",
                "SELECT 'dbo'",
                ServerError(195, "42000", "'schema_name' is not a recognized function name."),
            ),
            ("NVARCHAR(max)", "SELECT 'x'", ServerError(170, "42000", "Line 1: Incorrect syntax near 'max'.")),
            ("fn_listextendedproperty", "SELECT 1 WHERE 0", _invalid("fn_listextendedproperty")),
            ("sys.system_views", "SELECT 'dm_exec_sessions'", _invalid("sys.system_views")),
            ("sys.dm_exec_sessions", "SELECT 'READ COMMITTED'", _invalid("sys.dm_exec_sessions")),
            ("ProductVersion", f"SELECT '{self.release}'", None),
            ("@@version", f"SELECT 'Microsoft SQL Server  20xx - {self.release} (Intel X86)'", None),
            ("pg_catalog.version()", "SELECT 'PostgreSQL 15.1 on x86_64-pc-linux-gnu, compiled by gcc'", None),
            ("SET LOCK_TIMEOUT", "SELECT 1", None),
            ("SET statement_timeout", "SELECT 1", None),
            ("BEGIN ", "SELECT 1", None),
            ("ROLLBACK", "SELECT 1", None),
            ("current_schema()", "SELECT 'public'", None),
            ("show transaction isolation level", "SELECT 'read committed'", None),
            ("show standard_conforming_strings", "SELECT 'on'", None),
        ):
            if sign in statement:
                if old and refused is not None:
                    raise refused
                return answer
        return None

    def _error(self, text: str) -> ServerError:
        if hit := re.search(r"no such table: (\S+)", text):
            return _invalid(hit[1])
        if hit := re.search(r"no such column: (\S+)", text):
            return ServerError(207, "42S22", f"Invalid column name '{hit[1]}'.")
        if hit := re.search(r"access to (?:.*\.)?(\w+)\.(\w+) is prohibited", text):
            return self._denied(hit[1], hit[2])
        raise AssertionError(f"the stand-in does not know: {text}")

    def _denied(self, table: str, column: str) -> ServerError:
        """230 for a column of a table of which others may be read, else 229; 2005 has other texts."""
        whole = not set((self.rights or {}).get(table, ()))
        place = f"database 'VIM_VCDB', owner '{self.owners[0]}'"
        if self.release == POSTGRESQL:
            return ServerError(0, "42501", f"permission denied for table {table.lower()}")
        what = f"object '{table}'" if whole else f"column '{column}' of object '{table}'"
        if self.release.startswith("8."):
            return ServerError(229 if whole else 230, "42000", f"SELECT permission denied on {what}, {place}.")
        place = place.replace("owner", "schema")
        return ServerError(229 if whole else 230, "42000", f"The SELECT permission was denied on the {what}, {place}.")


def _invalid(name: str) -> ServerError:
    return ServerError(208, "42S02", f"Invalid object name '{name}'.")


LOGIN_FAILED = ServerError(18456, "28000", "Login failed for user 'vc_user'.")
