"""sql/ is what a DBA reviews and runs: it must say what snapall does, no more and no less."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from snapall.config.settings import Database
from snapall.errors import SiteError
from snapall.lab.config_file import database_url
from snapall.lab.serve import Lab
from snapall.lab.sites import paper
from snapall.site.tables import COLUMNS, OPTIONAL
from snapall.site.virtualcenter import VirtualCenter
from snapall.site.vmrows import VmxPlace
from tests.site import statements
from tests.site.conftest import PAIRS, Start
from tests.site.drivers import Driver, Pyodbc
from tests.site.servers import SQL_2000, TABLES

SQL = Path(__file__).parents[2] / "sql"
DECLARING = r"DECLARE @|SET @|\\set |\.parameter set @"
ALL = {one: (*COLUMNS.get(one, ()), *OPTIONAL.get(one, ())) for one in {**COLUMNS, **OPTIONAL}}
GRANT = re.compile(r"^GRANT SELECT \(([^)]*)\) ON \w+\.(\w+) TO snapall;?$", re.MULTILINE)


def granted(name: str) -> Mapping[str, tuple[str, ...]]:
    """The columns of each table that a file grants; it must grant nothing in another form."""
    text = (SQL / name).read_text()
    found: dict[str, tuple[str, ...]] = {}
    for columns, table in GRANT.findall(text):  # a table has one GRANT for what is needed, others for what is optional
        found[table] = (*found.get(table, ()), *columns.split(", "))
    others = [line for line in text.splitlines() if line.startswith("GRANT") and GRANT.match(line) is None]
    assert others in ([], ["GRANT USAGE ON SCHEMA vc TO snapall;"])
    assert "sp_addrolemember" not in text
    return found


@pytest.mark.parametrize("name", ["grants.sql", "grants-postgresql.sql"])
def test_the_grants_are_the_columns_that_snapall_names(name: str) -> None:
    assert granted(name) == ALL


@pytest.mark.parametrize(("kind", "release"), PAIRS)
def test_with_just_the_granted_rights_everything_is_answered_and_all_of_them_are_needed(
    start: Start, kind: type[Driver], release: str
) -> None:
    site = start(kind, release)
    site.server.rights = granted("grants.sql")
    vc = site.asked()
    found = vc.vms([688])
    assert (found.names_readable, found.hosts_readable) == (True, True)
    assert len(vc.snapshots([611])) == 1
    assert [one.capacity for one in vc.inventory()] == [53687091200, None]
    assert vc.datastore_ids(["vol2"]) == (689,)
    assert vc.storage() == {}  # the stand-in's are empty
    assert len(vc.placements()) == 1
    assert vc.running([611, 612]) == {611: True, 612: None}
    assert vc.vmx_places([611, 612]) == {611: VmxPlace("esx01.example.edu", "[vol1] sql01/sql01.vmx")}
    assert vc.running([611, 112, 613]) == {611: True, 112: False, 613: None}
    assert site.server.read == {(table, one) for table, columns in granted("grants.sql").items() for one in columns}


@pytest.mark.parametrize("table", ["VPX_VM", "VPX_DS_ASSIGNMENT", "VPX_SNAPSHOT"])
def test_each_right_that_is_not_optional_is_missed(start: Start, table: str) -> None:
    site = start(Pyodbc, SQL_2000)
    site.server.rights = {**granted("grants.sql"), table: ()}
    asked = site.asked("vc_user")
    with pytest.raises(SiteError, match=f"the login may not read these tables.*{table}"):
        (asked.vms([688]), asked.snapshots([611]))


def test_nobody_can_read_the_host_passwords_in_the_stand_in(start: Start) -> None:
    assert "PASSWORD" in TABLES["VPX_HOST"]
    assert not any("PASSWORD" in columns for columns in granted("grants.sql").values())


def test_both_parts_of_the_login_name_the_same_account_and_database() -> None:
    text = (SQL / "grants.sql").read_text()
    old = [line.removeprefix("--2000 ") for line in text.splitlines() if line.startswith("--2000 ")]
    assert old == [
        "USE master",
        "GO",
        "EXEC sp_addlogin 'snapall', 'CHANGE-ME', 'VIM_VCDB'",
        "GO",
        "USE VIM_VCDB",
        "GO",
        "EXEC sp_grantdbaccess 'snapall', 'snapall'",
        "GO",
    ]
    new = "CREATE LOGIN snapall WITH PASSWORD = 'CHANGE-ME', DEFAULT_DATABASE = VIM_VCDB"
    assert new in text.splitlines()
    assert "CREATE USER snapall FOR LOGIN snapall" in text.splitlines()


def test_the_lookup_finds_what_snapall_finds(tmp_path: Path) -> None:
    with Lab.create(tmp_path / "lab", paper()) as lab:
        with closing(sqlite3.connect(lab.directory / "virtualcenter.db")) as db:
            rows = db.execute((SQL / "find-datastore.sql").read_text()).fetchall()
        vc = VirtualCenter(Database(url=database_url(lab.directory), owner=""))
        inventory = [(one.id, one.name, one.vms) for one in vc.inventory()]
    assert rows == inventory
    assert (688, "vmvol1_vmfs", 19) in rows


@pytest.mark.parametrize("dialect", statements.DIALECTS)
def test_the_statements_are_those_that_are_sent(dialect: str) -> None:
    shown = (SQL / "statements" / f"{dialect}.sql").read_text()
    assert shown == statements.statements(dialect), f"make it anew: python -m tests.site.statements {dialect}"


@pytest.mark.parametrize("dialect", statements.DIALECTS)
def test_the_statements_only_read(dialect: str) -> None:
    shown = (SQL / "statements" / f"{dialect}.sql").read_text()
    asked = re.sub(
        r"^(DECLARE @|SET @|\\set |\.parameter set @)\w+ .*", "", re.sub(r"--.*", "", shown), flags=re.MULTILINE
    )
    verbs = {text.split()[0] for text in asked.split(";") if text.strip()}
    # A job's own query is sent in a transaction that cannot change anything, or is undone.
    assert verbs <= {"SELECT", "BEGIN", "DECLARE", "FETCH", "IF", "ROLLBACK", "PRAGMA"}
    assert all(table in shown for table in ALL)
    assert "*" not in re.sub(r"--.*", "", shown)


@pytest.mark.parametrize("dialect", statements.DIALECTS)
def test_every_variable_of_the_statements_is_declared_and_every_declared_one_used(dialect: str) -> None:
    shown = re.sub(r"--.*", "", (SQL / "statements" / f"{dialect}.sql").read_text())
    declaration = {
        "mssql": r"DECLARE @(\w+) int$",
        "postgresql": r"\\set (\w+) \d+$",
        "sqlite": r"\.parameter set @(\w+) \d+$",
    }
    declared = re.findall(f"^{declaration[dialect]}", shown, re.MULTILINE)
    assert len(set(declared)) == len(declared)
    assert set(statements.VALUES.values()) <= set(declared)
    assert set(re.findall(rf"[(, ]{statements.SIGN[dialect]}(\w+)(?=[,):])", shown)) == set(declared)
    assert "?" not in shown
    assert "%" not in shown
