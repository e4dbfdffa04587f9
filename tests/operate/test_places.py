"""Where VMs lie, at the lab: what plan, doctor, audit and run make of ISO images, shared LUNs and a job's own query."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from snapall.lab.ledger import Change
from tests.lab.atlab import AtLab, Ended

Make = Callable[..., AtLab]
EXAMPLES = Path(__file__).parents[2] / "sql" / "examples"
# web01 has an ISO image of 702 mounted, and ora01 one of 688, where the job's VMs are.
ISO = """
INSERT INTO VPX_DATASTORE VALUES (702, 'iso_store', 53687091200.0, 1000000.0, 'NFS', '');
INSERT INTO VPX_DS_ASSIGNMENT VALUES (702, 108), (688, 2001);
"""
NO_DISKS = "DROP TABLE VPX_VIRTUAL_DISK;"
# The LUN of 688 is a datastore of another datacenter, too.
SHARED = """
INSERT INTO VPX_DATASTORE SELECT 703, NAME, CAPACITY, FREE_SPACE, TYPE, STORAGE_URL FROM VPX_DATASTORE WHERE ID = 688;
INSERT INTO VPX_VM SELECT 9001, HOST_ID, '', '', 'dmz-web01.example.edu', GUEST_OS, 1, 1024, 1, 0 FROM VPX_VM
    WHERE ID = 108;
INSERT INTO VPX_ENTITY VALUES (9001, 'dmz-web01', 0, 3);
INSERT INTO VPX_DS_ASSIGNMENT VALUES (703, 9001);
"""
VIRTUALCENTER_ITSELF = "UPDATE VPX_VM SET DNS_NAME = 'vc01.lab' WHERE ID = 110;"
GROUPS = """
INSERT INTO VPX_ENTITY VALUES (50, 'Accounting', 3, 3), (51, 'Payroll', 3, 50), (60, 'Gold', 6, 7);
UPDATE VPX_ENTITY SET PARENT_ID = 50 WHERE ID = 108;
UPDATE VPX_ENTITY SET PARENT_ID = 51 WHERE ID = 2001;
ALTER TABLE VPX_VM ADD COLUMN RESOURCE_GROUP_ID INTEGER;
UPDATE VPX_VM SET RESOURCE_GROUP_ID = 60 WHERE ID IN (108, 2001);
CREATE TABLE VPX_FIELD_DEF (ID INTEGER, NAME TEXT);
CREATE TABLE VPX_FIELD_VAL (ENTITY_ID INTEGER, FIELD_ID INTEGER, VALUE TEXT);
INSERT INTO VPX_FIELD_DEF VALUES (1, 'Backup');
INSERT INTO VPX_FIELD_VAL VALUES (108, 1, 'nightly'), (110, 1, 'never'), (2001, 1, 'nightly');
CREATE TABLE VPX_DRS_RULE (ID INTEGER, NAME TEXT);
CREATE TABLE VPX_DRS_RULE_VM (RULE_ID INTEGER, VM_ID INTEGER);
INSERT INTO VPX_DRS_RULE VALUES (7, 'Keep together');
INSERT INTO VPX_DRS_RULE_VM VALUES (7, 108), (7, 2001);
"""


def changed(night: AtLab, *scripts: str) -> AtLab:
    with closing(sqlite3.connect(night.world.directory / "virtualcenter.db")) as db:
        for script in scripts:
            db.executescript(script)
    return night


def by_query(night: AtLab, query: str, *, beside: bool = False) -> AtLab:
    line = "datastores  = [688]"
    night.edit(line, (f"{line}\n" if beside else "") + f"query = '''\n{query}'''")
    return night


def quiesced_at_the_capture(night: AtLab) -> set[int]:
    found = [one for one in night.ledger if one.effect is not None and one.effect.change is Change.CAPTURED]
    return set(found[-1].quiesced or {})


def findings(night: AtLab) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(night("audit", "--json").out)["findings"]
    return found


def said(ended: Ended) -> str:
    """What a command printed, its lines joined, however they were wrapped."""
    return " ".join(f"{ended.out} {ended.err}".split())


def everywhere(night: AtLab) -> list[str]:
    """What plan, doctor and run say."""
    return [said(night("plan")), said(night("doctor")), said(night("run"))]


def test_a_mounted_iso_image_is_no_disk_for_audit_plan_and_run(at_lab: Make) -> None:
    night = changed(at_lab(), ISO)
    assert not [one for one in findings(night) if one["kind"] == "split"]
    for text in everywhere(night):
        assert "SA-2120 ora01 (vm-2001): not backed up by this job" in text
        assert "SA-2120 web01" not in text
    assert quiesced_at_the_capture(night) == {108, 110, 1226}


def test_without_the_tables_of_the_disks_an_iso_image_is_named_as_a_cause(at_lab: Make) -> None:
    night = changed(at_lab(), ISO, NO_DISKS)
    split = [one for one in findings(night) if one["kind"] == "split"]
    assert {one["text"].split()[0] for one in split} == {"web01", "ora01"}
    for one in split:
        assert "mounted ISO image" in one["text"]
        assert "disconnect it, or grant SELECT on VPX_VIRTUAL_DISK" in one["remedy"]
    assert "the disks of VMs cannot be read" in said(night("doctor"))
    assert night("run").code == 0
    assert quiesced_at_the_capture(night) == {108, 110, 1226, 2001}


def test_a_vm_with_disks_of_unknown_place_is_quiesced_and_named(at_lab: Make) -> None:
    night = changed(at_lab(), "UPDATE VPX_VDEVICE_FILE_BACKING SET DATASTORE_ID = NULL WHERE VM_ID = 110")
    assert all("SA-2121 web02 (vm-110)" in text for text in everywhere(night))
    assert quiesced_at_the_capture(night) == {108, 110, 1226}


def test_vms_of_the_same_lun_under_another_id_are_named_everywhere(at_lab: Make) -> None:
    night = changed(at_lab(), SHARED)
    for text in everywhere(night):
        assert "SA-2122 datastore vmvol1_vmfs (703) is on the same storage as vmvol1_vmfs (688)" in text
        assert "dmz-web01 (vm-9001)" in text
    assert quiesced_at_the_capture(night) == {108, 110, 1226}
    (finding,) = [one for one in findings(night) if one["kind"] == "unquiesced"]
    assert "dmz-web01 (vm-9001)" in finding["text"]
    night.edit("busy_wait", 'vms = { "dmz-*" = "skip" }\nbusy_wait')
    assert "SA-2122" not in said(night("plan"))
    assert not [one for one in findings(night) if one["kind"] == "unquiesced"]


def test_virtualcenters_own_vm_is_named_until_a_rule_says_what_to_do(at_lab: Make) -> None:
    night = changed(at_lab(), VIRTUALCENTER_ITSELF)
    for text in everywhere(night):
        assert "SA-2124 web02 (vm-110) seems to be VirtualCenter itself (vc01.lab)" in text
    night.edit("busy_wait", 'vms = { "web02" = "skip" }\nbusy_wait')
    assert not any("SA-2124" in text for text in everywhere(night))
    assert quiesced_at_the_capture(night) == {108, 1226}


@pytest.mark.parametrize("name", ["folder", "resource-pool", "custom-attribute", "drs-rule"])
def test_each_example_names_the_vms_of_its_group(at_lab: Make, name: str) -> None:
    query = (EXAMPLES / f"{name}.sql").read_text(encoding="utf-8").replace("vc_user.", "")
    night = by_query(changed(at_lab(), GROUPS), query)
    plan = json.loads(night("plan", "--json").out)["plans"][0]
    targets = [one["command"] for one in plan["commands"] if one["stage"] == "quiesce"]
    assert [[word for word in one.split() if word.startswith("moref:")] for one in targets] == [
        ["moref:vm-108"],
        ["moref:vm-2001"],
    ]
    assert "SELECT VPX_VM.ID" in plan["commands"][0]["command"]


def test_a_run_quiesces_the_vms_of_its_query_and_names_those_with_disks_elsewhere(at_lab: Make) -> None:
    night = by_query(at_lab(), "SELECT ID FROM VPX_VM WHERE ID IN (108, 110, 2001)")
    for text in everywhere(night):
        assert "SA-2123 `query` of job vol1 names VMs with disks outside vmvol1_vmfs (688)" in text
        assert "ora01 (vm-2001) on vmvol2_vmfs (689)" in text
    assert quiesced_at_the_capture(night) == {108, 110, 2001}
    night.assert_nothing_is_quiesced()
    split = [one["text"] for one in findings(night) if one["kind"] == "split"]
    assert split == ["ora01 (vm-2001) has disks on vmvol2_vmfs (689, captured by no job)"]


def test_query_and_datastores_are_backed_up_together(at_lab: Make) -> None:
    night = by_query(at_lab(), "SELECT 2001", beside=True)
    assert "outside the job's datastores: ora01 (vm-2001) on vmvol2_vmfs (689)" in said(night("plan"))
    assert night("run").code == 0
    assert quiesced_at_the_capture(night) == {108, 110, 1226, 2001}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT ID FROM VPX_VM WHERE ID = 1", "SA-2136"),
        ("SELECT NAME FROM VPX_ENTITY WHERE ID = 108", "SA-2137"),
        ("SELECT ID FROM VPX_HOST", "SA-2138"),
        ("SELECT ID FROM VPX_RULES", "SA-2131"),
    ],
)
def test_a_wrong_query_stops_a_run_before_anything_and_is_named_by_all(at_lab: Make, query: str, code: str) -> None:
    night = by_query(at_lab(), query)
    assert night("plan").code == 1
    assert all(code in text for text in everywhere(night))
    assert [one["code"] for one in findings(night) if one["kind"] == "unasked"] == [code]
    assert night("run").code == 1
    assert night.changes == []
