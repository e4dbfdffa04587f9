"""A job's query before the servers: what it answers, what is wrong with it, and that it changes nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from snapall.errors import Refused, SiteError, SnapallError
from tests.site.conftest import PAIRS, Start
from tests.site.drivers import Driver, Pg8000, Pyodbc
from tests.site.servers import POSTGRESQL, SQL_2000, SQL_2005, ServerError
from tests.site.test_virtualcenter import Db

ALL = "SELECT ID FROM vc_user.VPX_VM WHERE IS_TEMPLATE = 0"


@pytest.fixture
def db(tmp_path: Path) -> Db:
    """Two VMs, a template and a host of the id 9."""
    made = Db(tmp_path / "virtualcenter.db")
    made.add("VPX_VM", (108, 9, 0), (115, 9, None), (112, 9, 1))
    made.add("VPX_DS_ASSIGNMENT", (688, 108), (689, 115))
    made.add("VPX_ENTITY", (108, "web01", 0), (115, "50%: a", 0), (112, "tmpl", 0), (9, "esx1", 1))
    made.add("VPX_HOST", (9, "esx1", ""))
    return made


def fault(act: Callable[[], object]) -> SnapallError:
    with pytest.raises(SnapallError) as caught:
        act()
    assert caught.value.hint
    assert "`query`" in caught.value.message
    return caught.value


@pytest.mark.parametrize(("kind", "release"), PAIRS)
def test_a_query_is_sent_as_it_stands_in_a_transaction_that_is_undone(
    start: Start, kind: type[Driver], release: str
) -> None:
    site = start(kind, release)
    found = site.asked("vc_user").vms([], ALL)
    assert [vm.id for vm in found.vms] == [611]
    assert found.where.queried == {611}
    assert found.where.places[611].assigned == (688,)
    sent = [text for text, _ in site.server.statements]
    at = next(n for n, text in enumerate(sent) if text.endswith(ALL))
    assert sent[at - 1].startswith("BEGIN ")
    end = [text for text in sent[at:] if "ROLLBACK" in text]
    assert len(end) == 1


def test_on_postgresql_it_can_only_read_and_only_so_many_rows_are_fetched(start: Start) -> None:
    site = start(Pg8000, POSTGRESQL)
    site.asked("vc_user").queried(ALL)
    sent = [text for text, _ in site.server.statements if "pg_catalog" not in text]
    at = sent.index("BEGIN READ ONLY")
    cursor = f"DECLARE snapall_query NO SCROLL CURSOR FOR {ALL}"
    assert sent[at : at + 4] == ["BEGIN READ ONLY", cursor, "FETCH 5001 FROM snapall_query", "ROLLBACK"]


def test_datastores_and_query_are_united_and_the_first_column_counts(db: Db) -> None:
    query = "SELECT ID, NAME, 'a:b' FROM VPX_ENTITY WHERE NAME LIKE '50%: %' UNION ALL SELECT 108, 'x', 'y'"
    assert [vm.id for vm in db.asked().vms([], query).vms] == [108, 115]
    assert [vm.id for vm in db.asked().vms([689], "SELECT 108").vms] == [108, 115]
    assert [(vm.id, vm.name, vm.host) for vm in db.asked().vms([], "SELECT 108").vms] == [(108, "web01", "esx1")]


@pytest.mark.parametrize(
    ("query", "code", "says"),
    [
        ("SELECT ID FROM VPX_VM WHERE ID = 0", "SA-2136", "returns no row"),
        ("SELECT NAME FROM VPX_ENTITY WHERE ID = 108", "SA-2137", "row 1 has 'web01' where the id of a VM belongs"),
        ("SELECT 'vm-108'", "SA-2137", "row 1 has 'vm-108'"),
        ("SELECT 108 UNION ALL SELECT NULL", "SA-2137", "row 2 has None"),
        ("SELECT 1.5", "SA-2137", "row 1 has 1.5"),
        ("SELECT -108", "SA-2137", "row 1 has -108"),
        ("SELECT ID FROM VPX_ENTITY WHERE ID <> 112", "SA-2138", "ids that are not VMs: 9"),
        ("SELECT ID FROM VPX_VM", "SA-2139", "templates, which cannot be quiesced: 112"),
        ("SELECT ID FROM VPX_RULES", "SA-2131", "a table is missing: no such table: VPX_RULES"),
        ("SELECT RULE FROM VPX_VM", "SA-2132", "a column is missing: no such column: RULE"),
        ("SELECT FROM WHERE", "SA-2134", "the database refuses it"),
    ],
)
def test_an_answer_that_is_no_list_of_vms_is_an_error_by_name(db: Db, query: str, code: str, says: str) -> None:
    error = fault(lambda: db.asked().queried(query))
    assert (error.code, says in error.message) == (code, True), error.message


def test_no_row_is_allowed_where_an_empty_group_is(db: Db) -> None:
    assert db.asked().queried("SELECT ID FROM VPX_VM WHERE ID = 0", allow_empty=True) == frozenset()


def test_too_many_rows_are_refused_before_they_are_all_fetched(db: Db) -> None:
    numbers = "(SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5)"
    product = ", ".join(f"{numbers} t{n}" for n in range(12))  # 244 million rows
    error = fault(lambda: db.asked().queried(f"SELECT 108 FROM {product}"))
    assert isinstance(error, Refused)
    assert "more than 5000 rows" in error.message


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM VPX_VM", "UPDATE VPX_VM SET IS_TEMPLATE = 0 RETURNING ID", "SELECT 108; DELETE FROM VPX_VM"],
)
def test_what_gets_past_the_configuration_still_changes_nothing(db: Db, statement: str) -> None:
    before = db.path.read_bytes()
    assert isinstance(fault(lambda: db.asked().queried(statement)), SiteError)
    assert db.path.read_bytes() == before
    with closing(sqlite3.connect(db.path)) as connection:
        assert connection.execute("SELECT count(*) FROM VPX_VM").fetchone() == (3,)


@pytest.mark.parametrize(("kind", "release"), PAIRS)
def test_a_refused_right_is_named_with_what_to_grant(start: Start, kind: type[Driver], release: str) -> None:
    site = start(kind, release)
    site.server.rights = {"VPX_VM": ["ID", "HOST_ID", "IS_TEMPLATE"], "VPX_DS_ASSIGNMENT": ["DS_ID", "ENTITY_ID"]}
    query = "SELECT ID FROM vc_user.VPX_ENTITY WHERE NAME = 'Gold'"
    error = fault(lambda: site.asked("vc_user").queried(query))
    assert error.code == "SA-2130"
    assert "the login may not read what it names" in error.message


@pytest.mark.parametrize("release", [SQL_2000, SQL_2005])
def test_a_query_that_takes_too_long_is_named(start: Start, release: str) -> None:
    site = start(Pyodbc, release)
    site.server.fails = (ALL, ServerError(1222, "HYT00", "Lock request time out period exceeded."))
    error = fault(lambda: site.asked("vc_user").queried(ALL))
    assert error.code == "SA-2133"


@pytest.mark.parametrize(("kind", "release"), PAIRS)
def test_a_table_that_is_missing_is_named(start: Start, kind: type[Driver], release: str) -> None:
    error = fault(lambda: start(kind, release).asked("vc_user").queried("SELECT ID FROM vc_user.VPX_RULES"))
    assert error.code == "SA-2131"
