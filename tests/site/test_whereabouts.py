"""Where the database says that VMs lie: by their disks where these can be read, else by their assignments."""

from __future__ import annotations

from pathlib import Path

import pytest

from snapall.backup.model import Job, Vm
from snapall.backup.whereabouts import Place
from snapall.config.settings import Config, Database, Vcenter
from snapall.site.datastores import DatastoreVms, home_of
from snapall.site.neededhosts import needed_hosts
from snapall.site.process import own_addresses
from snapall.site.virtualcenter import VirtualCenter
from tests.site.conftest import PAIRS, Start
from tests.site.drivers import Driver, Pyodbc
from tests.site.servers import SQL_2000, SQL_2005, ServerError
from tests.site.test_virtualcenter import Db

DISKS = """
CREATE TABLE VPX_VIRTUAL_DISK (VM_ID INTEGER, UPDATE_KEY INTEGER, VDEVICE_ID INTEGER);
CREATE TABLE VPX_VDEVICE_FILE_BACKING (BACKING_ID INTEGER, VM_ID INTEGER, UPDATE_KEY INTEGER, DATASTORE_ID);
ALTER TABLE VPX_VM ADD COLUMN NUM_DISK;
ALTER TABLE VPX_VM ADD COLUMN DNS_NAME;
ALTER TABLE VPX_VM ADD COLUMN IP_ADDRESS;
ALTER TABLE VPX_DATASTORE ADD COLUMN STORAGE_URL;
"""


@pytest.fixture
def db(tmp_path: Path) -> Db:
    """Two VMs on 688, each with a disk of the key 2000 there; 115 has an ISO image on 702, too."""
    made = Db(tmp_path / "virtualcenter.db")
    made.run(DISKS)
    made.add("VPX_VM", (108, 9, 0, 1, "web01.lab", "10.0.0.8"), (115, 9, 0, None, None, None))
    made.add("VPX_DS_ASSIGNMENT", (688, 108), (688, 115), (702, 115))
    made.add("VPX_VIRTUAL_DISK", (108, 2000, 1), (115, 2000, 2))
    # An ISO image has a file, but no disk of its key.
    made.add("VPX_VDEVICE_FILE_BACKING", (1, 108, 2000, 688), (2, 115, 2000, 688), (3, 115, 3000, 702))
    return made


def found(db: Db, *datastores: int) -> DatastoreVms:
    return db.asked().vms(datastores or (688,))


def test_a_vm_lies_where_its_disks_are_and_an_iso_image_is_no_disk(db: Db) -> None:
    where = found(db, 688, 702).where
    assert where.places == {
        108: Place((688,), (688,), whole=True),
        115: Place((688, 702), (688,), whole=True),
    }
    assert (where.disks_readable, where.disks_known) == (True, True)
    placed = {one.vm.id: (one.datastores, one.whole) for one in db.asked().placements()}
    assert placed == {108: ((688,), True), 115: ((688,), True)}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE VPX_VDEVICE_FILE_BACKING SET DATASTORE_ID = NULL WHERE VM_ID = 108",
        "UPDATE VPX_VDEVICE_FILE_BACKING SET DATASTORE_ID = 'none' WHERE VM_ID = 108",
        "DELETE FROM VPX_VDEVICE_FILE_BACKING WHERE VM_ID = 108",
        "DELETE FROM VPX_VIRTUAL_DISK WHERE VM_ID = 108",
        "UPDATE VPX_VM SET NUM_DISK = 2 WHERE ID = 108",
        "INSERT INTO VPX_VIRTUAL_DISK VALUES (108, 2001, 9)",
    ],
)
def test_a_disk_of_unknown_place_leaves_the_place_of_its_vm_open(db: Db, change: str) -> None:
    db.run(change)
    where = found(db).where
    assert not where.places[108].whole
    assert 688 in where.places[108].datastores
    assert where.places[115].whole


@pytest.mark.parametrize(
    "change",
    [
        "DROP TABLE VPX_VIRTUAL_DISK",
        "DROP TABLE VPX_VDEVICE_FILE_BACKING",
        "ALTER TABLE VPX_VDEVICE_FILE_BACKING DROP COLUMN UPDATE_KEY",
    ],
)
def test_without_the_tables_of_the_disks_the_assignments_count(db: Db, change: str) -> None:
    db.run(change)
    where = found(db, 702).where
    assert (where.disks_readable, where.disks_known) == (False, False)
    assert where.places == {115: Place((702,))}
    assert [one.datastores for one in db.asked().placements()] == [(688,), (688, 702)]


def test_tables_of_disks_without_a_row_say_nothing(db: Db) -> None:
    db.run("DELETE FROM VPX_VIRTUAL_DISK")
    where = found(db).where
    assert (where.disks_readable, where.disks_known) == (True, False)


def test_vms_of_another_datastore_with_the_same_storage_stand_beside(db: Db) -> None:
    db.add("VPX_DATASTORE", (688, "vol1", 1, 1, "sanfs://A/"), (703, "vol1", 1, 1, " sanfs://a"), (704, "x", 1, 1, ""))
    db.add("VPX_VM", (9001, 9, 0, 1, None, None))
    db.add("VPX_DS_ASSIGNMENT", (703, 9001), (703, 108))
    result = found(db)
    assert [vm.id for vm in result.vms] == [108, 115]
    assert result.beside == (Vm(9001),)
    assert result.where.places[9001] == Place((703,))
    assert result.where.on_storage_of([688]) == {688, 703}
    assert db.asked().storage() == {688: "sanfs://a", 703: "sanfs://a"}


def test_what_the_guests_are_called_is_read_column_by_column(db: Db) -> None:
    assert found(db).where.guests[108] == ("web01.lab", "10.0.0.8")
    db.run("ALTER TABLE VPX_VM DROP COLUMN DNS_NAME")
    assert found(db).where.guests[108] == ("10.0.0.8",)


@pytest.mark.parametrize("asked", ["VPX_VIRTUAL_DISK", "STORAGE_URL", "IP_ADDRESS"])
@pytest.mark.parametrize(
    "fault",
    [
        ServerError(1222, "HYT00", "Lock request time out period exceeded."),
        ServerError(8152, "22001", "Something that nobody expected."),
        ServerError(229, "42000", "SELECT permission denied on object 'VPX_VIRTUAL_DISK'."),
    ],
)
def test_no_fault_of_the_optional_tables_stops_a_survey(start: Start, fault: ServerError, asked: str) -> None:
    site = start(Pyodbc, SQL_2005)
    site.server.fails = (asked, fault)
    result = site.asked().vms([688])
    assert result.vms == (Vm(611, "sql01", "esx01.example.edu"),)
    assert result.where.places[611].assigned == (688,)
    assert not (result.where.disks_readable and asked == "VPX_VIRTUAL_DISK")


def test_after_a_lock_the_other_optional_questions_are_not_asked(start: Start) -> None:
    site = start(Pyodbc, SQL_2005)
    site.server.fails = ("VPX_VIRTUAL_DISK", ServerError(1222, "HYT00", "Lock request time out period exceeded."))
    site.asked().vms([688])
    assert not [text for text, _ in site.server.statements if "NUM_DISK" in text or "IP_ADDRESS" in text]


@pytest.mark.parametrize(("kind", "release"), PAIRS)
def test_each_server_tells_where_the_disks_are(start: Start, kind: type[Driver], release: str) -> None:
    where = start(kind, release).asked().vms([688]).where
    assert where.places == {611: Place((688,), (688,), whole=True)}
    assert where.guests == {611: ("sql01.example.edu", "10.0.0.61")}


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("mssql+pymssql://u@sql7.example.edu/VCDB", "sql7.example.edu"),
        ("mssql+pyodbc://u@VirtualCenter", "VirtualCenter"),
        ("mssql+pyodbc:///?odbc_connect=Driver%3DFreeTDS%3BServer%3Dtcp%3Asql7%2C1433%3BUid%3Du", "sql7"),
        ("mssql+pyodbc:///?odbc_connect=DSN%3DVirtualCenter", ""),
        ("sqlite:///virtualcenter.db", ""),
    ],
)
def test_the_databases_server_is_known_from_its_url(url: str, host: str) -> None:
    assert VirtualCenter(Database(url=url)).host == host


def test_the_needed_machines_are_those_of_the_configuration_and_this_one() -> None:
    settings = Config.model_construct(vcenter=Vcenter(host="vc01"))
    vcenter, database, own = needed_hosts(settings, "sql7", own_addresses())
    assert (vcenter.names, database.names) == (("vc01",), ("sql7",))
    assert "127.0.0.1" in own.names
    assert len(own.names) > 1
    assert needed_hosts(settings, "", ())[1].names == ()


def test_a_jobs_volumes_hold_its_own_datastores_and_for_a_query_those_of_jobs_beside_it() -> None:
    def job(name: str, volume: str, *datastores: int | str, query: str = "") -> Job:
        return Job(name, "filer1", (volume,), datastores, ("a",), query=query)

    known = {688: "gold", 689: "silver", 690: "tin"}
    by_query = job("q", "v1", query="SELECT 1")
    jobs = [by_query, job("one", "v1", 688), job("two", "v2", "silver"), job("three", "v1", "tin")]
    assert home_of(by_query, (), jobs, known) == (688, 690)
    assert home_of(jobs[1], (688,), jobs, known) == (688,)


def test_the_old_server_takes_all_questions_about_disks(start: Start) -> None:
    site = start(Pyodbc, SQL_2000)
    site.server.rights = {"VPX_VM": ["ID", "HOST_ID", "IS_TEMPLATE"], "VPX_DS_ASSIGNMENT": ["DS_ID", "ENTITY_ID"]}
    result = site.asked("vc_user").vms([688])
    assert result.vms == (Vm(611),)
    assert result.where.places == {611: Place((688,))}
