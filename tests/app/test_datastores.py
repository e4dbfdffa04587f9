"""`snapall datastores`, and jobs that name a datastore instead of its id."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.lab.atlab import AtLab

GIB = 1024**3


def change(lab: AtLab, script: str) -> None:
    with closing(sqlite3.connect(lab.world.directory / "virtualcenter.db")) as db:
        db.executescript(script)


def test_datastores_are_listed_with_vms_space_and_the_job_that_takes_them(at_lab: Callable[..., AtLab]) -> None:
    lab = at_lab()
    ended = lab("datastores")
    assert ended.code == 0
    assert [line.split() for line in ended.out.splitlines()] == [
        ["id", "name", "VMs", "capacity", "free", "backed", "up", "by", "job"],
        ["688", "vmvol1_vmfs", "3", "50.0", "GiB", "31.0", "GiB", "vol1"],
        ["689", "vmvol2_vmfs", "1", "50.0", "GiB", "31.0", "GiB", "-"],
    ]
    rows = json.loads(lab("datastores", "--json").out)["datastores"]
    first = {"id": 688, "name": "vmvol1_vmfs", "vms": 3, "capacity": 50 * GIB, "free": 31 * GIB, "jobs": ["vol1"]}
    assert rows[0] == first
    assert lab.changes == []


def test_what_is_not_there_or_not_granted_is_unknown(at_lab: Callable[..., AtLab]) -> None:
    lab = at_lab()
    change(lab, "UPDATE VPX_DATASTORE SET CAPACITY = NULL; ALTER TABLE VPX_DATASTORE DROP COLUMN FREE_SPACE")
    ended = lab("datastores")
    assert ended.code == 0
    assert ended.out.count("unknown") == 4
    assert {row["free"] for row in json.loads(lab("datastores", "--json").out)["datastores"]} == {None}


def test_a_name_cannot_play_tricks_on_the_terminal(at_lab: Callable[..., AtLab]) -> None:
    lab = at_lab()
    change(lab, "UPDATE VPX_DATASTORE SET NAME = 'x' || char(27) || '[2Jy' WHERE ID = 689")
    out = lab("datastores").out
    assert "\x1b" not in out
    assert "x\\x1b[2Jy" in out


@pytest.mark.parametrize(("stored", "written"), [("vmvol1_vmfs", "vmvol1_vmfs"), ("a%2fb%5cc%25", "a/b\\\\c%")])
def test_a_job_may_name_its_datastore(at_lab: Callable[..., AtLab], stored: str, written: str) -> None:
    lab = at_lab()
    change(lab, f"UPDATE VPX_DATASTORE SET NAME = '{stored}' WHERE ID = 688")
    lab.edit("datastores  = [688]", f'datastores  = ["{written}"]')
    assert json.loads(lab("datastores", "--json").out)["datastores"][0]["jobs"] == ["vol1"]
    assert lab("run").code == 0
    lab.assert_shifted_by_one()
    asked = [line for line in lab.changes if " -c " in line]
    assert [f"moref:vm-{one}" in " ".join(asked) for one in (108, 110, 1226, 2001)] == [True, True, True, False]


def test_an_ambiguous_name_is_refused_with_its_ids_before_anything_is_changed(at_lab: Callable[..., AtLab]) -> None:
    lab = at_lab()
    change(lab, "UPDATE VPX_DATASTORE SET NAME = 'vmvol1_vmfs'")
    lab.edit("datastores  = [688]", 'datastores  = ["vmvol1_vmfs"]')
    ended = lab("run")
    assert ended.code == 1
    assert 'several datastores are called "vmvol1_vmfs": 688, 689' in ended.err
    assert lab.changes == []
    lab.assert_no_backup_is_lost()
    listed = lab("datastores")
    assert listed.code == 1
    assert "689" in listed.out
    assert 'job vol1: several datastores are called "vmvol1_vmfs": 688, 689' in listed.err
    assert "remedy" in listed.err


def test_an_id_that_virtualcenter_does_not_know_is_told(at_lab: Callable[..., AtLab]) -> None:
    lab = at_lab()
    lab.edit("datastores  = [688]", "datastores  = [688, 868]")
    ended = lab("datastores", "--json")
    assert ended.code == 1
    assert "job vol1: there is no datastore with the id 868" in ended.err
    assert json.loads(ended.out)["datastores"][0]["jobs"] == ["vol1"]


def test_a_database_that_does_not_answer_is_an_error_with_its_remedy(at_lab: Callable[..., AtLab]) -> None:
    lab = at_lab()
    (lab.world.directory / "virtualcenter.db").rename(lab.world.directory / "gone.db")
    ended = lab("datastores")
    assert ended.code == 1
    assert "unable to open" in ended.err
    assert "remedy" in ended.err
