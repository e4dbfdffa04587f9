"""The drill's judge sees each broken promise in a world where it was broken, and none in a whole one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from snapall.backup.model import Grade, Job, Order, Policies, VmPolicy, chain_names
from snapall.drill.cellsite import FOREIGN, PASSWORD, site_of
from snapall.drill.verdict import Broken, judged
from snapall.lab.faults import Fault, FaultKind
from snapall.lab.filershell import FilerShell
from snapall.lab.proof import SiteState
from snapall.lab.sites import build
from snapall.lab.vcbsnapshot import vcbsnapshot
from snapall.lab.world import World

JOB = Job("vol1", "filer1", ("vmvol1",), (688,), chain_names("vmware", 4))
PAPER = replace(JOB, order=Order.PAPER, publish=Grade.CRASH_CONSISTENT)


class ManualSite:
    """A drill's site on which commands are given by hand."""

    def __init__(self, folder: Path, job: Job) -> None:
        self.world = build(folder, site_of(job))
        self.job = job
        self.before = SiteState.of(self.world)

    def filer(self, *commands: str) -> None:
        for command in commands:
            assert FilerShell(self.world).answer(command, "rsh", "root").stderr == ""

    def vcb(self, *argv: str) -> None:
        assert vcbsnapshot(self.world, ["-h", "vc", "-u", "vcbackup", "-p", PASSWORD, *argv]).exit == 0

    def whole_night(self, *, made: bool = False) -> None:
        """What a good run in safe order does to the filer."""
        if not made:
            self.filer("snap create vmvol1 new")
        self.filer("snap list vmvol1", "snap delete vmvol1 vmware_snap4")
        up = ["vmware_snap3 vmware_snap4", "vmware_previous vmware_snap3", "vmware_recent vmware_previous"]
        self.filer(*(f"snap rename vmvol1 {names}" for names in [*up, "new vmware_recent"]))

    def found(self) -> list[Broken]:
        return [one.broken for one in judged(self.before, SiteState.of(self.world), self.job)]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Callable[..., ManualSite]]:
    made: list[World] = []

    def make(job: Job = JOB) -> ManualSite:
        played = ManualSite(tmp_path / str(len(made)), job)
        made.append(played.world)
        return played

    yield make
    for world in made:
        world.close()


Make = Callable[..., ManualSite]


def test_an_untouched_site_breaks_no_promise(site: Make) -> None:
    assert site().found() == []


def test_a_good_run_breaks_no_promise(site: Make) -> None:
    night = site()
    night.vcb("-c", "moref:vm-100", "Quiesce-x")
    night.whole_night()
    (made,) = SiteState.of(night.world).vm_snapshots - night.before.vm_snapshots
    night.vcb("-d", "moref:vm-100", f"ssid:{made[0]}")
    assert night.found() == []


def test_a_vm_that_is_left_quiesced_is_found(site: Make) -> None:
    night = site()
    night.vcb("-c", "moref:vm-100", "Quiesce-x")
    assert night.found() == [Broken.VM]


@pytest.mark.parametrize(("vm", "ssid"), [(FOREIGN.id, "snapshot-1200"), (100, "snapshot-1201")])
def test_a_missing_vm_snapshot_that_is_not_ours_is_found(site: Make, vm: int, ssid: str) -> None:
    night = site()
    night.vcb("-d", f"moref:vm-{vm}", f"ssid:{ssid}")
    assert night.found() == [Broken.FOREIGN]


@pytest.mark.parametrize("command", ["snap delete vmvol1 hourly.0", "snap rename vmvol1 hourly.0 other"])
def test_a_touched_filer_snapshot_that_is_not_ours_is_found(site: Make, command: str) -> None:
    night = site()
    night.filer(command)
    assert night.found() == [Broken.FOREIGN]


def test_a_backup_that_is_deleted_without_a_new_one_is_lost(site: Make) -> None:
    night = site()
    night.filer("snap delete vmvol1 vmware_snap4")
    assert night.found() == [Broken.LOST, Broken.EARLY]


def test_in_paper_order_only_the_oldest_may_go_before_the_capture(site: Make) -> None:
    night = site(PAPER)
    night.filer("snap delete vmvol1 vmware_snap4")
    assert night.found() == []
    night.filer("snap delete vmvol1 vmware_snap3")
    assert night.found() == [Broken.LOST]


def test_another_backup_than_the_oldest_is_lost_even_after_a_capture(site: Make) -> None:
    night = site()
    night.filer("snap create vmvol1 new", "snap list vmvol1", "snap delete vmvol1 vmware_previous")
    assert night.found() == [Broken.LOST]


def test_a_backup_under_a_name_outside_the_chain_is_lost(site: Make) -> None:
    night = site()
    night.filer("snap rename vmvol1 vmware_snap3 elsewhere")
    assert night.found() == [Broken.LOST, Broken.EARLY]


def test_a_newest_backup_that_was_never_read_back_is_unconfirmed(site: Make) -> None:
    night = site()
    night.filer("snap rename vmvol1 vmware_recent away", "snap create vmvol1 new")
    night.filer("snap rename vmvol1 new vmware_recent")
    night.filer("snap list vmvol1")
    assert Broken.UNCONFIRMED in night.found()


def test_a_chain_with_a_gap_is_lost_although_a_backup_was_taken(site: Make) -> None:
    night = site()
    night.filer("snap create vmvol1 new", "snap list vmvol1", "snap delete vmvol1 vmware_snap4")
    assert night.found() == [Broken.LOST]


@pytest.mark.parametrize(
    "commands",
    [
        ["snap delete vmvol1 vmware_snap4", "snap create vmvol1 new", "snap list vmvol1"],
        ["snap create vmvol1 new", "snap delete vmvol1 vmware_snap4", "snap list vmvol1"],
        ["snap list vmvol1", "snap create vmvol1 new", "snap delete vmvol1 vmware_snap4"],
    ],
)
def test_a_rotation_before_the_confirmation_is_found_even_if_all_ends_well(site: Make, commands: list[str]) -> None:
    night = site()
    night.filer(*commands, "snap rename vmvol1 vmware_snap3 vmware_snap4")
    night.filer("snap rename vmvol1 vmware_previous vmware_snap3", "snap rename vmvol1 vmware_recent vmware_previous")
    night.filer("snap list vmvol1", "snap rename vmvol1 new vmware_recent")
    assert set(night.found()) == {Broken.EARLY}


def test_a_list_whose_answer_was_lost_confirms_nothing(site: Make) -> None:
    night = site()
    night.filer("snap create vmvol1 new")
    night.world.add_faults(Fault("snap list", FaultKind.ACT_NO_ANSWER))
    night.whole_night(made=True)
    assert set(night.found()) == {Broken.EARLY}


def test_the_rotation_of_one_volume_waits_for_the_confirmation_of_the_other(site: Make) -> None:
    night = site(replace(JOB, volumes=("vmvol1", "vmvol2")))
    night.whole_night()
    assert set(night.found()) == {Broken.EARLY}


def test_one_confirmation_does_not_allow_a_second_deletion(site: Make) -> None:
    night = site()
    night.whole_night()
    night.filer("snap create vmvol1 new", "snap delete vmvol1 vmware_snap4")
    assert Broken.EARLY in night.found()


def test_names_in_the_wrong_order_are_found(site: Make) -> None:
    night = site()
    night.filer("snap create vmvol1 new", "snap list vmvol1")
    swap = ["vmware_snap3 x", "vmware_snap4 vmware_snap3", "x vmware_snap4"]
    night.filer(*(f"snap rename vmvol1 {names}" for names in swap))
    assert night.found() == [Broken.ORDER]


def test_the_site_fits_the_jobs_rules(site: Make) -> None:
    rules = (("sql01", VmPolicy.MUST), ("vm-611", VmPolicy.MUST), ("test-*", VmPolicy.SKIP))
    job = replace(JOB, datastores=("gold", 7), volumes=("a", "b"), policies=Policies(rules))
    played = site(job)
    vms = {vm.id: vm.name for vm in played.world.vms()}
    assert vms[611] == "drill611"
    assert "sql01" in vms.values()
    assert played.world.volumes() == ("a", "b")
    assert {name for name, _ in played.before.listings["a"]} == {*job.chain, "hourly.0"}
    assert len(played.world.vms(7)) == 2
