"""Queries of a job before a real PostgreSQL: the examples of sql/, what cannot be changed, and how much is fetched."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from snapall.backup.whereabouts import Place
from snapall.config.secret import Secret
from snapall.config.settings import Database
from snapall.errors import SnapallError
from snapall.site.virtualcenter import VirtualCenter
from tests.real.machine import free_port, missing, program

# Where pg8000 is done, a socket may be closed late.
pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")]
SQL = Path(__file__).parents[2] / "sql"
TABLES = """
CREATE SCHEMA vc;
CREATE TABLE vc.VPX_VM (ID integer, HOST_ID integer, IS_TEMPLATE integer, NUM_DISK integer, DNS_NAME text,
    IP_ADDRESS text, RESOURCE_GROUP_ID integer);
CREATE TABLE vc.VPX_DS_ASSIGNMENT (DS_ID integer, ENTITY_ID integer);
CREATE TABLE vc.VPX_ENTITY (ID integer, NAME text, TYPE_ID integer, PARENT_ID integer);
CREATE TABLE vc.VPX_HOST (ID integer, DNS_NAME text, PASSWORD text);
CREATE TABLE vc.VPX_DATASTORE (ID integer, NAME text, CAPACITY numeric, FREE_SPACE numeric, STORAGE_URL text);
CREATE TABLE vc.VPX_SNAPSHOT (ID integer, VM_ID integer, SNAPSHOT_NAME text, CREATE_TIME timestamp);
CREATE TABLE vc.VPX_VIRTUAL_DISK (VM_ID integer, UPDATE_KEY bigint, VDEVICE_ID integer);
CREATE TABLE vc.VPX_FIELD_DEF (ID integer, NAME text);
CREATE TABLE vc.VPX_FIELD_VAL (ENTITY_ID integer, FIELD_ID integer, VALUE text);
CREATE TABLE vc.VPX_DRS_RULE (ID integer, NAME text);
CREATE TABLE vc.VPX_DRS_RULE_VM (RULE_ID integer, VM_ID integer);
INSERT INTO vc.VPX_VM VALUES (108, 9, 0, 1, 'web01.lab', '10.0.0.8', 60), (110, 9, 0, 1, NULL, NULL, 7),
    (2001, 9, 0, 1, NULL, NULL, 60), (112, 9, 1, 1, NULL, NULL, 60);
INSERT INTO vc.VPX_DS_ASSIGNMENT VALUES (688, 108), (702, 108), (688, 110), (689, 2001);
INSERT INTO vc.VPX_ENTITY VALUES (50, 'Accounting', 3, 3), (51, 'Payroll', 3, 50), (60, 'Gold', 6, 7),
    (108, 'web01', 0, 50), (110, '50%: a', 0, 3), (2001, 'ora01', 0, 51), (112, 'tmpl', 0, 50);
INSERT INTO vc.VPX_VIRTUAL_DISK VALUES (108, 2000, 1), (110, 2000, 2), (2001, 2000, 3);
INSERT INTO vc.VPX_FIELD_DEF VALUES (1, 'Backup');
INSERT INTO vc.VPX_FIELD_VAL VALUES (108, 1, 'nightly'), (110, 1, 'never'), (2001, 1, 'nightly');
INSERT INTO vc.VPX_DRS_RULE VALUES (7, 'Keep together');
INSERT INTO vc.VPX_DRS_RULE_VM VALUES (7, 108), (7, 2001);
"""
FILES = """
CREATE TABLE vc.VPX_VDEVICE_FILE_BACKING (BACKING_ID integer, VM_ID integer, UPDATE_KEY bigint, DATASTORE_ID integer);
INSERT INTO vc.VPX_VDEVICE_FILE_BACKING VALUES (1, 108, 2000, 688), (2, 110, 2000, 688), (3, 2001, 2000, 689),
    (4, 108, 3000, 702);
"""
# What the examples read beyond what grants-postgresql.sql grants, and a right to write that nobody should give.
MORE = "GRANT SELECT ON ALL TABLES IN SCHEMA vc TO snapall; GRANT DELETE, UPDATE ON vc.VPX_SNAPSHOT TO snapall;"


class Server:
    """A PostgreSQL server in a folder of its own. As root, it runs as the user postgres, for it refuses root."""

    def __init__(self) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not found:
            missing("PostgreSQL is not installed (Debian: postgresql)")
        self._bin, self._psql = found[-1].parent, program("psql", "postgresql-client")
        self._as = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        self.folder = Path(
            tempfile.mkdtemp(prefix="snapall-query-", dir="/tmp")
        )  # the path of its socket must be short
        self.port = free_port()
        if self._as:
            shutil.chown(self.folder, "postgres", "postgres")
        self._own("initdb", "-D", "data", "-U", "postgres", "-E", "UTF8", "--auth-local=trust", "--auth-host=md5")
        own = f"-c port={self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} -c fsync=off"
        self._own("pg_ctl", "start", "-w", "-D", "data", "-l", "log", "-o", own)

    def _own(self, name: str, *words: str) -> None:
        command = [*self._as, str(self._bin / name), *words]
        subprocess.run(command, cwd=self.folder, stdout=subprocess.DEVNULL, check=True)

    def sql(self, text: str, *options: str) -> str:
        """Run a script as the administrator, and return what it answers."""
        where = ["-h", str(self.folder), "-p", str(self.port), "-U", "postgres", "-v", "ON_ERROR_STOP=1", *options]
        command = [self._psql, "-X", "-q", "-A", "-t", *where, "-f", "-"]
        return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout.strip()

    def asked(self, driver: str) -> VirtualCenter:
        url = f"postgresql+{driver}://snapall@127.0.0.1:{self.port}/postgres"
        return VirtualCenter(Database(url=url, password=Secret("CHANGE-ME")))

    def remove(self) -> None:
        self._own("pg_ctl", "stop", "-w", "-D", "data", "-m", "immediate")
        shutil.rmtree(self.folder)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    try:
        yield made
    finally:
        made.remove()


@pytest.fixture
def database(server: Server) -> Server:
    """The server with new tables, and snapall's login with the rights of the shipped file and some more."""
    server.sql("DROP SCHEMA IF EXISTS vc CASCADE; DROP ROLE IF EXISTS snapall;")
    server.sql(TABLES + FILES)
    server.sql((SQL / "grants-postgresql.sql").read_text(), "--single-transaction")
    server.sql(MORE)
    return server


@pytest.fixture(params=["psycopg", "psycopg2", "pg8000"])
def driver(request: pytest.FixtureRequest) -> Iterator[str]:
    name = str(request.param)
    if find_spec(name) is None:
        missing(f"the driver {name} is not installed")
    yield name
    gc.collect()  # so that no later test hears of it


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(SnapallError) as caught:
        act()
    assert "CHANGE-ME" not in caught.value.message
    return caught.value.code


@pytest.mark.parametrize("name", ["folder", "resource-pool", "custom-attribute", "drs-rule"])
def test_each_example_names_the_vms_of_its_group(database: Server, driver: str, name: str) -> None:
    query = (SQL / "examples" / f"{name}.sql").read_text(encoding="utf-8").replace("vc_user.", "vc.")
    found = database.asked(driver).vms([], query)
    assert [(vm.id, vm.name) for vm in found.vms] == [(108, "web01"), (2001, "ora01")]


def test_disks_and_not_an_iso_image_tell_where_a_vm_lies(database: Server, driver: str) -> None:
    where = database.asked(driver).vms([688, 702]).where
    assert where.places[108] == Place((688, 702), (688,), whole=True)
    assert where.guests[108] == ("web01.lab", "10.0.0.8")


def test_signs_that_drivers_read_are_sent_as_they_stand(database: Server, driver: str) -> None:
    query = "SELECT ID FROM vc.VPX_ENTITY WHERE NAME LIKE '50%: %' AND ID::bigint > 2 AND '12:30' <> '%s'"
    assert database.asked(driver).queried(query) == {110}


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("DELETE FROM vc.VPX_SNAPSHOT RETURNING ID", "SA-2134"),
        ("SELECT 108; DELETE FROM vc.VPX_SNAPSHOT", "SA-2134"),
        ("WITH x AS (DELETE FROM vc.VPX_SNAPSHOT RETURNING ID) SELECT ID FROM x", "SA-2134"),
        ("SELECT ID FROM vc.VPX_RULES", "SA-2131"),
        ("SELECT RULE FROM vc.VPX_VM", "SA-2132"),
        ("SELECT usesysid FROM pg_catalog.pg_shadow", "SA-2130"),
        ("SELECT 'vm-108'", "SA-2137"),
        ("SELECT 108 FROM generate_series(1, 50000) a, generate_series(1, 50000) b", "SA-2135"),
    ],
)
def test_what_is_no_list_of_vms_is_an_error_by_name_and_nothing_changes(
    database: Server, driver: str, statement: str, code: str
) -> None:
    database.sql("INSERT INTO vc.VPX_SNAPSHOT VALUES (1228, 108, 'Quiesce', '2007-03-22 03:00:00');")
    assert code_of(lambda: database.asked(driver).queried(statement)) == code
    assert database.sql("SELECT count(*) FROM vc.VPX_SNAPSHOT;") == "1"


def test_the_grants_hold_where_the_tables_of_the_disks_are_missing(server: Server, driver: str) -> None:
    server.sql("DROP SCHEMA IF EXISTS vc CASCADE; DROP ROLE IF EXISTS snapall;")
    server.sql(TABLES)
    server.sql((SQL / "grants-postgresql.sql").read_text(), "--single-transaction")
    found = server.asked(driver).vms([688])
    assert [vm.name for vm in found.vms] == ["web01", "50%: a"]
    assert not found.where.disks_readable
    assert found.where.guests[108] == ("web01.lab", "10.0.0.8")
