"""Every refusal of a mount or a restore is planted; only some can be overridden."""

from __future__ import annotations

from dataclasses import replace

import pytest

from snapall.backup.model import FilerSnapshot, Vm, VmSnapshot
from snapall.restore.checks import Asked, notes, objections
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
}
FORCED = {
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
