"""The world: its truth, the database that follows it, its time, its ledger."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.backup.model import VmSnapshot
from snapall.errors import SnapallError
from snapall.lab.filershell import FilerShell
from snapall.lab.ledger import Change, Effect, Entry, read_ledger
from snapall.lab.sites import SiteSpec, build, encoded, paper
from snapall.lab.vcbsnapshot import vcbsnapshot
from snapall.lab.world import World
from tests.lab import external_actors
from tests.lab.sites import batch, big, tiny

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NIGHT = datetime(2007, 3, 22, 3, 0, tzinfo=UTC)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with build(tmp_path / "lab", batch().having(clock=NIGHT.timestamp())) as world:
        yield world


def rows(world: World, query: str) -> list[tuple[Any, ...]]:
    path = f"file:{world.directory / 'virtualcenter.db'}?mode=ro"
    with closing(sqlite3.connect(path, uri=True)) as db:
        return db.execute(query).fetchall()


def argv(world: World, *rest: str) -> list[str]:
    settings = world.settings
    return ["-h", "vc01", "-u", settings.vc_user, "-p", settings.vc_password, *rest]


def test_the_paper_s_site_has_19_vms_on_datastore_688_and_54_in_all(tmp_path: Path) -> None:
    with build(tmp_path, paper()) as world:
        assert len(world.vms()) == 54
        assert len(world.vms(688)) == 19
        assert len({vm.name for vm in world.vms()}) == 54
        assert len({vm.host for vm in world.vms()}) == 7
        query = "SELECT count(*) FROM VPX_VM JOIN VPX_DS_ASSIGNMENT ON VPX_VM.ID = ENTITY_ID WHERE DS_ID = 688"
        assert rows(world, query) == [(20,)]
        assert rows(world, f"{query} AND IS_TEMPLATE = 0") == [(19,)]
        assert rows(world, "SELECT count(*) FROM VPX_DS_ASSIGNMENT WHERE DS_ID = 688") == [(27,)]
        both = {vm.name for vm in world.vms(688)} & {vm.name for vm in world.vms(689)}
        assert both == {"sql01", "files01"}
        assert [vm.label for vm in world.vms(688) if vm.id == 611] == ["sql01 (vm-611)"]


def test_names_are_stored_as_virtualcenter_stores_them(tmp_path: Path) -> None:
    assert encoded("a/b\\c%") == "a%2fb%5cc%25"
    with build(tmp_path, paper()) as world:
        assert rows(world, "SELECT NAME FROM VPX_ENTITY WHERE ID = 355") == [("hr%2fpayroll",)]


def test_a_query_of_the_hosts_passwords_fails(tmp_path: Path) -> None:
    with build(tmp_path, tiny()) as world:
        assert rows(world, "SELECT ID, DNS_NAME FROM VPX_HOST") == [(11, "esx01.example.edu")]
        with pytest.raises(sqlite3.OperationalError, match="malformed JSON"):
            rows(world, "SELECT * FROM VPX_HOST")


@pytest.mark.parametrize(("site", "count"), [(tiny(), 2), (batch(), 3), (big(30), 30)])
def test_other_sites_have_their_vms(tmp_path: Path, site: SiteSpec, count: int) -> None:
    with build(tmp_path, site) as world:
        assert len(world.vms(688)) == count


def test_a_world_is_created_once(tmp_path: Path) -> None:
    build(tmp_path, tiny()).close()
    with pytest.raises(FileExistsError):
        build(tmp_path, tiny())
    with World(tmp_path) as again:
        assert len(again.vms()) == 3


def test_a_folder_without_a_world_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(SnapallError, match="there is no lab") as caught:
        World(tmp_path)
    assert "snapall lab up" in caught.value.hint


def test_a_failing_change_leaves_no_trace(world: World) -> None:
    def fail() -> None:
        with world.transaction() as transaction:
            transaction.db.execute("DELETE FROM vms")
            transaction.record(Entry(transaction.time, "filer"))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert len(world.vms(688)) == 3
    assert world.ledger() == ()


def test_its_clock_can_stand_still_and_be_advanced(world: World) -> None:
    world.wait(0)
    assert world.now() == NIGHT
    world.wait(60)
    world.advance(60)
    assert (world.now() - NIGHT).total_seconds() == 120


def test_real_time_cannot_be_advanced(world: World) -> None:
    world.set(clock=None)
    world.wait(0.001)
    with pytest.raises(SnapallError, match="real time"):
        world.advance(1)


def test_the_ledger_shows_each_call_its_change_and_what_was_quiesced(world: World) -> None:
    shell = FilerShell(world)
    made = argv(world, "-c", "moref:vm-110", "Quiesce")
    vcbsnapshot(world, made)
    shell.answer("snap create vmvol1 new", "ssh", "snapall")
    vcbsnapshot(world, argv(world, "-d", "moref:vm-110", "ssid:snapshot-1228"))
    shell.answer("snap delete vmvol1 vmware_snap4", "rsh", "root")
    shell.answer("snap rename vmvol1 new vmware_snap4", "ssh", "snapall")
    shell.answer("snap list -n vmvol1", "ssh", "snapall")

    ledger = world.ledger()
    assert [entry.n for entry in ledger] == [1, 2, 3, 4, 5, 6]
    assert [entry.verb for entry in ledger] == [
        "create", "snap create", "delete", "snap delete", "snap rename", "snap list",
    ]  # fmt: skip
    assert ledger[0].argv == tuple(made)
    assert [entry.exit for entry in ledger.vcbsnapshot] == [0, 0]
    assert ledger.effects == (
        Effect(Change.MADE, "Quiesce", vm=110, ssid="snapshot-1228"),
        Effect(Change.CAPTURED, "new", volume="vmvol1"),
        Effect(Change.REMOVED, "Quiesce", vm=110, ssid="snapshot-1228"),
        Effect(Change.DELETED, "vmware_snap4", volume="vmvol1"),
        Effect(Change.RENAMED, "new", volume="vmvol1", new="vmware_snap4"),
    )
    assert [entry.quiesced for entry in ledger.captures] == [{110: ("Quiesce",)}]
    assert [entry.command for entry in ledger.changing] == [
        "snap create vmvol1 new", "snap delete vmvol1 vmware_snap4", "snap rename vmvol1 new vmware_snap4",
    ]  # fmt: skip
    assert [(entry.transport, entry.user) for entry in ledger.since(3).changing] == [
        ("rsh", "root"),
        ("ssh", "snapall"),
    ]
    assert [effect.label for effect in ledger.effects[::2]] == [
        "vm-110: made Quiesce (snapshot-1228)",
        "vm-110: removed Quiesce (snapshot-1228)",
        "vmvol1: renamed new -> vmware_snap4",
    ]
    assert ledger[0].at == NIGHT


def test_a_line_whose_change_was_never_committed_does_not_count(tmp_path: Path) -> None:
    lost = Entry(NIGHT, "filer", n=1, command="snap create vmvol1 lost")
    true = Entry(NIGHT, "filer", n=1, command="snap create vmvol1 true")
    ahead = Entry(NIGHT, "filer", n=2, command="snap create vmvol1 ahead")
    path = tmp_path / "ledger.jsonl"
    assert read_ledger(path, 0) == ()
    lines = [lost.to_json(), true.to_json(), ahead.to_json(), '{"n": 3, "torn']
    path.write_text("\n".join(lines), encoding="utf-8")
    assert read_ledger(path, 1) == (true,)


def test_virtualcenter_db_follows_the_truth(world: World) -> None:
    vcbsnapshot(world, argv(world, "-c", "moref:vm-108", "Quiesce"))
    query = "SELECT ID, VM_ID, SNAPSHOT_NAME, CREATE_TIME FROM VPX_SNAPSHOT"
    assert rows(world, query) == [(1228, 108, "Quiesce", "2007-03-22 03:00:00.000000")]
    assert world.vm_snapshots() == (VmSnapshot("snapshot-1228", 108, "Quiesce", NIGHT),)
    vcbsnapshot(world, argv(world, "-d", "moref:vm-108", "ssid:snapshot-1228"))
    assert rows(world, query) == []


def test_it_follows_even_while_it_cannot_be_reached(world: World) -> None:
    external_actors.set_database(world, up=False)
    external_actors.set_database(world, up=False)
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        rows(world, "SELECT 1")
    ssid = external_actors.make_vm_snapshot(world, 108, "by hand")
    external_actors.set_database(world, up=True)
    assert rows(world, "SELECT ID FROM VPX_SNAPSHOT") == [(1228,)]
    external_actors.remove_vm_snapshot(world, 108, ssid)
    assert rows(world, "SELECT ID FROM VPX_SNAPSHOT") == []
    assert world.ledger() == ()


def test_other_people_move_and_delete_vms(world: World) -> None:
    external_actors.move_vm(world, 108, 12)
    assert rows(world, "SELECT HOST_ID FROM VPX_VM WHERE ID = 108") == [(12,)]
    external_actors.make_vm_snapshot(world, 110, "by hand")
    external_actors.remove_vm(world, 110)
    assert rows(world, "SELECT count(*) FROM VPX_VM WHERE ID = 110") == [(0,)]
    assert rows(world, "SELECT count(*) FROM VPX_SNAPSHOT") == [(0,)]
    assert world.quiesced() == {}
    with pytest.raises(SnapallError, match="vm-110"):
        external_actors.make_vm_snapshot(world, 110, "too late")


def test_other_products_change_the_filer_s_list(world: World) -> None:
    external_actors.make_filer_snapshot(world, "vmvol1", "hourly.0")
    external_actors.tag(world, "vmvol1", "vmware_snap4", "busy", "LUNs")
    external_actors.remove_filer_snapshot(world, "vmvol1", "vmware_snap3")
    listing = world.listing("vmvol1")
    assert [snapshot.name for snapshot in listing] == ["hourly.0", "vmware_recent", "vmware_previous", "vmware_snap4"]
    assert listing[0].date == "Mar 22 03:00"
    assert listing[-1].tags == ("busy", "LUNs")


@given(st.text(), st.lists(st.text()), st.none() | st.integers(0, 255), st.text())
def test_an_entry_is_read_as_it_was_written(command: str, argv: list[str], exit_: int | None, user: str) -> None:
    filer = Entry(NIGHT, "filer", n=7, transport="rsh", user=user, command=command, of=3)
    vcb = Entry(NIGHT, "vcbsnapshot", n=8, argv=tuple(argv), exit=exit_, fault="lag")
    taken = Entry(NIGHT, "filer", effect=Effect(Change.CAPTURED, user, volume="v"), quiesced={108: (command,)})
    for entry in (filer, vcb, taken):
        assert Entry.from_json(entry.to_json()) == entry
