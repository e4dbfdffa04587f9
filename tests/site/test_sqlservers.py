"""Old and new servers behind pyodbc, pymssql and pg8000: every question is answered, and all that is asked is reads."""

from __future__ import annotations

import struct
import threading
from datetime import UTC, datetime

import pytest

from snapall.backup.model import Vm, VmSnapshot
from snapall.config.secret import Secret
from snapall.config.settings import Database
from snapall.errors import Refused, SiteError
from snapall.site.datastores import Inventory
from snapall.site.virtualcenter import VirtualCenter
from tests.site.conftest import PAIRS, Start
from tests.site.drivers import Driver, Pymssql, Pyodbc
from tests.site.servers import LOGIN_FAILED, POSTGRESQL, SQL_2000, SQL_2005, TABLES, ServerError
from tests.waiting import until


@pytest.mark.parametrize(("kind", "release"), PAIRS)
def test_every_question_is_answered_each_by_a_connection_of_its_own(
    start: Start, kind: type[Driver], release: str
) -> None:
    site = start(kind, release)
    vc = site.asked()
    found = vc.vms([688])
    assert found.vms == (Vm(611, "sql01", "esx01.example.edu"),)
    assert (found.names_readable, found.hosts_readable) == (True, True)
    taken = datetime(2007, 3, 22, 3, 0, 0, 123000, tzinfo=UTC)
    assert vc.snapshots([611]) == (VmSnapshot("snapshot-1228", 611, "Quiesce", taken),)
    assert vc.datastore_ids(["vol1/a", 700]) == (688, 700)
    assert vc.inventory() == (
        Inventory(688, "vol1/a", 1, 53687091200, 33285996544),
        Inventory(689, "vol2", 0, None, None),
    )
    assert site.server.opened == 4


@pytest.mark.parametrize(("kind", "release"), PAIRS)
def test_the_owner_is_looked_for_once_and_only_when_none_is_configured(
    start: Start, kind: type[Driver], release: str
) -> None:
    site = start(kind, release)
    vc = site.asked()
    vc.vms([688])
    vc.snapshots([611])
    looks = [statement for statement, _ in site.server.statements if "TABLE_SCHEMA" in statement]
    assert len(looks) == 1
    site.server.statements.clear()
    assert site.asked("vc_user").vms([688]).vms[0].id == 611
    assert not [statement for statement, _ in site.server.statements if "TABLE_SCHEMA" in statement]


@pytest.mark.parametrize(("kind", "release"), PAIRS)
def test_the_servers_time_is_read_as_utc(start: Start, kind: type[Driver], release: str) -> None:
    site = start(kind, release)
    assert site.asked().clock() == datetime(2007, 3, 22, 3, 0, tzinfo=UTC)
    assert site.asked().find_owner() == "vc_user"


def test_sql_server_2000_never_gets_a_query_that_it_does_not_support(start: Start) -> None:
    site = start(Pyodbc, SQL_2000)
    assert site.asked().vms([688]).vms
    assert not [statement for statement, _ in site.server.statements if "schema_name()" in statement]


@pytest.mark.parametrize(("kind", "release"), PAIRS)
def test_no_value_is_written_into_a_statement(start: Start, kind: type[Driver], release: str) -> None:
    site = start(kind, release)
    site.asked("vc_user").snapshots([611, 108])
    bound = [values for statement, values in site.server.statements if "VPX_SNAPSHOT" in statement]
    assert bound == [(108, 611)]
    assert not any("611" in statement for statement, _ in site.server.statements)


@pytest.mark.parametrize(("kind", "release"), PAIRS)
def test_one_statement_queries_vms_and_printed_ids(start: Start, kind: type[Driver], release: str) -> None:
    site = start(kind, release)
    found = site.asked("vc_user").snapshots([108], ["snapshot-1228", "none", "snapshot-7"])
    assert [(one.ssid, one.vm) for one in found] == [("snapshot-1228", 611)]
    bound = [values for statement, values in site.server.statements if "VPX_SNAPSHOT" in statement]
    assert bound == [(108, 7, 1228)]


@pytest.mark.parametrize(("kind", "release"), PAIRS)
def test_without_the_rights_to_names_and_hosts_the_vms_are_found(
    start: Start, kind: type[Driver], release: str
) -> None:
    site = start(kind, release)
    columns = {table: [one.split()[0] for one in text.split(", ")] for table, text in TABLES.items()}
    site.server.rights = {**columns, "VPX_ENTITY": [], "VPX_HOST": ["ID", "USER_NAME"], "VPX_DATASTORE": ["ID", "NAME"]}
    found = site.asked("vc_user").vms([688])
    assert found.vms == (Vm(611),)
    assert (found.names_readable, found.hosts_readable) == (False, False)
    assert {(one.capacity, one.free) for one in site.asked("vc_user").inventory()} == {(None, None)}


@pytest.mark.parametrize(("kind", "release"), PAIRS)
def test_a_missing_right_a_missing_table_and_a_refused_login_have_their_remedies(
    start: Start, kind: type[Driver], release: str
) -> None:
    site = start(kind, release)
    site.server.rights = {"VPX_VM": ["ID"]}
    with pytest.raises(SiteError, match="the login may not read these tables") as caught:
        site.asked("vc_user").snapshots([611])
    grants = "sql/grants-postgresql.sql" if release == POSTGRESQL else "sql/grants.sql"
    assert f" {grants} " in caught.value.hint
    with pytest.raises(SiteError, match="a table is missing") as caught:
        site.asked("dbo").snapshots([611])
    assert "database.owner" in caught.value.hint
    site.server.fails = ("VPX_SNAPSHOT", ServerError(207, "42S22", "Invalid column name 'CREATE_TIME'."))
    with pytest.raises(SiteError, match="a column is missing"):
        site.asked("vc_user").snapshots([611])
    site.server.refusal = LOGIN_FAILED
    with pytest.raises(SiteError, match="the login was refused") as caught:
        site.asked("vc_user").snapshots([611])
    assert "hunter2" not in caught.value.message


def test_a_connection_lost_while_names_are_read_is_not_a_missing_right(start: Start) -> None:
    site = start(Pyodbc, SQL_2000)
    site.server.fails = ("VPX_ENTITY", ServerError(20006, "08S01", "Write to the server failed"))
    with pytest.raises(SiteError, match="the server cannot be reached"):
        site.asked().vms([688])


def test_the_owner_may_be_a_login_of_a_domain(start: Start) -> None:
    site = start(Pyodbc, SQL_2005)
    site.server.owners = ("CAMPUS\\vc.user",)
    assert site.asked().vms([688]).vms[0].id == 611


def test_two_owners_are_refused_until_one_is_named(start: Start) -> None:
    site = start(Pyodbc, SQL_2000)
    site.server.owners = ("vc_user", "dbo")
    with pytest.raises(Refused, match="owned by dbo, vc_user") as caught:
        site.asked().vms([688])
    assert "database.owner" in caught.value.hint
    assert site.asked("vc_user").vms([688]).vms[0].id == 611


def test_no_owner_at_all_is_an_error(start: Start) -> None:
    site = start(Pyodbc, SQL_2000)
    site.server.owners = ()
    with pytest.raises(SiteError, match="this login sees no table VPX_VM") as caught:
        site.asked().vms([688])
    assert "database.owner" in caught.value.hint


def test_each_driver_gets_dsn_password_and_timeout_in_its_own_way(start: Start) -> None:
    odbc = start(Pyodbc, SQL_2000)
    odbc.asked("vc_user").vms([688])
    assert odbc.driver.arguments == [(("dsn=VirtualCenter;UID=vc_user;PWD=hunter2",), {"timeout": 5})]
    assert isinstance(odbc.driver, Pyodbc)
    assert odbc.driver.bounds == [5]
    tds = start(Pymssql, SQL_2000)
    tds.asked("vc_user").vms([688])
    assert tds.driver.arguments[0][1] == {
        "host": "vc01",
        "user": "vc_user",
        "password": "hunter2",
        "database": "VIM_VCDB",
        "tds_version": "7.1",
        "login_timeout": 5,
        "timeout": 5,
    }


@pytest.mark.parametrize(("kind", "release"), PAIRS)
def test_every_server_limits_the_wait_for_locks_before_it_is_asked_anything(
    start: Start, kind: type[Driver], release: str
) -> None:
    site = start(kind, release)
    assert site.asked().vms([688]).vms[0].id == 611
    statements = [statement for statement, _ in site.server.statements]
    limit = "SET statement_timeout = 5000" if release == POSTGRESQL else "SET LOCK_TIMEOUT 5000"
    assert statements.index(limit) < next(at for at, one in enumerate(statements) if "VPX_VM" in one)


def test_a_driver_that_cannot_limit_statements_is_no_obstacle(start: Start) -> None:
    site = start(Pyodbc, SQL_2000)
    assert isinstance(site.driver, Pyodbc)
    site.driver.can_bound = False
    assert site.asked().vms([688]).vms[0].id == 611
    site.server.fails = ("LOCK_TIMEOUT", ServerError(0, "08S01", "Write to the server failed"))
    with pytest.raises(SiteError, match="the server cannot be reached"):
        site.asked().vms([688])


@pytest.mark.parametrize(
    ("raised", "meaning"),
    [
        (TimeoutError("timed out"), "the server did not answer in time"),
        (ConnectionResetError(104, "Connection reset by peer"), "the server cannot be reached"),
        (OSError("somebody pulled the plug"), "the server cannot be reached"),
        (struct.error("unpack requires a buffer of 5 bytes"), "driver and server disagree about the protocol"),
        (KeyError(b"X"), "driver and server disagree about the protocol"),
    ],
)
@pytest.mark.parametrize(("kind", "release"), PAIRS)
def test_whatever_a_driver_lets_through_is_an_error_of_the_database(
    start: Start, kind: type[Driver], release: str, raised: Exception, meaning: str
) -> None:
    """pg8000's time-out was seen to be a bare TimeoutError."""
    site = start(kind, release)
    site.server.fails = ("VPX_SNAPSHOT", raised)
    with pytest.raises(SiteError, match=meaning) as caught:
        site.asked("vc_user").snapshots([611])
    assert str(raised) in caught.value.message


def test_a_driver_that_never_returns_is_left_behind_and_the_next_question_has_a_new_connection(start: Start) -> None:
    site = start(Pyodbc, SQL_2000)
    asked = site.asked("vc_user")
    released = threading.Event()
    site.server.hangs = ("VPX_SNAPSHOT", released)
    with pytest.raises(SiteError, match="the server did not answer in time: timed out after"):
        VirtualCenter(asked._settings.model_copy(update={"timeout": 0.05})).snapshots([611])
    site.server.hangs = None
    assert [one.ssid for one in asked.snapshots([611])] == ["snapshot-1228"]
    assert site.server.open_now == 1
    released.set()
    until(lambda: site.server.open_now == 0, "what was left behind closes its connection")


def test_a_first_connect_that_never_returns_holds_up_no_later_one(start: Start) -> None:
    """SQLAlchemy's first connect of an engine holds a lock."""
    site = start(Pyodbc, SQL_2005)
    asked = VirtualCenter(site.asked("vc_user")._settings.model_copy(update={"timeout": 0.05}))
    released = threading.Event()
    site.server.hangs = ("ProductVersion", released)
    with pytest.raises(SiteError, match="the server cannot be reached: timed out after"):
        asked.snapshots([611])
    site.server.hangs = None
    assert [one.ssid for one in asked.snapshots([611])] == ["snapshot-1228"]
    released.set()
    until(lambda: site.server.open_now == 0, "what was left behind closes its connection")


def test_the_driver_manager_keeps_no_connection_in_a_pool(start: Start) -> None:
    site = start(Pyodbc, SQL_2005)
    assert isinstance(site.driver, Pyodbc)
    vc = site.asked("vc_user")
    vc.vms([688])
    vc.snapshots([611])
    assert site.driver.pooled == [False, False]


@pytest.mark.parametrize(("kind", "release"), PAIRS)
def test_the_snapshots_of_thousands_of_vms_need_no_more_parameters_than_the_server_takes(
    start: Start, kind: type[Driver], release: str
) -> None:
    site = start(kind, release)
    (found,) = site.asked("vc_user").snapshots(range(1, 2502))
    assert found.vm == 611
    asked = [values for statement, values in site.server.statements if "VPX_SNAPSHOT" in statement]
    assert {one for values in asked for one in values} == set(range(1, 2502))
    site.server.statements.clear()
    both = site.asked("vc_user").snapshots(range(1, 2502), [f"snapshot-{one}" for one in range(1001, 3002)])
    assert [one.vm for one in both] == [611]
    assert len([statement for statement, _ in site.server.statements if "VPX_SNAPSHOT" in statement]) == len(asked) == 6


@pytest.mark.parametrize(("kind", "release"), PAIRS[:4])
def test_a_query_timeout_is_not_reported_as_an_unreachable_server(
    start: Start, kind: type[Driver], release: str
) -> None:
    site = start(kind, release)
    site.server.fails = ("VPX_SNAPSHOT", ServerError(20003, "HYT00", "Timeout expired"))
    with pytest.raises(SiteError, match="the server did not answer in time") as caught:
        site.asked("vc_user").snapshots([611])
    assert "what locks the VPX_ tables" in caught.value.hint
    site.server.fails = None
    site.server.refusal = ServerError(20003, "HYT00", "Timeout expired")
    with pytest.raises(SiteError, match="the server cannot be reached"):
        site.asked("vc_user").snapshots([611])


def test_a_configured_owner_may_have_a_dot_in_brackets(start: Start) -> None:
    site = start(Pyodbc, SQL_2005)
    site.server.owners = ("vc.user",)
    assert site.asked("[vc.user]").vms([688]).vms[0].id == 611


def test_no_error_shows_a_password_whatever_the_driver_prints(start: Start) -> None:
    site = start(Pyodbc, SQL_2000)
    site.server.refusal = ServerError(0, "08001", "cannot use dsn=VirtualCenter;UID=vc_user;PWD=hunter2 (hunter2)")
    with pytest.raises(SiteError) as caught:
        site.asked().vms([688])
    told = caught.value.message
    assert told.startswith("the VirtualCenter database mssql+pyodbc://vc_user:***@VirtualCenter: the server cannot be")
    assert "cannot use *** (***)" in told
    assert "hunter2" not in told
    assert caught.value.__cause__ is None


def test_a_password_within_the_url_is_kept_and_hidden(start: Start) -> None:
    site = start(Pyodbc, SQL_2000)
    site.server.refusal = ServerError(18456, "28000", "Login failed for user 'vc_user' with p%40ss or p@ss")
    url = "mssql+pyodbc://vc_user:p%40ss@VirtualCenter?odbc_autotranslate=p%40ss"
    with pytest.raises(SiteError) as caught:
        VirtualCenter(Database(url=url, password=Secret("other"), owner="")).vms([688])
    assert "PWD=p@ss" in str(site.driver.arguments[0][0])
    assert "p@ss" not in caught.value.message
    assert "p%40ss" not in caught.value.message
    assert "the login was refused" in caught.value.message
