"""What a look at a volume says about a step, and what takes a step back."""

from __future__ import annotations

from snapall.backup.model import FilerSnapshot
from snapall.restore.model import Lun, LunMap, LunView
from snapall.restore.steps import (
    CloneLun,
    DestroyLun,
    MapLun,
    Offline,
    RestoreVolume,
    StartSplit,
    UnmapLun,
    shows,
    undoing,
)

PARENT = "/vol/vmvol1/sql01"
PATH = "/vol/vmvol1/snapall_mnt_20070322T030000Z_sql01"
CLONE = CloneLun(PATH, PARENT, "vmware_recent")
BACKED = Lun(PATH, 2**31, backed_by="/vol/vmvol1/.snapshot/vmware_recent/sql01")


def view(*luns: Lun, maps: tuple[LunMap, ...] = (), newest: str = "vmware_recent") -> LunView:
    """A look at vmvol1."""
    return LunView("vmvol1", {one.path: one for one in luns}, maps, (FilerSnapshot(newest, "Mar 22 03:00"),))


def test_a_clone_is_there_only_if_it_rests_on_that_snapshot_of_that_lun() -> None:
    assert shows(CLONE, view(BACKED))
    assert not shows(CLONE, view())
    assert not shows(CLONE, view(Lun(PATH, 2**31)))
    assert not shows(CLONE, view(Lun(PATH, 2**31, backed_by="/vol/vmvol1/.snapshot/vmware_snap3/sql01")))
    assert not shows(CLONE, view(Lun(PATH, 2**31, backed_by="/vol/vmvol1/.snapshot/vmware_recent/mail01")))


def test_a_map_is_there_under_its_id_or_under_any_where_none_was_asked_for() -> None:
    mapped = view(BACKED, maps=(LunMap(PATH, "helper", 7),))
    assert shows(MapLun(PATH, "helper"), mapped)
    assert shows(MapLun(PATH, "helper", 7), mapped)
    assert not shows(MapLun(PATH, "helper", 3), mapped)
    assert not shows(MapLun(PATH, "esx", 7), mapped)
    assert shows(UnmapLun(PATH, "helper", 7), view(BACKED))
    assert not shows(UnmapLun(PATH, "helper", 7), mapped)


def test_a_split_is_under_way_or_over_once_nothing_backs_the_clone() -> None:
    assert not shows(StartSplit(PATH), view(BACKED))
    assert shows(StartSplit(PATH), view(Lun(PATH, 2**31)))


def test_a_reverted_volume_has_the_snapshot_as_its_newest() -> None:
    assert shows(RestoreVolume("vmvol1", "vmware_recent"), view())
    assert not shows(RestoreVolume("vmvol1", "vmware_previous"), view())


def test_a_mount_is_undone_by_unmap_offline_destroy() -> None:
    assert undoing(MapLun(PATH, "helper", 7)) == (UnmapLun(PATH, "helper", 7),)
    assert undoing(CLONE) == (Offline(PATH), DestroyLun(PATH))
