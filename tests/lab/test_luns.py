"""The simulated filer's LUNs: clones, maps, and what holds a snapshot."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from snapall.lab.faults import Fault, FaultKind
from snapall.lab.filershell import Ending, FilerShell, ShellReply
from snapall.lab.sites import build, paper
from snapall.lab.texts import Says
from tests.lab import external_actors
from tests.lab.lunshell import CLONE, SQL, clone, do, output, tags
from tests.lab.sites import batch, with_luns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NIGHT = datetime(2007, 3, 22, 3, 0, tzinfo=UTC)
OLD = "NetApp Release 7.0.2: Wed Oct 26 16:45:03 PDT 2005"
E8 = "NetApp Release 8.2.5P1 7-Mode: Thu Dec 21 21:09:11 PST 2017"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[FilerShell]:
    with build(tmp_path / "lab", with_luns().having(clock=NIGHT.timestamp())) as world:
        yield FilerShell(world)


def test_the_verbose_list_shows_serial_maps_and_what_a_clone_rests_on(shell: FilerShell) -> None:
    clone(shell)
    do(shell, f"lun comment {CLONE} 'mount 7 of vmware_recent'")
    do(shell, f"lun map {CLONE} helper")
    assert output(shell, f"lun show -v {CLONE}") == (
        f"        {CLONE}      8m (8388608)    (r/w, online, mapped)\n"
        '                Comment: "mount 7 of vmware_recent"\n'
        "                Serial#: W-L700000005\n"
        "                Backed by: /vol/vmvol1/.snapshot/vmware_recent/sql01\n"
        "                Share: none\n"
        "                Space Reservation: disabled\n"
        "                Multiprotocol Type: vmware\n"
        "                Maps: helper=0\n"
        "                Creation Time: Thu Mar 22 03:00:00 UTC 2007\n"
    )
    do(shell, f"lun offline {CLONE}")
    assert output(shell, f"lun show {CLONE}").endswith("(r/w, offline, mapped)\n")
    do(shell, "snap rename vmvol1 vmware_recent older")
    assert "/.snapshot/older/sql01" in output(shell, f"lun show -v {CLONE}")


def test_the_maps_are_listed_without_luns_that_have_none(shell: FilerShell) -> None:
    do(shell, f"lun unmap {SQL} esx")
    assert output(shell, "lun show -m").splitlines()[:3] == [
        "LUN path                            Mapped to          LUN ID  Protocol",
        "-----------------------------------------------------------------------",
        "/vol/vmvol1/vmvol1_vmfs             esx                    0       iSCSI",
    ]
    assert SQL not in output(shell, "lun show -m")
    assert len(output(shell, "lun show -m").splitlines()) == 5


def test_initiator_groups_show_who_is_logged_in(shell: FilerShell) -> None:
    assert output(shell, "igroup show spare") == (
        "    spare (iSCSI) (ostype: vmware):\n        iqn.1998-01.com.vmware:spare-0badcafe (not logged in)\n"
    )
    assert "(logged in on: vif1)" in output(shell, "igroup show -v helper")
    assert len(output(shell, "igroup show").splitlines()) == 6


def test_a_map_takes_the_smallest_lun_id_that_the_group_has_free(shell: FilerShell) -> None:
    clone(shell)
    do(shell, f"lun unmap {SQL} esx", f"lun map {CLONE} esx")
    assert "Maps: esx=3" in output(shell, f"lun show -v {CLONE}")
    assert output(shell, f"lun map {SQL} esx 3") == Says.ID_TAKEN(SQL, "esx") + "\n"
    do(shell, f"lun map {SQL} esx 17")
    assert "Maps: esx=17" in output(shell, f"lun show -v {SQL}")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("lun show /vol/vmvol1/nosuch", "lun show: /vol/vmvol1/nosuch: No such LUN exists"),
        ("lun show -x", "usage:"),
        ("lun show vmvol1", "lun show: vmvol1: No such LUN exists"),
        ("lun nosuch", "usage:"),
        ("lun", "usage:"),
        ("lun snap nosuch", "usage:"),
        ("lun snap usage vmvol1 nosuch", "No such snapshot."),
        ("lun snap usage nosuch x", "lun snap usage: Volume nosuch does not exist."),
        ("lun clone nosuch", "usage:"),
        ("igroup nosuch", "usage:"),
        ("igroup show nosuch", "igroup show: nosuch: No such initiator group exists"),
        ("lun map /vol/vmvol1/sql01 nosuch", "lun map: nosuch: No such initiator group exists"),
        ("lun map /vol/vmvol1/sql01 esx", Says.ALREADY_MAPPED(SQL)),
        ("lun map /vol/vmvol1/sql01 helper 999", "usage:"),
        ("lun unmap /vol/vmvol1/sql01 helper", Says.NOT_MAPPED(SQL)),
        ("lun online /vol/vmvol1/sql01", Says.ALREADY_ONLINE(SQL)),
        ("lun destroy /vol/vmvol1/sql01", Says.IN_USE(SQL)),
        ("lun move /vol/vmvol1/sql01 /vol/vmvol2/sql01", Says.OTHER_VOLUME("lun move", "/vol/vmvol2/sql01")),
        ("lun move /vol/vmvol1/sql01 /vol/vmvol1/web01", Says.LUN_EXISTS("lun move", "/vol/vmvol1/web01")),
        ("lun serial /vol/vmvol1/sql01 short", Says.BAD_SERIAL("short")),
        ("lun serial /vol/vmvol1/sql01 W-L7aaaaaaa?", Says.BAD_SERIAL("W-L7aaaaaaa?")),
        ("lun serial /vol/vmvol1/sql01 W-L7aaaaaaaa", Says.NOT_OFFLINE("lun serial", SQL)),
        (f"lun clone create x -b {SQL} vmware_recent", Says.NO_LUN("lun clone create", "x")),
        (f"lun clone create {CLONE} -b {SQL} nosuch", "No such snapshot."),
        (f"lun clone create {CLONE} -b /vol/vmvol1/new vmware_recent", "/vol/vmvol1/new: No such LUN exists in snap"),
        (f"lun clone create {SQL} -b {SQL} vmware_recent", Says.LUN_EXISTS("lun clone create", SQL)),
        (f"lun clone create /vol/v/x -b {SQL} vmware_recent", Says.OTHER_VOLUME("lun clone create", "/vol/v/x")),
        (f"lun clone split start {SQL}", Says.NO_CLONE("lun clone split start", SQL)),
        (f"lun clone split stop {SQL}", "No split is currently in progress"),
        ("snap restore -f -t file -s nosuch /vol/vmvol1/sql01", "No such snapshot."),
        ("snap restore -f -t vol -s nosuch vmvol1", "No such snapshot."),
        ("snap restore -f -t file -s vmware_recent sql01", Says.NO_LUN("snap restore", "sql01")),
        ("snap restore -f -t file -s vmware_recent -r /vol/vmvol1/x /vol/vmvol1/sql01", "usage:"),
        ("vol options vmvol1 nosuch on", "vol options: No such option nosuch"),
        ("vol options vmvol1 snapshot_clone_dependency maybe", "vol options: snapshot_clone_dependency must be on"),
        ("vol options nosuch", "vol options: Volume nosuch does not exist."),
    ],
)
def test_an_impossible_lun_command_answers_on_stderr_and_changes_nothing(
    shell: FilerShell, command: str, answer: str
) -> None:
    before = output(shell, "lun show -v")
    reply = shell.answer(command, "ssh", "snapall")
    assert (reply.stdout, reply.stderr[: len(answer)]) == ("", answer)
    assert output(shell, "lun show -v") == before
    assert not shell.world.ledger().effects


def test_a_clone_holds_its_snapshot_until_it_is_gone(shell: FilerShell) -> None:
    clone(shell)
    assert tags(shell) == {"vmware_recent": ("busy", "LUNs")}
    assert output(shell, "snap delete vmvol1 vmware_recent") == Says.BUSY("vmware_recent", "LUN clone") + "\n"
    assert output(shell, "lun snap usage vmvol1 vmware_recent") == (
        f"Active:\n        LUN: {CLONE}\n        Backed By: /vol/vmvol1/.snapshot/vmware_recent/sql01\n"
    )
    do(shell, f"lun offline {CLONE}", f"lun destroy {CLONE}")
    assert tags(shell) == {}
    assert output(shell, "lun snap usage vmvol1 vmware_recent") == ""


def test_a_snapshot_taken_beside_a_clone_holds_the_one_under_it_unless_the_option_is_on(shell: FilerShell) -> None:
    clone(shell, "vmware_snap3")
    output(shell, "snap create vmvol1 nightly")
    do(shell, f"lun destroy {CLONE}")
    assert tags(shell) == {"vmware_snap3": ("busy", "LUNs")}
    assert output(shell, "lun snap usage vmvol1 vmware_snap3").splitlines()[0] == "nightly:"
    output(shell, "snap delete vmvol1 nightly")
    assert tags(shell) == {}
    do(shell, "vol options vmvol1 snapshot_clone_dependency on")
    clone(shell, "vmware_snap3")
    output(shell, "snap create vmvol1 nightly")
    do(shell, f"lun destroy {CLONE}")
    assert tags(shell) == {}


def test_data_ontap_before_7_3_does_not_know_the_option(shell: FilerShell) -> None:
    assert "snapshot_clone_dependency=off" in output(shell, "vol options vmvol1")
    shell.world.set(version=OLD)
    assert "snapshot_clone_dependency" not in output(shell, "vol options vmvol1")
    assert "No such option" in output(shell, "vol options vmvol1 snapshot_clone_dependency on")


def test_a_serial_is_set_while_the_lun_is_offline(shell: FilerShell) -> None:
    do(shell, f"lun offline {SQL}", f"lun serial {SQL} 'P3/-7aaaaaaa'", f"lun online {SQL}")
    assert output(shell, f"lun serial {SQL}") == "Serial#: P3/-7aaaaaaa\n"
    shell.world.set(version=E8)
    do(shell, f"lun offline {SQL}", f"lun serial {SQL} 'P3?[*7aaaaaa'")


def test_a_clone_may_have_its_parent_s_serial(shell: FilerShell) -> None:
    shell.world.set(clone_serial="parent")
    clone(shell)
    assert output(shell, f"lun serial {CLONE}") == output(shell, f"lun serial {SQL}")


def test_a_lun_moves_with_its_maps_and_may_be_destroyed_offline_or_by_force(shell: FilerShell) -> None:
    do(shell, f"lun move {SQL} {SQL}.old")
    assert "Maps: esx=3" in output(shell, f"lun show -v {SQL}.old")
    do(shell, f"lun destroy -f {SQL}.old", "lun offline /vol/vmvol1/web01", "lun destroy /vol/vmvol1/web01")
    assert shell.world.luns("vmvol1") == ("/vol/vmvol1/vmvol1_vmfs", "/vol/vmvol1/web02")


def test_a_full_volume_takes_an_unreserved_clone_but_no_split(shell: FilerShell) -> None:
    external_actors.set_volume(shell.world, "vmvol1", full=True)
    assert "No space left" in output(shell, f"lun clone create {CLONE} -b {SQL} vmware_recent")
    clone(shell)
    assert "No space left" in output(shell, f"lun clone split start {CLONE}")
    assert "No space left" in output(shell, f"snap restore -f -t file -s vmware_recent {SQL}")


@pytest.mark.parametrize(
    ("on", "command"),
    [
        ("lun clone", f"lun clone create {CLONE} -o noreserve -b {SQL} vmware_recent"),
        ("lun clone create", f"lun clone create {CLONE} -o noreserve -b {SQL} vmware_recent"),
        ("lun map", f"lun map {SQL} helper"),
        ("lun unmap", f"lun unmap {SQL} esx"),
        ("lun offline", f"lun offline {SQL}"),
        ("lun move", f"lun move {SQL} {SQL}.old"),
        ("lun", f"lun destroy -f {SQL}"),
        ("snap restore", f"snap restore -f -t file -s vmware_recent {SQL}"),
        ("snap restore", "snap restore -f -t vol -s vmware_recent vmvol1"),
        ("vol options", "vol options vmvol1 snapshot_clone_dependency on"),
    ],
)
def test_faults_strike_each_command_by_its_verb(shell: FilerShell, on: str, command: str) -> None:
    shell.world.add_faults(*(Fault(on, kind, nth=n) for n, kind in enumerate((FaultKind.DROP, FaultKind.LIE), 1)))
    assert shell.answer(command, "ssh", "snapall") == ShellReply(ending=Ending.DROP)
    assert "not" not in output(shell, command)
    assert [entry.command for entry in shell.world.ledger().changing] == [command] * 2
    assert not shell.world.ledger().effects
    shell.world.add_faults(Fault(on, FaultKind.ACT_LATE, seconds=5))
    assert shell.answer(command, "ssh", "snapall") == ShellReply(ending=Ending.DROP)
    shell.world.advance(5)
    (effect,) = shell.world.ledger().effects
    assert effect.volume == "vmvol1"


def test_the_paper_s_site_has_a_lun_for_each_vm_and_one_for_each_datastore(tmp_path: Path) -> None:
    with build(tmp_path, paper()) as world:
        assert len(world.luns()) == 54 + 3
        assert "/vol/vmvol1/hr_payroll" in world.luns("vmvol1")
        assert len(world.luns("vmvol1")) == 20


def test_where_no_lun_was_asked_for_there_is_none(tmp_path: Path) -> None:
    with build(tmp_path, batch()) as world:
        assert world.luns() == ()
        assert output(FilerShell(world), "lun show -v") == output(FilerShell(world), "igroup show") == ""
        assert not (world.directory / "devices").exists()
