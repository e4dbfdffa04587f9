"""The readers of VirtualCenter's database: rows in the types of any driver, and none of them what it should be."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from snapall.backup.facts import Warned
from snapall.backup.steps import Quiesce
from snapall.config.secret import Secret
from snapall.config.settings import Database, Vcenter
from snapall.errors import Refused, SiteError
from snapall.site.datastores import ids_of
from snapall.site.vcb import Vcb
from snapall.site.virtualcenter import VirtualCenter
from tests.hostile.inputs import NAMES
from tests.hostile.reader import Reader, assert_rendered_safely
from tests.hostile.shapes import seldom
from tests.site.drivers import Pymssql, PymssqlConnection, StandInCursor
from tests.site.servers import SQL_2000, Server

Rows = Sequence[Sequence[Any]]
TABLES = ("VPX_ENTITY", "VPX_HOST", "VPX_SNAPSHOT", "VPX_DATASTORE", "VPX_VM")


class OddDriver(Pymssql):
    """Hands over the rows that it was given for a table, whatever was asked of it."""

    def __init__(self, given: dict[str, Rows]) -> None:
        super().__init__(Server(SQL_2000))
        self.__name__ = "pymssql"
        self.given = given

    def connection(self, db: Any) -> OddConnection:
        return OddConnection(self, db)


class OddConnection(PymssqlConnection):
    def cursor(self) -> OddCursor:
        return OddCursor(self)


class OddCursor(StandInCursor):
    _rows: list[tuple[Any, ...]] | None = None

    def execute(self, statement: str, parameters: Any = ()) -> None:
        super().execute(statement, parameters)
        asked = next((name for name in TABLES if name in statement), "")
        given = self._connection.driver.given.get(asked)
        width = len(self.description or ())
        self._rows = None if given is None else [tuple(row[:width]) for row in given]

    def fetchall(self) -> list[tuple[Any, ...]]:
        if self._rows is None:
            return list(self._cursor.fetchall())
        rows, self._rows = self._rows, []
        return rows

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        return self.fetchall()

    def fetchone(self) -> tuple[Any, ...] | None:
        if self._rows is None:
            row: tuple[Any, ...] | None = self._cursor.fetchone()
            return row
        return self._rows.pop(0) if self._rows else None


@contextmanager
def driven_by(driver: OddDriver) -> Iterator[None]:
    """SQLAlchemy imports drivers by name."""
    before = sys.modules.get("pymssql")
    sys.modules["pymssql"] = driver
    try:
        yield
    finally:
        del sys.modules["pymssql"]
        if before is not None:
            sys.modules["pymssql"] = before


def typed_rows(tables: tuple[Rows, ...], _folder: Path) -> None:
    """Ids are ids, times have a zone, names can be shown; and nothing of a name is on a command line."""
    driver = OddDriver(dict(zip(TABLES, tables, strict=True)))
    with driven_by(driver):
        asked = VirtualCenter(
            Database(url="mssql+pymssql://u@vc01/VCDB?tds_version=7.1", password=Secret("x"), owner="vc_user")
        )
        for ask in (_inventory, _vms):
            with suppress(SiteError):
                ask(asked)


def _inventory(asked: VirtualCenter) -> None:
    known = asked.inventory()
    assert_rendered_safely(*(Warned(f"{one.name} {one.vms} {one.capacity} {one.free}") for one in known))
    with suppress(Refused):  # two of one name
        ids_of([688, *(one.name for one in known)], {one.id: one.name for one in known})


def _vms(asked: VirtualCenter) -> None:
    vcb = Vcb(Vcenter(host="vc01", vcbsnapshot=("vcbsnapshot",), timeout=60, remove_timeout=60, settle=60, parallel=1))
    found = asked.vms([688]).vms
    assert [vm.id for vm in found] == sorted({vm.id for vm in found})
    for vm in found:
        assert_rendered_safely(Warned(f"{vm.label} {vm.host}"))
        assert isinstance(vm.id, int)
        assert 0 <= vm.id < 1 << 63
        assert vcb.argv(Quiesce(vm, "Quiesce"), masked=False)[4] == f"moref:vm-{vm.id}"
    for row in asked.snapshots([vm.id for vm in found]):
        assert_rendered_safely(Warned(f"{row.name} {row.ssid}"))
        assert row.ssid.removeprefix("snapshot-").isdecimal()
        assert row.created is None or row.created.tzinfo is UTC


ODD = st.one_of(
    *(st.none(), NAMES, st.integers(-(1 << 70), 1 << 70), st.floats(), st.decimals(), st.booleans()),
    *(st.binary(max_size=12), st.datetimes(), st.datetimes(timezones=st.just(UTC)), st.text(max_size=9)),
    st.sampled_from([Decimal("sNaN"), Decimal("1e999999"), 10**400, "9" * 5000, "\ud800x", "\u00b2", "688 ", b"688"]),
    st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31 23:59:59-14:00", "2007-03-22 03:00:00.123000"]),
)
IDS = st.one_of(st.sampled_from([108, 110, 688, Decimal(108), 110.0, "108"]), st.integers(0, 1 << 31))
ANY_ID = seldom(ODD, IDS)
ROWS = (
    st.lists(st.tuples(ANY_ID, st.one_of(NAMES, NAMES, ODD)), max_size=3),
    st.lists(st.tuples(ANY_ID, st.one_of(NAMES, NAMES, ODD)), max_size=3),
    st.lists(st.tuples(ANY_ID, ANY_ID, st.one_of(NAMES, ODD), ODD), max_size=3),
    st.lists(st.tuples(ANY_ID, st.one_of(NAMES, ODD)), max_size=3),
    st.lists(st.tuples(ANY_ID, ANY_ID), max_size=3),
)

READERS = (Reader("typed rows", st.tuples(*ROWS), typed_rows),)
