"""An audit at the lab: each trouble is planted alone, and found, named, and given a remedy; nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from snapall.backup.facts import Intent, Surveyed
from snapall.backup.model import Vm
from snapall.backup.steps import Quiesce
from snapall.config.load import load
from snapall.lab.sites import LabVm, SiteSpec
from tests.backup.simulated import Stage
from tests.lab import external_actors
from tests.lab.atlab import AtLab, Ended
from tests.lab.sites import batch

WEB = Vm(108, "web01")
Make = Callable[..., AtLab]
TAKES_ALL = ("datastores  = [688]", "datastores  = [688, 689]")


@dataclass(frozen=True, slots=True)
class Planted:
    """A problem: how to cause it after a successful run, the kind of the finding, and what its line names."""

    kind: str
    names: tuple[str, ...]
    plant: Callable[[AtLab], None]
    site: Callable[[], SiteSpec] = batch
    note_only: bool = False


def gone(name: str) -> Callable[[AtLab], None]:
    return lambda night: external_actors.remove_filer_snapshot(night.world, "vmvol1", name)


def by_hand(night: AtLab) -> None:
    external_actors.make_vm_snapshot(night.world, 110, "Quiesce")


def left_open(night: AtLab) -> None:
    """A run died after it had quiesced vm-108, and nothing has settled it."""
    settings = load(night.config)
    stage = Stage(settings.state, settings.jobs["vol1"])
    stage.begun(
        Surveyed((), (WEB,), (), (), ()), Intent(1, Quiesce(WEB, "Quiesce-20300101T000000Z")),
        stamp="20300101T000000Z",
    )  # fmt: skip
    external_actors.make_vm_snapshot(night.world, 108, "Quiesce-20300101T000000Z")


def unreadable(night: AtLab) -> None:
    journal = next((night.lab.directory / "snapall.state").glob("**/*.jsonl"))
    journal.write_text("\x00 no journal\nneither is this\n")


def twins() -> SiteSpec:
    site = batch()
    return replace(site, vms=(*site.vms, LabVm(120, "WEB01", 11, (688,))))


def spread() -> SiteSpec:
    site = batch()
    return replace(site, vms=tuple(replace(vm, datastores=(688, 689)) if vm.id == 1226 else vm for vm in site.vms))


PLANTED = {
    "orphaned VM snapshot": Planted(
        "orphan_vm",
        ("vm-110", "Quiesce"),
        by_hand,
    ),
    "VM snapshot that a dead run left": Planted("outstanding", ("vm-108", "the database lists snapshot-"), left_open),
    "gap": Planted("gap", ("vmware_previous",), gone("vmware_previous")),
    "deleted by hand": Planted("deleted", ("vmware_recent", "quiesced 3/3"), gone("vmware_recent")),
    "renamed by hand": Planted(
        "renamed",
        ("vmware_recent", "keep_this"),
        lambda night: external_actors.rename_filer_snapshot(night.world, "vmvol1", "vmware_recent", "keep_this"),
    ),
    "busy": Planted(
        "busy",
        ("vmware_snap3", "snapmirror"),
        lambda night: external_actors.tag(night.world, "vmvol1", "vmware_snap3", "snapmirror"),
    ),
    "temporary name of nobody": Planted(
        "orphan",
        ("vmware_new_20070101T000000Z",),
        lambda night: external_actors.make_filer_snapshot(night.world, "vmvol1", "vmware_new_20070101T000000Z"),
    ),
    "beyond the chain": Planted(
        "beyond",
        ("vmware_snap9",),
        lambda night: external_actors.make_filer_snapshot(night.world, "vmvol1", "vmware_snap9"),
        note_only=True,
    ),
    "names that differ in capitals": Planted(
        "collision",
        ("VMware_Recent", "vmware_recent"),
        lambda night: external_actors.make_filer_snapshot(night.world, "vmvol1", "VMware_Recent"),
    ),
    "VMs of one name": Planted("collision", ("vm-108", "vm-120"), lambda _: None, site=twins),
    "disks on a volume that the job does not capture": Planted(
        "split", ("sql01 (vm-1226)", "vmvol2_vmfs (689", "captured by no job"), lambda _: None, site=spread
    ),
    "VM of no job": Planted("untaken", ("ora01 (vm-2001)", "vmvol2_vmfs"), lambda _: None, note_only=True),
    "VM that is skipped": Planted(
        "skipped",
        ("web02 (vm-110)", "vol1"),
        lambda night: night.edit("busy_wait", 'vms = { "web02" = "skip" }\nbusy_wait'),
        note_only=True,
    ),
    "journal that cannot be read": Planted("unreadable", (".jsonl", "still quiesced: no VM"), unreadable),
    "database that does not answer": Planted(
        "unasked", ("virtualcenter.db",), lambda night: external_actors.set_database(night.world, up=False)
    ),
    "volume that is offline": Planted(
        "unasked", ("vmvol1",), lambda night: external_actors.set_volume(night.world, "vmvol1", state="offline")
    ),
}


def after_a_good_night(at_lab: Make, site: SiteSpec) -> AtLab:
    night: AtLab = at_lab(site=site)
    assert night("run").code == 0
    return night


def found_by(night: AtLab) -> tuple[Ended, list[dict[str, str]]]:
    ended = night("audit", "--json")
    return ended, json.loads(ended.out)["findings"]


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_trouble_is_found_named_and_has_a_remedy(at_lab: Make, name: str) -> None:
    planted = PLANTED[name]
    night = after_a_good_night(at_lab, planted.site())
    planted.plant(night)
    ended, findings = found_by(night)
    mine = [one for one in findings if one["kind"] == planted.kind]
    assert mine, ended.out
    assert any(all(part in one["text"] for part in planted.names) for one in mine), mine
    assert all(one["remedy"] for one in mine)
    assert ended.code == (0 if planted.note_only else 1)


def test_without_problems_nothing_is_found(at_lab: Make) -> None:
    night = after_a_good_night(at_lab, batch())
    night.edit(*TAKES_ALL)
    ended = night("audit")
    assert ended.code == 0
    assert ended.out.splitlines()[-1] == "journal, database and snap list agree"
    assert "vmware_recent" in ended.out


def test_a_snapshot_left_by_a_run_of_a_renamed_job_is_not_an_orphan(at_lab: Make) -> None:
    night = after_a_good_night(at_lab, batch())
    left_open(night)
    night.edit("[jobs.vol1]", "[jobs.renamed]")
    ended, findings = found_by(night)
    assert ended.code == 1
    left = [one for one in findings if one["kind"] == "outstanding"]
    assert {one["job"] for one in left} == {"vol1"}
    assert any("web01 (vm-108) may still have" in one["text"] and "snapshot-" in one["text"] for one in left)
    assert not any(one["kind"] == "orphan_vm" and "vm-108" in one["text"] for one in findings)


def test_an_audit_changes_nothing(at_lab: Make) -> None:
    night = after_a_good_night(at_lab, batch())
    left_open(night)
    before, entries = night.changes, _files(night)
    night("audit")
    assert night.changes == before
    assert _files(night) == entries


def _files(night: AtLab) -> dict[str, bytes]:
    state = night.lab.directory / "snapall.state"
    return {str(path): path.read_bytes() for path in sorted(state.rglob("*")) if path.is_file()}


def test_several_problems_are_reported_together_the_worst_first(at_lab: Make) -> None:
    night = after_a_good_night(at_lab, batch())
    gone("vmware_previous")(night)
    left_open(night)
    _, findings = found_by(night)
    kinds = [one["kind"] for one in findings]
    assert kinds.index("outstanding") < kinds.index("gap") < kinds.index("untaken")
    assert night("audit").out.splitlines()[-1].endswith(f"notes: {kinds.count('untaken')}")
