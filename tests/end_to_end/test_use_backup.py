"""A backup is used on the lab: mounted, unmounted, restored in each way, byte for byte; and every refusal."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from snapall.lab.ledger import Change
from snapall.lab.sites import SiteSpec
from tests.lab.atlab import AtLab
from tests.lab.external_actors import make_vm_snapshot
from tests.lab.sites import with_luns

Make = Callable[..., AtLab]
LUN = "/vol/vmvol1/sql01"
PLACE = 3 * 1024**2
LATER = b"what a user wrote after the backup"


def site(*, on: bool = False) -> SiteSpec:
    made = with_luns()
    return replace(made, vms=tuple(replace(vm, on=on) for vm in made.vms))


def used(at_lab: Make, *, on: bool = False) -> tuple[AtLab, bytes]:
    """A lab with a backup, after which the disk of sql01 was changed; and the disk as it was."""
    night = at_lab(site=site(on=on))
    night.world.write_lun(LUN, PLACE, b"what was there at the backup")
    assert night("run").code == 0
    before = night.world.read_lun(LUN)
    night.world.write_lun(LUN, PLACE, LATER)
    assert night.world.read_lun(LUN) != before
    return night, before


def lun_changes(night: AtLab) -> list[Change]:
    nightly = {Change.MADE, Change.REMOVED, Change.CAPTURED, Change.RENAMED, Change.DELETED}
    return [one.change for one in night.ledger.effects if one.change not in nightly]


def shown(night: AtLab) -> dict[str, object]:
    """The LUNs of the filer with serials and maps."""
    with night.world.transaction() as it:
        rows = it.rows("SELECT path, serial, online FROM luns ORDER BY path")
        maps = it.rows("SELECT luns.path, igroup, m.id FROM lun_maps AS m JOIN luns ON luns.id = m.lun ORDER BY 1, 2")
    return {"luns": [tuple(one) for one in rows], "maps": [tuple(one) for one in maps]}


def test_a_mounted_backup_holds_the_disk_as_it_was_and_unmount_leaves_nothing(at_lab: Make) -> None:
    night, before = used(at_lab)
    was = shown(night)
    ended = night("mount", "vol1", "vmware_recent", "--vm", "sql01", "--igroup", "helper", "--json")
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    (lun,) = found["luns"]
    assert lun["parent"] == LUN
    assert lun["lun_id"] is not None
    assert night.world.read_lun(lun["path"]) == before
    assert len({one[1] for one in shown(night)["luns"]}) == len(night.world.luns())  # type: ignore[attr-defined]
    assert night("unmount", found["id"]).code == 0
    assert shown(night) == was


@pytest.mark.parametrize("way", ["file", "swap"])
def test_a_restored_lun_is_as_it_was_with_its_serial_and_maps(at_lab: Make, way: str) -> None:
    night, before = used(at_lab)
    was = shown(night)
    arguments = ("restore", "vol1", "vmware_recent", "--lun", LUN, "--way", way)
    looked = night(*arguments)
    assert looked.code == 0, looked.out + looked.err
    assert lun_changes(night) == []
    assert "nothing was changed" in looked.out
    ended = night(*arguments, "--yes")
    assert ended.code == 0, ended.err
    assert night.world.read_lun(LUN) == before
    now = shown(night)
    assert now["maps"] == was["maps"]
    assert [one for one in was["luns"] if one not in now["luns"]] == []  # type: ignore[attr-defined, operator]


def test_a_restored_volume_is_as_it_was_and_its_newer_backups_are_named_first(at_lab: Make) -> None:
    night, before = used(at_lab)
    assert night("run").code == 0
    arguments = ("restore", "vol1", "vmware_previous", "--volume")
    refused = night(*arguments, "--yes")
    assert refused.code == 1
    assert "SA-1723" in refused.err
    assert lun_changes(night) == []
    ended = night(*arguments, "--yes", "--force")
    assert ended.code == 0, ended.err
    assert night.world.read_lun(LUN) == before


@pytest.mark.parametrize("way", ["file", "swap"])
def test_a_vm_that_runs_is_never_restored(at_lab: Make, way: str) -> None:
    night, _ = used(at_lab, on=True)
    ended = night("restore", "vol1", "vmware_recent", "--vm", "sql01", "--way", way, "--yes", "--force")
    assert ended.code == 1
    assert "SA-1714" in ended.err
    assert lun_changes(night) == []


@pytest.mark.parametrize("how", [("--lun", LUN), ("--lun", LUN, "--way", "swap"), ("--volume",)])
def test_a_vm_with_a_vm_snapshot_is_never_restored(at_lab: Make, how: tuple[str, ...]) -> None:
    night, _ = used(at_lab)
    make_vm_snapshot(night.world, 1226, "before the upgrade")
    ended = night("restore", "vol1", "vmware_recent", *how, "--yes", "--force")
    assert ended.code == 1
    assert "SA-1716" in ended.err
    assert lun_changes(night) == []
