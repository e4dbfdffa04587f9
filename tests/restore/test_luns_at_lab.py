"""The dialect of LUNs at the lab's filer, over ssh and rsh: every step is sent, looked at and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from snapall.backup.steps import Done, Refusal, Unknown
from snapall.config.load import load
from snapall.lab.faults import Fault, FaultKind
from snapall.lab.ledger import Change
from snapall.lab.serve import Lab, new_keys
from snapall.lab.sites import paper
from snapall.restore.luns.client import Luns
from snapall.restore.model import LunMap
from snapall.restore.steps import (
    CloneLun,
    DestroyLun,
    HoldApart,
    LunStep,
    MapLun,
    MoveLun,
    Offline,
    Online,
    RestoreLun,
    RestoreVolume,
    SetSerial,
    StartSplit,
    UnmapLun,
    shows,
    undoing,
)
from snapall.site import transport_to

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SNAPSHOT = "vmware_recent"
NEW = "NetApp Release 7.3.5.1P5: Wed Jun 15 15:37:59 PDT 2011"


@pytest.fixture(params=["ssh", "rsh"])
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    """The paper's site with a filer that knows snapshot_clone_dependency, its clock standing."""
    transport: Literal["ssh", "rsh"] = request.param
    with Lab.create(tmp_path / "lab", paper(), new_keys()) as lab:
        lab.world.set(version=NEW)
        lab.start(transport)
        lab.world.set(clock=lab.world.now().timestamp())
        yield lab


@pytest.fixture
def luns(lab: Lab) -> Luns:
    filer = load(lab.directory / "snapall.toml").filers["filer1"]
    return Luns(transport_to(filer), "filer1", filer.host)


def done(luns: Luns, *steps: LunStep) -> None:
    """Each step works, and a look shows it."""
    for step in steps:
        assert luns.perform(step) == Done("")
        assert shows(step, luns.view("vmvol1")) is not False


def lun_of(lab: Lab) -> str:
    return next(path for path in lab.world.luns("vmvol1") if not path.endswith("_vmfs"))


def clone_of(path: str) -> str:
    return f"/vol/vmvol1/snapall_mnt_20070322T030000Z_{path.rpartition('/')[2]}"


def changes(lab: Lab) -> list[Change]:
    return [entry.effect.change for entry in lab.world.ledger() if entry.effect is not None]


def test_a_mount_and_its_way_back_leave_the_filer_as_it_was(lab: Lab, luns: Luns) -> None:
    before = luns.view("vmvol1")
    assert before.dependency is False
    done(luns, HoldApart("vmvol1"))
    lun = lun_of(lab)
    steps = (CloneLun(clone_of(lun), lun, SNAPSHOT), MapLun(clone_of(lun), "helper"))
    done(luns, *steps)
    during = luns.view("vmvol1")
    assert during.luns[clone_of(lun)].snapshot == SNAPSHOT
    assert "busy" in next(one.tags for one in during.snapshots if one.name == SNAPSHOT)
    assert [one.lun for one in luns.usage("vmvol1", SNAPSHOT)] == [clone_of(lun)]
    done(luns, *(step for one in reversed(steps) for step in undoing(one)))
    after = luns.view("vmvol1")
    assert (after.luns, after.maps, after.snapshots) == (before.luns, before.maps, before.snapshots)
    assert changes(lab) == [
        Change.OPTION_SET,
        Change.CLONED,
        Change.MAPPED,
        Change.UNMAPPED,
        Change.OFFLINE,
        Change.DESTROYED,
    ]


def test_each_way_back_is_done_twice_as_well_as_once(lab: Lab, luns: Luns) -> None:
    clone = clone_of(lun_of(lab))
    done(luns, CloneLun(clone, lun_of(lab), SNAPSHOT), MapLun(clone, "helper"))
    for step in (UnmapLun(clone, "helper", 0), Offline(clone), DestroyLun(clone)):
        done(luns, step)
        again = luns.perform(step)
        assert isinstance(again, Done)
        assert again.already


def test_a_clone_takes_the_originals_place_with_its_serial_and_lun_id(lab: Lab, luns: Luns) -> None:
    lun = lun_of(lab)
    old = "/vol/vmvol1/snapall_old_20070322T030000Z_x"
    before = luns.view("vmvol1")
    serial, (was,) = before.luns[lun].serial, before.maps_of(lun)
    done(luns, UnmapLun(lun, was.igroup, was.id), Offline(lun), SetSerial(lun, "C4i8V/-aBcDe", serial))
    done(luns, CloneLun(clone_of(lun), lun, SNAPSHOT), MoveLun(lun, old), MoveLun(clone_of(lun), lun), Offline(lun))
    done(luns, SetSerial(lun, serial, ""), Online(lun), MapLun(lun, was.igroup, was.id))
    after = luns.view("vmvol1")
    assert (after.luns[lun].serial, after.maps_of(lun)) == (serial, (was,))
    assert (after.luns[old].serial, after.luns[old].online) == ("C4i8V/-aBcDe", False)


def test_a_split_is_seen_until_it_has_ended(lab: Lab, luns: Luns) -> None:
    lun = lun_of(lab)
    clone = clone_of(lun)
    done(luns, CloneLun(clone, lun, SNAPSHOT), StartSplit(clone))
    assert luns.view("vmvol1").splitting == {clone}
    lab.world.advance(60)
    ended = luns.view("vmvol1")
    assert (ended.splitting, ended.luns[clone].backed_by) == (frozenset(), "")
    assert shows(StartSplit(clone), ended)


def test_a_lun_comes_back_in_place_and_is_seen_until_it_is_copied(lab: Lab, luns: Luns) -> None:
    lun = lun_of(lab)
    was = lab.world.read_lun(lun)
    lab.world.write_lun(lun, 4096, b"changed")
    before = luns.view("vmvol1")
    done(luns, RestoreLun(lun, SNAPSHOT))
    during = luns.view("vmvol1")
    assert during.splitting == {lun}
    assert next(one.tags for one in during.snapshots if one.name == SNAPSHOT) == ("busy", "snap restore")
    lab.world.advance(60)
    after = luns.view("vmvol1")
    assert (after.luns, after.maps, after.splitting) == (before.luns, before.maps, frozenset())
    assert lab.world.read_lun(lun) == was


def test_a_volume_comes_back_and_its_newer_snapshots_are_gone(lab: Lab, luns: Luns) -> None:
    lun = lun_of(lab)
    was = lab.world.read_lun(lun)
    lab.world.write_lun(lun, 4096, b"changed")
    step = RestoreVolume("vmvol1", "vmware_previous")
    assert isinstance(luns.perform(step), Done)
    after = luns.view("vmvol1")
    assert shows(step, after)
    assert after.maps_of(lun) == (LunMap(lun, "esx", after.maps_of(lun)[0].id, "iSCSI"),)
    assert lab.world.read_lun(lun) == was


def test_initiator_groups_show_who_is_logged_in(luns: Luns) -> None:
    groups = {one.name: one for one in luns.igroups()}
    assert set(groups) == {"esx", "helper", "spare"}
    assert [all(logged_in for _, logged_in in groups[name].initiators) for name in ("esx", "helper", "spare")] == [
        True,
        True,
        False,
    ]


def test_a_step_that_the_filer_rejects_names_the_cause_and_changes_nothing(lab: Lab, luns: Luns) -> None:
    lun = lun_of(lab)
    clone = clone_of(lun)
    lab.world.set(licenses=())
    for step, says in (
        (RestoreLun(lun, SNAPSHOT), "no SnapRestore licence"),
        (MapLun(lun, "nobody"), "lists the initiator groups"),
        (CloneLun(clone, lun, "nosuch"), "removed or renamed the snapshot"),
        (CloneLun(lun, lun, SNAPSHOT), "already exists"),
        (DestroyLun(lun), "mapped and online"),
        (SetSerial(lun, "C4i8V/-aBcDe", ""), "must be offline"),
        (StartSplit(clone), "moved or destroyed"),
    ):
        found = luns.perform(step)
        assert isinstance(found, Unknown)
        assert found.failed
        assert says in found.why
    assert changes(lab) == []


@pytest.mark.parametrize(
    ("kind", "made"), [(FaultKind.DROP, False), (FaultKind.ACT_NO_ANSWER, True), (FaultKind.LIE, False)]
)
def test_after_an_answer_that_is_lost_or_false_the_look_tells_what_happened(
    lab: Lab, luns: Luns, kind: FaultKind, made: bool
) -> None:
    step = CloneLun(clone_of(lun_of(lab)), lun_of(lab), SNAPSHOT)
    lab.world.add_faults(Fault("lun clone create", kind))
    assert not isinstance(luns.perform(step), Refusal)
    assert shows(step, luns.view("vmvol1")) is made
