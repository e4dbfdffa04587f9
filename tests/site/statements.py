"""The statements that snapall sends, as sql/statements/ shows them to a DBA: `python -m tests.site.statements DIALECT`.

A stand-in for the driver records them, or, for SQLite, an event of SQLAlchemy, while snapall's own code asks.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from snapall.config.settings import Database
from snapall.lab.config_file import database_url
from snapall.lab.sites import build
from snapall.site.virtualcenter import VirtualCenter
from tests.lab.sites import batch
from tests.site.drivers import Driver, Pg8000, Pyodbc
from tests.site.servers import POSTGRESQL, SQL_2000, Server

SentStatements = list[tuple[str, tuple[object, ...]]]
DIALECTS = ("mssql", "postgresql", "sqlite")
HEAD = """\
-- The statements that snapall sends to the VirtualCenter database, {server}.
-- Each query has its own connection, in autocommit, closed at once.{before}
-- snapall binds values, and never writes them into the text. Here they are variables, so that this file runs as it
-- stands{how}
-- The values are an example's: datastore 688, snapshot-1228, and some VMs.
-- An error about the two tables of the disks, NUM_DISK, STORAGE_URL, DNS_NAME, IP_ADDRESS, FILE_NAME or POWER_STATE
-- does no harm: snapall goes on without them.
-- {owner}
-- Made by `python -m tests.site.statements {dialect}`; a test compares this file with what is really sent. SQLAlchemy
-- words the statements: another release may set brackets differently. When it first connects, it also asks, for its own
-- use, {first}.
"""
BEFORE = {
    "mssql": "\n-- It begins with SET LOCK_TIMEOUT 30000 (`database.timeout`).",
    "postgresql": "\n-- It begins with SET statement_timeout = 30000 (`database.timeout`).",
    "sqlite": "",
}
HOW = {
    "mssql": ", in VirtualCenter's database:\n--     osql -E -S SERVER -d VIM_VCDB -i mssql.sql   (or sqlcmd)",
    "postgresql": ":\n--     psql -U snapall -d VCDB -f postgresql.sql",
    "sqlite": ":\n--     sqlite3 -readonly virtualcenter.db < sqlite.sql",
}
VALUES = {688: "datastore", 108: "vm1", 110: "vm2", 1228: "snapshot"}
DECLARED = {
    "mssql": "DECLARE @{name} int\nSET @{name} = {value}\n",
    "postgresql": "\\set {name} {value}\n",
    "sqlite": ".parameter set @{name} {value}\n",
}
SIGN = {"mssql": "@", "postgresql": ":", "sqlite": "@"}
SERVERS = {
    "mssql": "SQL Server 2000 to 2005, through pyodbc",
    "postgresql": "PostgreSQL, through pg8000",
    "sqlite": "SQLite, the lab's",
}
OWNERS = {
    "mssql": "The owner of the tables is `vc_user` here: use `database.owner`, or what the first query finds.",
    "postgresql": "The owner of the tables is the schema `vc`, as on an appliance: `database.owner`, or found first.",
    "sqlite": "There are no owners.",
}
FIRST = {
    "mssql": "for the version, for NVARCHAR(max), for fn_listextendedproperty and for sys.system_views",
    "postgresql": "for the version, the schema, the isolation level and standard_conforming_strings",
    "sqlite": "for nothing that concerns these tables",
}
OURS = (
    "VPX_",
    "TABLE_SCHEMA",
    "getutcdate",
    "timezone",
    "datetime(",
    "BEGIN ",
    "snapall_query",
    "ROLLBACK",
    "query_only",
)  # the rest SQLAlchemy asks for itself


def _query(vc: VirtualCenter) -> str:
    owner = vc.find_owner()
    return f"SELECT ID FROM {owner}{'.' if owner else ''}VPX_VM WHERE IS_TEMPLATE = 0"


QUESTIONS: tuple[tuple[str, Callable[[VirtualCenter], object]], ...] = (
    (
        "the VMs of a job's datastores, their names, hosts and disks, and what their guests are called (run, plan)",
        lambda vc: vc.vms([688]),
    ),
    ("the snapshots of these VMs (run, plan, recover)", lambda vc: vc.snapshots([108, 110])),
    (
        "the same, and the VMs of the ids that vcbsnapshot printed (run, recover)",
        lambda vc: vc.snapshots([108, 110], ["snapshot-1228"]),
    ),
    (
        "the VMs that VirtualCenter still knows, with their hosts, when a removal fails (run, recover)",
        lambda vc: vc.registered([108, 110]),
    ),
    ("where the .vmx files lie, for a job that copies them (run, doctor)", lambda vc: vc.vmx_places([108, 110])),
    ("the names of all VMs, which tell whose a LUN is (restore, verify)", lambda vc: vc.everyone()),
    ("whether these VMs run (restore)", lambda vc: vc.running([108, 110])),
    ("the datastores, if a job names one instead of giving its id (run, plan)", lambda vc: vc.datastores()),
    ("the datastores with their VMs and their space (datastores, audit)", lambda vc: vc.inventory()),
    ("the database's own time (doctor)", lambda vc: vc.clock()),
    ("all VMs with their datastores, names and disks (audit)", lambda vc: vc.placements()),
    ("what is below the datastores (audit)", lambda vc: vc.storage()),
    (
        "the VMs that a job's own `query` names, here the one below (run, plan, audit)",
        lambda vc: vc.queried(_query(vc)),
    ),
)


def statements(dialect: str) -> str:
    """The file of a dialect."""
    text = HEAD.format(
        server=SERVERS[dialect],
        before=BEFORE[dialect],
        how=HOW[dialect],
        owner=OWNERS[dialect],
        first=FIRST[dialect],
        dialect=dialect,
    )
    body, names = "", dict(VALUES)
    with queried(dialect) as (vc, sent):
        for title, question in QUESTIONS:
            sent.clear()
            question(vc)
            body += f"\n-- {title}\n"
            body += "".join(_written(dialect, names, *one) for one in sent if any(sign in one[0] for sign in OURS))
    declared = "".join(DECLARED[dialect].format(name=name, value=value) for value, name in names.items())
    return f"{text}\n{declared}{body}"


def _written(dialect: str, known: dict[int, str], statement: str, values: tuple[object, ...]) -> str:
    """The statement with a variable for each value that is bound; one that is new is an id that an answer gave."""
    lines = [line.rstrip() for line in statement.strip().splitlines()]
    parts = re.split(r"\?|%s", "\n".join(lines))
    names = [SIGN[dialect] + known.setdefault(int(str(value)), f"vm{len(known) - 1}") for value in values]
    return "".join(part for pair in zip(parts, [*names, ";\n"], strict=True) for part in pair)


@contextmanager
def queried(dialect: str) -> Iterator[tuple[VirtualCenter, SentStatements]]:
    """snapall's VirtualCenter, and the list of the statements that it sends."""
    match dialect:
        case "mssql":
            with _replaced(Pyodbc(Server(SQL_2000))) as sent:
                yield VirtualCenter(Database(url="mssql+pyodbc://vc_user@VirtualCenter")), sent
        case "postgresql":
            with _replaced(Pg8000(Server(POSTGRESQL, owners=("vc",)))) as sent:
                yield VirtualCenter(Database(url="postgresql+pg8000://vc@vc01/VCDB")), sent
        case _:
            with tempfile.TemporaryDirectory() as folder, _listening() as sent:
                build(Path(folder) / "lab", batch()).close()
                yield VirtualCenter(Database(url=database_url(Path(folder) / "lab"), owner="")), sent


@contextmanager
def _replaced(driver: Driver) -> Iterator[SentStatements]:
    """The driver's stand-in, where SQLAlchemy imports it."""
    before = sys.modules.get(driver.__name__)
    sys.modules[driver.__name__] = driver
    try:
        yield driver.server.statements
    finally:
        del sys.modules[driver.__name__]
        if before is not None:
            sys.modules[driver.__name__] = before


@contextmanager
def _listening() -> Iterator[SentStatements]:
    sent: SentStatements = []

    def record(_connection: object, _cursor: object, statement: str, values: tuple[object, ...], *_: object) -> None:
        sent.append((statement, tuple(values)))

    sa.event.listen(sa.Engine, "before_cursor_execute", record)
    try:
        yield sent
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", record)


if __name__ == "__main__":
    sys.stdout.write(statements(sys.argv[1]))
