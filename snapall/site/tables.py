"""The VPX_ tables, as far as snapall reads them, and what is asked through one connection."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from itertools import zip_longest
from math import isfinite
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import Column, Select, Table, exc, select
from sqlalchemy.sql import quoted_name
from sqlalchemy.types import NullType, TypeEngine

from snapall.errors import Refused, SiteError
from snapall.site.bounded import Bounded, DriverFault, Late
from snapall.site.dbdrivers import Trouble, trouble_of
from snapall.site.excerpt import one_line

_CHUNK = 500
"""Values in one IN list, of which a statement has two at most; SQL Server takes 2,100 parameters."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "VPX_VM": ("ID", "HOST_ID", "IS_TEMPLATE"),
    "VPX_DS_ASSIGNMENT": ("DS_ID", "ENTITY_ID"),
    "VPX_ENTITY": ("ID", "NAME"),
    "VPX_HOST": ("ID", "DNS_NAME"),
    "VPX_DATASTORE": ("ID", "NAME", "CAPACITY", "FREE_SPACE"),
    "VPX_SNAPSHOT": ("ID", "VM_ID", "SNAPSHOT_NAME", "CREATE_TIME"),
}
"""What snapall reads, and nothing else, for VPX_HOST keeps passwords too; `sql/grants.sql` grants the same. The columns
are those of the paper's queries and of others published for VirtualCenter 2.x; the vendor never published the tables.
"""

OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "VPX_VM": ("NUM_DISK", "DNS_NAME", "IP_ADDRESS", "FILE_NAME", "POWER_STATE"),
    "VPX_DATASTORE": ("STORAGE_URL",),
    "VPX_VIRTUAL_DISK": ("VM_ID", "UPDATE_KEY"),
    "VPX_VDEVICE_FILE_BACKING": ("VM_ID", "UPDATE_KEY", "DATASTORE_ID"),
}
"""What it reads beyond that where it may. The disks' tables are attested for vCenter 4 and 5, and uncertain for 2.x."""

Wanted = tuple[sa.ColumnElement[Any], Sequence[int]]
"""A column, and the values that it may have, however many these are."""

_FAULTS = (exc.SQLAlchemyError, DriverFault, Late)
"""What a question raises that the database does not answer."""
_T = TypeVar("_T")
Rows = list[tuple[Any, ...]] | None
"""Rows; None if they cannot be read."""

_NUMBERS = {"ID", "HOST_ID", "IS_TEMPLATE", "DS_ID", "ENTITY_ID", "VM_ID", "NUM_DISK", "DATASTORE_ID", "POWER_STATE"}
_CURSOR = ("DECLARE snapall_query NO SCROLL CURSOR FOR ", "FETCH {} FROM snapall_query")
_READ_ONLY: Mapping[str, tuple[str, str, str, str]] = {
    # A cursor takes one SELECT only, and its rows as they are fetched: these drivers would take them all.
    "postgresql": ("BEGIN READ ONLY", "ROLLBACK", *_CURSOR),
    "mssql": ("BEGIN TRANSACTION", "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION", "", ""),
    "sqlite": ("PRAGMA query_only = ON", "PRAGMA query_only = OFF", "", ""),
}
"""By dialect, around a query of somebody else's: what is sent before and after, and how its rows are bounded."""


class Question:
    """What is asked through one connection. Values are bound, never written into a statement."""

    def __init__(self, connection: sa.Connection, owner: str | None, bounded: Bounded) -> None:
        """Each statement is sent by `bounded`, which is the connection's."""
        self._bounded = bounded
        self._connection = connection
        self._owner = owner or None
        self._tables: dict[str, Table] = {}
        self._given_up = False

    @property
    def dialect(self) -> str:
        """What kind of database this is, as SQLAlchemy calls it."""
        return self._connection.dialect.name

    def table(self, name: str) -> Table:
        """One of the VPX_ tables. Names go unquoted, so that each engine folds them to its own case."""
        if name not in self._tables:
            columns = (
                Column(quoted_name(one, quote=False), _type_of(one))
                for one in (*COLUMNS.get(name, ()), *OPTIONAL.get(name, ()))
            )
            table = Table(quoted_name(name, quote=False), sa.MetaData(), *columns, schema=self._owner)
            self._tables[name] = table
        return self._tables[name]

    def rows(self, statement: Select[Any], *wanted: Wanted) -> list[tuple[Any, ...]]:
        """All rows; or those in which one of the columns holds one of its values. One may then come several times."""
        if not wanted:
            return self._bounded(lambda: [tuple(row) for row in self._connection.execute(statement)])
        lists = zip_longest(*(_in_lists(column, values) for column, values in wanted))
        together = (sa.or_(*(one for one in several if one is not None)) for several in lists)
        return [row for condition in together for row in self.rows(statement.where(condition))]

    def if_allowed(self, statement: Select[Any], *wanted: Wanted) -> Rows:
        """The same; None if the login may not read what the statement names, or it is not there."""
        try:
            return self.rows(statement, *wanted)
        except exc.DBAPIError as error:
            if trouble_of(driver_text(error)) in {Trouble.RIGHT, Trouble.TABLE, Trouble.COLUMN}:
                return None
            raise

    def optional(self, statement: Select[Any], *wanted: Wanted) -> Rows:
        """The same for what a backup can do without; None: not answered, for whatever reason, a lock for example."""
        return self.or_else(None, lambda: self.if_allowed(statement, *wanted))

    def or_else(self, otherwise: _T, ask: Callable[[], _T]) -> _T:
        """What `ask` finds out, or something else where the database fails. To be asked last: the connection may go."""
        if self._given_up:
            return otherwise
        try:
            return ask()
        except _FAULTS:
            self._given_up = True  # whatever holds this one up would hold the next one up as well
            return otherwise

    def foreign(self, query: str, most: int) -> list[tuple[Any, ...]]:
        """The first rows of a query that somebody else wrote, as it stands, `most` of them; nothing can be changed."""
        return self._bounded(lambda: self._foreign(query, most))

    def _foreign(self, query: str, most: int) -> list[tuple[Any, ...]]:
        begin, end, open_, fetch = _READ_ONLY.get(self.dialect, ("", "", "", ""))
        text = sa.text(open_ + query.replace(":", r"\:"))  # a colon would begin a parameter of SQLAlchemy's
        if begin:
            self._connection.exec_driver_sql(begin)
        try:
            result = self._connection.execute(text)
            if fetch:
                result = self._connection.exec_driver_sql(f"{fetch.format(most)}")
            rows = [tuple(row) for row in result.fetchmany(most)]
            result.close()
        finally:
            if end:
                with suppress(exc.SQLAlchemyError):  # the first error counts; closing the connection ends all the same
                    self._connection.exec_driver_sql(end)
        return rows


def _in_lists(column: sa.ColumnElement[Any], values: Sequence[int]) -> Iterator[sa.ColumnElement[bool]]:
    wanted = sorted(set(values))
    return (column.in_(wanted[at : at + _CHUNK]) for at in range(0, len(wanted), _CHUNK))


def _type_of(column: str) -> TypeEngine[Any]:
    # Times and names are taken as the driver gives them: SQLite has text for a time, others a datetime.
    return sa.Integer() if column in _NUMBERS else NullType()


_MOST = 1 << 63
_NUMBER = re.compile(r"\s*[0-9]{1,19}\s*")


def id_of(value: object) -> int:
    """An id out of a row, in whatever number type the driver gives it. SiteError: it is none; nothing is guessed."""
    match value:
        case bool():
            number = -1
        case int():
            number = value
        case float() if isfinite(value) and value == int(value):
            number = int(value)
        case Decimal() if value.is_finite() and abs(value) < _MOST and value == int(value):
            number = int(value)
        case str() if _NUMBER.fullmatch(value):
            number = int(value)
        case _:
            number = -1
    if 0 <= number < _MOST:
        return number
    raise SiteError(
        f"the VirtualCenter database has {one_line(repr(value))} where an id belongs",
        "check that `database.url` and `owner` name VirtualCenter's own tables; if they do, report a defect of snapall",
        "SA-2002",
    )


_SSID = re.compile(r"snapshot-(0|[1-9][0-9]{0,9})")
_GREATEST = (1 << 31) - 1  # of an INTEGER: PostgreSQL takes no greater one for it, and answers with an error


def snapshot_ids(ssids: Sequence[str]) -> tuple[int, ...]:
    """VPX_SNAPSHOT.ID of words such as `snapshot-1228`. Others are left out: whatever was printed, no row has them."""
    hits = (_SSID.fullmatch(one) for one in ssids)
    return tuple(number for hit in hits if hit is not None and (number := int(hit[1])) <= _GREATEST)


def discovered_owner(connection: sa.Connection) -> str:
    """The schema of the VPX_ tables. Raises Refused if there are two, for one of them may be a copy."""
    columns = (Column(quoted_name(name, quote=False), NullType()) for name in ("TABLE_SCHEMA", "TABLE_NAME"))
    schema = quoted_name("INFORMATION_SCHEMA", quote=False)
    tables = Table(quoted_name("TABLES", quote=False), sa.MetaData(), *columns, schema=schema)
    rows = connection.execute(select(*tables.c))
    match sorted({str(owner) for owner, name in rows if str(name).upper() == "VPX_VM"}):
        case [owner]:
            # Quoted as it is: an owner may be `DOMAIN\\vc.user`.
            return quoted_name(owner, quote=True)
        case []:
            raise SiteError(
                "this login sees no table VPX_VM in the database",
                "check database.url and the login's permissions, or name the owner of the tables in database.owner",
                "SA-2003",
            )
        case owners:
            raise Refused(
                f"the database has several tables VPX_VM, owned by {', '.join(owners)}",
                "name the one that VirtualCenter uses in database.owner",
                "SA-2004",
            )


def driver_text(error: Exception) -> str:
    """What the driver said, or SQLAlchemy itself. pg8000 says "network error", and why only in the cause."""
    said = error.orig if isinstance(error, exc.DBAPIError) else error
    cause = said.__cause__ if isinstance(error, exc.DBAPIError) and said is not None else None
    return str(said) if cause is None or str(cause) in str(said) else f"{said}: {cause}"


def trouble_in(error: Exception, *, connected: bool) -> Trouble:
    """What an error of the database means, or of a driver that lets errors of sockets and parsers through."""
    found = trouble_of(driver_text(error), connected=connected)
    if found is not Trouble.OTHER or not isinstance(error, DriverFault):
        return found
    return Trouble.UNREACHABLE if isinstance(error.__cause__, OSError) else Trouble.PROTOCOL
