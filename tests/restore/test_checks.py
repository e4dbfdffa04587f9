"""Every refusal of a mount or a restore is planted; only some can be overridden."""

from __future__ import annotations

from dataclasses import replace

import pytest

from snapall.backup.model import FilerSnapshot, Vm, VmSnapshot
from snapall.restore.checks import Asked, notes, objections
from snapall.restore.mirror.relations import Kind, RelationEnd
from snapall.restore.model import Igroup, Lun, LunMap, LunView
from snapall.restore.record import UseBegan, UseKind

LUN, OTHER = Lun("/vol/v/sql01", 1024, mapped=True, serial="serial"), Lun("/vol/v/new", 1024, serial="other")
ROWS = (FilerSnapshot("newer", "Mar 23 03:00"), FilerSnapshot("wanted", "Mar 22 03:00"))
VIEW = LunView("v", {LUN.path: LUN}, (LunMap(LUN.path, "esx", 3),), ROWS[1:])
VM = Vm(7, "sql01")
HELPER = Igroup("helper", "FCP", "linux", (("10:00", True),))
GOOD = Asked(
    "swap", "wanted", (LUN.path,), {"v": VIEW}, (VM,), {7: False}, then=frozenset({LUN.path}), owners={LUN.path: VM}
)
MOUNT = replace(GOOD, way="", igroup=HELPER)
WHOLE = replace(GOOD, way="volume", luns=())

MIRROR = RelationEnd(Kind.MIRROR, "v", "filer2:v_mirror", base="base")


def looked(asked: Asked, **changes: object) -> Asked:
    return replace(asked, views={"v": replace(VIEW, **changes)})  # type: ignore[arg-type]


def with_lun(asked: Asked, **changes: object) -> Asked:
    return looked(asked, luns={LUN.path: replace(LUN, **changes)})  # type: ignore[arg-type]


NEVER = {
    "SA-1711": looked(GOOD, online=False),
    "SA-1712": looked(GOOD, luns={}),
    "SA-1713": looked(MOUNT, splitting=frozenset({LUN.path})),
    "SA-1714": replace(GOOD, on={7: True}),
    "SA-1716": replace(WHOLE, vm_snapshots=(VmSnapshot("snapshot-1", 7, "before the upgrade"),)),
    "SA-1718": with_lun(GOOD, serial=""),
    "SA-1729": looked(GOOD, maps=()),
    "SA-1719": with_lun(GOOD, read_only=True),
    "SA-1720": looked(
        WHOLE, snapshots=ROWS, luns={OTHER.path: replace(OTHER, backed_by="/vol/v/.snapshot/newer/sql01")}
    ),
    "SA-1721": looked(WHOLE, snapshots=(replace(ROWS[0], tags=("snapmirror",)), ROWS[1])),
    "SA-1722": replace(WHOLE, mounts=(UseBegan(UseKind.MOUNT, "one", "f", "vc", "s", "wanted", (), (), "1"),)),
    "SA-1806": replace(GOOD, relations=(replace(MIRROR, receives=True, whole=True),)),
    "SA-1807": replace(WHOLE, roots=frozenset({"v"})),
    "SA-1808": replace(WHOLE, relations=(replace(MIRROR, busy=True),)),
}
FORCED = {
    "SA-1809": replace(WHOLE, unread=("filer1 does not allow this login to run `snapmirror status`",)),
    "SA-1715": replace(GOOD, on={}),
    "SA-1717": replace(GOOD, vms=(), on={}, owners={LUN.path: None}),
    "SA-1749": replace(GOOD, guessed=frozenset({LUN.path})),
    "SA-1723": looked(WHOLE, snapshots=ROWS),
    "SA-1724": replace(WHOLE, then=None),
    "SA-1725": looked(WHOLE, luns={LUN.path: LUN, OTHER.path: OTHER}),
    "SA-1790": replace(WHOLE, then=frozenset({LUN.path, "/vol/v/snapall_mnt_20070322T030000Z_sql01"})),
    "SA-1726": replace(MOUNT, igroup=replace(HELPER, initiators=(("10:00", False),))),
    "SA-1727": replace(MOUNT, igroup=replace(HELPER, name="esx")),
}


@pytest.mark.parametrize("asked", [GOOD, replace(GOOD, way="file"), MOUNT, WHOLE])
def test_nothing_stands_against_what_is_safe(asked: Asked) -> None:
    assert objections(asked) == ()
    assert notes(asked) == ()


@pytest.mark.parametrize("code", NEVER)
def test_what_would_destroy_data_cannot_be_overridden(code: str) -> None:
    assert [one.force for one in objections(NEVER[code]) if one.code == code] == [False]


@pytest.mark.parametrize("code", FORCED)
def test_what_the_operator_may_know_better_can_be_overridden(code: str) -> None:
    assert [one.force for one in objections(FORCED[code]) if one.code == code] == [True]
    assert all(one.force for one in objections(FORCED[code]))


def test_each_lun_of_no_known_vm_is_named_beside_one_that_is_known() -> None:
    both = looked(replace(GOOD, luns=(LUN.path, OTHER.path)), luns={LUN.path: LUN, OTHER.path: OTHER})
    (found,) = objections(both)
    assert found.code == "SA-1717"
    assert OTHER.path in found.text
    assert LUN.path not in found.text


def test_of_a_volume_every_mapped_lun_counts_and_a_vm_that_is_not_shown_to_be_off_is_never_overridden() -> None:
    mapped = LunMap(OTHER.path, "esx", 4)
    with_other = looked(WHOLE, luns={LUN.path: LUN, OTHER.path: OTHER}, maps=(*VIEW.maps, mapped))
    asked = replace(with_other, then=frozenset({LUN.path, OTHER.path}))
    assert [(one.code, one.force) for one in objections(asked)] == [("SA-1717", True)]
    neighbour = Vm(8, "new")
    owned = replace(asked, owners={LUN.path: VM, OTHER.path: neighbour}, vms=(VM, neighbour))
    assert [(one.code, one.force) for one in objections(owned)] == [("SA-1715", False)]
    assert objections(replace(owned, on={7: False, 8: False})) == ()
    held = replace(owned, on={7: False, 8: False}, vm_snapshots=(VmSnapshot("snapshot-1", 8, "Quiesce"),))
    assert [(one.code, one.force) for one in objections(held)] == [("SA-1716", False)]


@pytest.mark.parametrize("way", ["file", "swap", "volume"])
def test_a_vm_with_a_snapshot_is_refused_in_every_way(way: str) -> None:
    asked = replace(GOOD, way=way, vm_snapshots=(VmSnapshot("snapshot-1", 7, "Quiesce"),))
    assert "SA-1716" in [one.code for one in objections(asked) if not one.force]


def test_a_mount_beside_a_mirror_is_warned_of() -> None:
    asked = looked(MOUNT, snapshots=(replace(ROWS[1], tags=("snapmirror",)),))
    assert [one.code for one in notes(asked)] == ["SA-1728"]


def test_a_volume_is_not_restored_to_before_the_base_that_the_filer_shows_and_may_be_to_after_it() -> None:
    after = looked(replace(WHOLE, relations=(replace(MIRROR, base="newer"),)), snapshots=ROWS)
    (found,) = [one for one in objections(after) if not one.force]
    assert (found.code, "filer2:v_mirror needs newer" in found.text) == ("SA-1721", True)
    before = looked(replace(WHOLE, relations=(replace(MIRROR, base="wanted"),)), snapshots=ROWS)
    assert [one.code for one in objections(before)] == ["SA-1723"]


def test_a_relation_whose_base_nobody_shows_is_asked_about() -> None:
    asked = replace(WHOLE, relations=(replace(MIRROR, base=""),))
    assert [(one.code, one.force) for one in objections(asked)] == [("SA-1809", True)]
    tagged = looked(asked, snapshots=(replace(ROWS[1], tags=("snapmirror",)),))
    assert objections(tagged) == ()


def test_a_destination_is_restored_only_once_its_relation_is_broken_off() -> None:
    mirror = replace(MIRROR, receives=True, whole=True)
    for asked in (GOOD, MOUNT, WHOLE):
        assert [one.code for one in objections(replace(asked, relations=(mirror,)))] == ["SA-1806"]
        assert objections(replace(asked, relations=(replace(mirror, broken=True),))) == ()
    qtree = replace(mirror, whole=False)
    assert objections(replace(GOOD, relations=(qtree,))) == ()
    assert [one.code for one in objections(replace(WHOLE, relations=(qtree,)))] == ["SA-1806"]


def test_a_mount_beside_a_relation_without_any_tag_is_warned_of() -> None:
    assert [one.code for one in notes(replace(MOUNT, relations=(MIRROR,)))] == ["SA-1728"]


def test_all_vms_that_run_are_one_objection() -> None:
    mail = Vm(8, "mail01")
    (found,) = objections(replace(GOOD, vms=(VM, mail), on={7: True, 8: True}))
    assert found.text == "2 VMs run: sql01 (vm-7), mail01 (vm-8)"
