from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from traceback import TracebackException

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from snapall.backup.model import Vm, VmSnapshot
from snapall.config.secret import Secret
from snapall.config.settings import Database
from snapall.errors import Refused, SiteError
from snapall.site.datastores import Inventory, bytes_of
from snapall.site.virtualcenter import VirtualCenter

TABLES = """
CREATE TABLE VPX_VM (ID INTEGER, HOST_ID INTEGER, IS_TEMPLATE INTEGER);
CREATE TABLE VPX_DS_ASSIGNMENT (DS_ID INTEGER, ENTITY_ID INTEGER);
CREATE TABLE VPX_ENTITY (ID INTEGER, NAME TEXT COLLATE NOCASE, TYPE_ID INTEGER);
CREATE TABLE VPX_HOST (ID INTEGER, DNS_NAME TEXT, PASSWORD TEXT);
CREATE TABLE VPX_DATASTORE (ID INTEGER, NAME TEXT COLLATE NOCASE, CAPACITY, FREE_SPACE);
CREATE TABLE VPX_SNAPSHOT (ID INTEGER, VM_ID INTEGER, SNAPSHOT_NAME TEXT COLLATE NOCASE, CREATE_TIME TEXT);
"""


class Db:
    """A VirtualCenter database in a file, made by hand."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run(TABLES)

    def run(self, script: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(script)

    def add(self, table: str, *rows: Iterable[object]) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            for row in map(tuple, rows):
                connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)

    def asked(self) -> VirtualCenter:
        return VirtualCenter(Database(url=f"sqlite:///{self.path}"))


@pytest.fixture
def db(tmp_path: Path) -> Db:
    return Db(tmp_path / "virtualcenter.db")


def test_the_vms_of_a_datastore_are_found_with_names_and_hosts(db: Db) -> None:
    db.add("VPX_VM", (611, 9, 0), (108, 9, 0), (2001, 9, 0))
    db.add("VPX_DS_ASSIGNMENT", (688, 611), (688, 108), (689, 2001))
    db.add("VPX_ENTITY", (611, "sql01", 0), (108, "a%2fb %5c 100%25", 0), (2001, "other", 0))
    db.add("VPX_HOST", (9, "esx1.example.edu", "encrypted"))
    found = db.asked().vms([688])
    host = "esx1.example.edu"
    assert found.vms == (Vm(108, "a/b \\ 100%", host), Vm(611, "sql01", host))
    assert (found.names_readable, found.hosts_readable) == (True, True)
    assert db.asked().vms([]).vms == ()
    assert db.asked().vms([1]).vms == ()


def test_templates_hosts_and_doubles_are_left_out(db: Db) -> None:
    db.add("VPX_VM", (1, None, 0), (2, None, 1), (3, None, None))
    # 77 is a host's row: no VM has that id.
    db.add("VPX_DS_ASSIGNMENT", (688, 1), (689, 1), (688, 1), (688, 2), (688, 3), (688, 77))
    assert db.asked().vms([688, 689, 688]).vms == (Vm(1), Vm(3))


def test_a_vm_without_a_name_or_a_host_is_a_vm_all_the_same(db: Db) -> None:
    db.add("VPX_VM", (1, 9, 0), (2, 8, 0))
    db.add("VPX_DS_ASSIGNMENT", (688, 1), (688, 2))
    db.add("VPX_ENTITY", (1, None, 0))
    db.add("VPX_HOST", (9, None, ""))
    found = db.asked().vms([688])
    assert found.vms == (Vm(1), Vm(2))
    assert (found.names_readable, found.hosts_readable) == (True, True)


@pytest.mark.parametrize("name", ["x" * 255, "[ds-one] vm", "50% [x]_", "sql01 ", "SQL01", "日本語", "a'b;--"])
def test_names_of_every_kind_come_back_as_they_are(db: Db, name: str) -> None:
    db.add("VPX_VM", (1, None, 0))
    db.add("VPX_DS_ASSIGNMENT", (688, 1))
    db.add("VPX_ENTITY", (1, name, 0))
    assert db.asked().vms([688]).vms == (Vm(1, name),)


@pytest.mark.parametrize(
    ("change", "names", "hosts"),
    [
        ("DROP TABLE VPX_ENTITY", False, True),
        ("DROP TABLE VPX_HOST", True, False),
        ("DROP TABLE VPX_HOST; DROP TABLE VPX_ENTITY", False, False),
        ("ALTER TABLE VPX_ENTITY DROP COLUMN NAME", False, True),
    ],
)
def test_the_vms_are_found_without_the_right_to_their_names_or_hosts(
    db: Db, change: str, names: bool, hosts: bool
) -> None:
    db.add("VPX_VM", (1, 9, 0))
    db.add("VPX_DS_ASSIGNMENT", (688, 1))
    db.add("VPX_ENTITY", (1, "sql01", 0))
    db.add("VPX_HOST", (9, "esx1", ""))
    db.run(change)
    found = db.asked().vms([688])
    assert (found.names_readable, found.hosts_readable) == (names, hosts)
    assert found.vms == (Vm(1, "sql01" if names else None, "esx1" if hosts else None),)


def test_registered_vms_are_returned_with_their_hosts(db: Db) -> None:
    db.add("VPX_VM", (1, 9, 0), (2, 10, 1), (3, None, 0), (5, 9, 0))
    db.add("VPX_HOST", (9, "esx1", ""), (10, "esx2", ""))
    assert db.asked().registered([1, 2, 3, 4]) == {1: "esx1", 2: "esx2", 3: None}
    assert db.asked().registered([]) == {}
    db.run("DROP TABLE VPX_HOST")
    assert db.asked().registered([1, 4]) == {1: None}
    db.run("DROP TABLE VPX_VM")
    with pytest.raises(SiteError):
        db.asked().registered([1])


def test_snapshots_come_with_their_ids_names_and_times(db: Db) -> None:
    db.add(
        "VPX_SNAPSHOT",
        (1230, 611, "Quiesce", "2007-03-22 03:00:00.123000"),
        (1229, 611, "quiesce", "2007-03-22T03:00:00+02:00"),
        (1228, 108, "QUIESCE ", None),
        (10000, 108, None, "some time"),
        (5, 2001, "Quiesce", None),
    )
    assert db.asked().snapshots([611, 108]) == (
        VmSnapshot("snapshot-1228", 108, "QUIESCE "),
        VmSnapshot("snapshot-1229", 611, "quiesce", datetime(2007, 3, 22, 1, tzinfo=UTC)),
        VmSnapshot("snapshot-1230", 611, "Quiesce", datetime(2007, 3, 22, 3, 0, 0, 123000, tzinfo=UTC)),
        VmSnapshot("snapshot-10000", 108, ""),
    )
    assert db.asked().snapshots([]) == ()


def test_a_snapshot_is_also_found_by_its_id_whosever_it_is_and_each_comes_once(db: Db) -> None:
    db.add("VPX_SNAPSHOT", (1228, 108, "Quiesce", None), (5, 2001, "before%2fafter", None), (6, 2001, "other", None))
    db.add("VPX_SNAPSHOT", (7, 611, "Quiesce", None))
    ours, alien = VmSnapshot("snapshot-1228", 108, "Quiesce"), VmSnapshot("snapshot-5", 2001, "before/after")
    vc = db.asked()
    assert vc.snapshots([108], ["snapshot-5", "snapshot-1228", "snapshot-5", "snapshot-99"]) == (alien, ours)
    assert vc.snapshots([], ["snapshot-5"]) == (alien,)
    assert vc.snapshots([108], []) == (ours,)


@pytest.mark.parametrize(
    "word", ["", "5", "snapshot-", "snapshot-05", "Snapshot-5", "snapshot-5x", "snapshot-5\n", "s-5", "snapshot-\u0665"]
)
def test_a_word_that_is_not_a_snapshot_id_is_not_queried(db: Db, word: str) -> None:
    db.add("VPX_SNAPSHOT", (5, 2001, "Quiesce", None))
    assert db.asked().snapshots([], [word]) == ()


@pytest.mark.parametrize("word", [f"snapshot-{2**31}", f"snapshot-{10**30}"])
def test_a_printed_id_too_large_for_the_column_spoils_no_query(db: Db, word: str) -> None:
    db.add("VPX_SNAPSHOT", (5, 108, "Quiesce", None))
    db.add("VPX_SNAPSHOT", (2**31, 2001, "asked for", None))  # as only SQLite can hold it
    assert [one.ssid for one in db.asked().snapshots([108], [word])] == ["snapshot-5"]


def test_names_come_as_a_person_sees_them(db: Db) -> None:
    names = ("before%2fafter", "50%25 %5C", "Quiesce ", None)
    db.add("VPX_SNAPSHOT", *((one, 108, name, None) for one, name in enumerate(names)))
    assert [one.name for one in db.asked().snapshots([108])] == ["before/after", "50% \\", "Quiesce ", ""]


def test_thousands_of_vms_are_queried_at_once(db: Db) -> None:
    ids = range(1, 2501)
    db.add("VPX_VM", *((one, None, 0) for one in ids))
    db.add("VPX_DS_ASSIGNMENT", *((one, one) for one in ids))
    db.add("VPX_SNAPSHOT", *((one + 9000, one, "Quiesce", None) for one in ids))
    vc = db.asked()
    assert [vm.id for vm in vc.vms(ids).vms] == list(ids)
    assert [one.ssid for one in vc.snapshots(ids)] == [f"snapshot-{one + 9000}" for one in ids]
    ssids = [f"snapshot-{one + 9000}" for one in ids]
    assert [one.ssid for one in vc.snapshots(ids[:1200], ssids)] == ssids


def test_datastores_are_found_by_id_or_by_their_exact_name(db: Db) -> None:
    names = ((700, "vol2"), (688, "vol1"), (690, "VOL1"), (691, "vol1 "), (692, "a%2fb"), (693, None))
    db.add("VPX_DATASTORE", *((one, name, None, None) for one, name in names))
    vc = db.asked()
    assert [*vc.datastores().items()][:2] == [(688, "vol1"), (690, "VOL1")]
    assert vc.datastore_ids(["vol1", 5, "a/b", "VOL1", 688]) == (688, 5, 692, 690)


def test_a_datastore_that_is_not_there_is_refused_with_the_names_near_it(db: Db) -> None:
    db.add("VPX_DATASTORE", (688, "vmvol1", 1, 1), (689, "vmvol2", 1, 1), (690, "ISO images", 1, 1))
    with pytest.raises(Refused, match=r'^there is no datastore called "vmvol"; near it: ') as caught:
        db.asked().datastore_ids(["vmvol", 688, "iso Images", "zzz"])
    assert '"vmvol1"' in caught.value.message
    assert 'called "iso Images"; near it: "ISO images"' in caught.value.message
    assert caught.value.message.endswith('there is no datastore called "zzz"')
    assert "snapall datastores" in caught.value.hint


def test_an_ambiguous_datastore_is_refused_with_its_ids(db: Db) -> None:
    db.add("VPX_DATASTORE", (688, "vol1", 1, 1), (900, "vol1", 1, 1))
    with pytest.raises(Refused, match='several datastores are called "vol1": 688, 900'):
        db.asked().datastore_ids(["vol1"])


def test_everyone_is_every_vm_with_its_name_templates_too(db: Db) -> None:
    db.add("VPX_VM", (611, 9, 0), (108, 9, 1))
    db.add("VPX_ENTITY", (611, "sql01", 0), (108, "hr%2fpayroll", 0), (9, "a host", 0))
    assert [(one.id, one.name) for one in db.asked().everyone()] == [(108, "hr/payroll"), (611, "sql01")]


def test_the_inventory_counts_each_vm_once_and_no_templates(db: Db) -> None:
    db.add("VPX_DATASTORE", (689, "b%2fc", "5.0E10", None), (688, None, 53687091200.0, 7))
    db.add("VPX_VM", (1, None, 0), (2, None, 1), (3, None, None))
    db.add("VPX_DS_ASSIGNMENT", (688, 1), (688, 1), (688, 2), (688, 3), (689, 1), (688, 77), (5, 1))
    assert db.asked().inventory() == (
        Inventory(688, "", 2, 53687091200, 7),
        Inventory(689, "b/c", 1, 50000000000, None),
    )


@pytest.mark.parametrize("column", ["CAPACITY", "FREE_SPACE"])
def test_unreadable_space_is_unknown_and_the_rest_is_returned(db: Db, column: str) -> None:
    db.add("VPX_DATASTORE", (688, "vol1", 10, 5))
    db.run(f"ALTER TABLE VPX_DATASTORE DROP COLUMN {column}")
    (one,) = db.asked().inventory()
    assert (one.name, one.capacity, one.free) == (
        "vol1",
        None if column == "CAPACITY" else 10,
        None if column == "FREE_SPACE" else 5,
    )


@pytest.mark.parametrize("value", [None, "", "much", "NaN", "sNaN", "Infinity", -1, 2**63, b"5", "1E999999"])
def test_an_invalid_number_of_bytes_is_unknown(value: object) -> None:
    assert bytes_of(value) is None


@given(st.integers(0, 2**53 - 1))
def test_a_number_of_bytes_is_itself_in_every_type_a_driver_may_choose(number: int) -> None:
    shapes: list[object] = [number, float(number), str(number), Decimal(number), Decimal(f"{number}.25"), f" {number} "]
    assert {bytes_of(one) for one in shapes} == {number}


def test_ids_need_no_look_at_the_datastores(db: Db) -> None:
    db.run("DROP TABLE VPX_DATASTORE")
    assert db.asked().datastore_ids([688, 689, 688]) == (688, 689)


def refused(url: str, password: str | None = None) -> SiteError:
    settings = Database(url=url, password=None if password is None else Secret(password), owner="")
    with pytest.raises(SiteError) as caught:
        VirtualCenter(settings).vms([688])
    assert caught.value.hint
    assert caught.value.__cause__ is None
    return caught.value


def test_a_missing_sqlite_file_is_an_error_and_stays_missing(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    assert f"unable to open {path}" in refused(f"sqlite:///{path}").message
    assert not path.exists()


def test_a_file_that_is_not_a_database_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("this is no database, and long enough to be seen as none. " * 20)
    assert "file is not a database" in refused(f"sqlite:///{tmp_path / 'x'}").message


def test_a_database_without_the_tables_points_to_the_owner() -> None:
    error = refused("sqlite://")
    assert "a table is missing: no such table: VPX_VM" in error.message
    assert "database.owner" in error.hint


def test_a_missing_column_is_named(db: Db) -> None:
    db.run("ALTER TABLE VPX_VM DROP COLUMN IS_TEMPLATE")
    assert "a column is missing: no such column: VPX_VM.IS_TEMPLATE" in refused(f"sqlite:///{db.path}").message


def test_urls_that_name_nothing_usable() -> None:
    assert "not a SQLAlchemy URL" in refused("mssql+pyodbc://u@\ud800").message
    assert "hunter2" not in refused("nosuch://u@hunter2", "hunter2").message
    assert "Can't load plugin" in refused("nosuch://u:hunter2@h").message
    assert "hunter2" not in refused("nosuch://u@h", "hunter2").message
    assert "unexpected error" in refused("sqlite://?check_same_thread=perhaps").message


def test_an_error_that_a_driver_lets_through_is_shown_without_the_password() -> None:
    asked = VirtualCenter(Database(url="mssql+pyodbc://sa@VC", password=Secret("hunter2;hunter3"), owner=""))

    def fail(*_: object) -> None:
        try:
            raise OSError("no host hunter2;hunter3")
        except OSError as error:
            raise RuntimeError("cannot use 'hunter3'") from error

    event.listen(asked._engine, "do_connect", fail)
    with pytest.raises(SiteError, match=r"RuntimeError: cannot use '\*\*\*'") as caught:
        asked.vms([688])
    assert "hunter" not in "".join(TracebackException.from_exception(caught.value).format(chain=True))


def test_a_missing_driver_is_an_error_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyodbc", None)
    error = refused("mssql+pyodbc://vc_user@VirtualCenter", "hunter2")
    assert "mssql+pyodbc://vc_user:***@VirtualCenter: the database driver is missing" in error.message
    assert "pyodbc" in error.hint
