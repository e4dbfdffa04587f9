"""Which VMs a job takes, by where their disks are, and what its plan warns of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.backup.members import members
from snapall.backup.model import Job, Policies, Survey, Vm, VmPolicy
from snapall.backup.origins import Provenance
from snapall.backup.plan import PlanContext, build
from snapall.backup.whereabouts import NeededHost, Place, Whereabouts, most_used, same_machine, same_storage
from snapall.errors import Refused
from tests.backup.simulated import JOB

WEB, ORA = Vm(108, "web01"), Vm(115, "ora01")
HERE, ELSEWHERE = Place((688,), (688,), whole=True), Place((688, 689), (689,), whole=True)
BY_QUERY = replace(JOB, datastores=(), query="SELECT ID FROM VPX_VM")


def survey(places: Mapping[int, Place], *vms: Vm, **where: Any) -> Survey:
    known = {"datastores": (688,), "home": (688,), "disks_known": True, "places": places, **where}
    return Survey(vms or (WEB, ORA), (), {"v": ()}, "NetApp Release 7.0.2", where=Whereabouts(**known))


def ruled(rules: Mapping[str, VmPolicy], job: Job = JOB) -> Job:
    return replace(job, policies=Policies(tuple(rules.items())))


def taken(job: Job, found: Survey) -> tuple[list[int], list[str]]:
    mine, warnings = members(job, found)
    assert all(one.hint for one in warnings)
    return [vm.id for vm in mine.vms], [one.code for one in warnings]


def test_a_vm_whose_disks_are_all_elsewhere_is_left_out_and_named() -> None:
    found = survey({108: HERE, 115: ELSEWHERE})
    assert taken(JOB, found) == ([108], ["SA-2120"])
    assert "ora01 (vm-115)" in members(JOB, found)[1][0].text


@pytest.mark.parametrize(
    "place",
    [
        Place((688, 689), (689,)),  # one disk's datastore is not known
        Place((688,)),  # no disk is listed
        Place(),
    ],
)
def test_a_vm_stays_with_a_warning_where_its_disks_are_not_all_known(place: Place) -> None:
    assert taken(JOB, survey({108: HERE, 115: place})) == ([108, 115], ["SA-2121"])


@pytest.mark.parametrize(
    "place", [HERE, Place((688, 689), (688, 689), whole=True), Place((688,), (688,)), Place((), (688,), whole=True)]
)
def test_one_disk_on_the_jobs_datastores_is_enough(place: Place) -> None:
    assert taken(JOB, survey({108: HERE, 115: place})) == ([108, 115], [])


def test_without_the_tables_of_the_disks_every_assigned_vm_stays() -> None:
    assert taken(JOB, survey({108: Place((688,)), 115: Place((688,))}, disks_known=False)) == ([108, 115], [])


@given(st.lists(st.sampled_from([688, 689]), max_size=3), st.booleans(), st.booleans())
def test_a_vm_is_left_out_only_if_all_its_disks_are_known_to_be_elsewhere(
    disks: list[int], whole: bool, known: bool
) -> None:
    place = Place((688,), tuple(sorted(set(disks))), whole and bool(disks))
    kept = [vm.id for vm in members(JOB, survey({115: place}, ORA, disks_known=known))[0].vms]
    assert kept == ([] if known and place.whole and 688 not in disks else [115])


def test_a_must_keeps_a_vm_and_a_skip_silences_the_warning() -> None:
    places = {108: HERE, 115: ELSEWHERE}
    assert taken(ruled({"ora01": VmPolicy.MUST}), survey(places)) == ([108, 115], [])
    assert taken(ruled({"ora01": VmPolicy.SKIP}), survey(places)) == ([108, 115], [])
    assert taken(ruled({"ora01": VmPolicy.SKIP}), survey({108: HERE, 115: Place()})) == ([108, 115], [])


def test_the_plan_quiesces_the_jobs_own_vms_and_a_datastore_that_only_holds_an_iso_is_empty() -> None:
    plan = build(JOB, survey({108: HERE, 115: ELSEWHERE}), Provenance(), PlanContext(), "20070322T030000Z-k3x9")
    assert [vm.id for vm in plan.targets] == [108]
    assert [one.code for one in plan.warnings] == ["SA-2120"]
    with pytest.raises(Refused, match="no VM is on datastore 688"):
        build(JOB, survey({115: ELSEWHERE}, ORA), Provenance(), PlanContext(), "20070322T030000Z-k3x9")


SHARED = {688: "sanfs://a", 689: "sanfs://b", 703: "sanfs://a"}
DMZ = Vm(9001, "dmz01")


def test_vms_of_another_datastore_on_the_same_storage_are_named() -> None:
    found = replace(survey({108: HERE, 9001: Place((703,))}, WEB, storage=SHARED, names={703: "vol"}), beside=(DMZ,))
    (warning,) = members(JOB, found)[1]
    assert warning.code == "SA-2122"
    assert "datastore vol (703) is on the same storage as 688" in warning.text
    assert "dmz01 (vm-9001)" in warning.text
    assert taken(ruled({"dmz01": VmPolicy.SKIP}), found)[1] == []
    elsewhere = {108: HERE, 9001: Place((703, 689), (689,), whole=True)}
    assert taken(JOB, replace(found, where=replace(found.where, places=elsewhere)))[1] == []


def test_a_disk_on_the_same_storage_under_another_id_is_on_the_jobs_datastores() -> None:
    assert taken(JOB, survey({108: Place((688, 703), (703,), whole=True)}, WEB, storage=SHARED)) == ([108], [])


def test_only_equal_storage_that_is_known_is_the_same() -> None:
    assert same_storage({688: "x", 689: "", 700: "", 701: "x"}, (688, 689)) == {701: 688}
    assert same_storage({688: "x", 701: "x"}, (688, 701)) == {}


def test_disks_of_a_querys_vms_outside_the_jobs_datastores_are_named() -> None:
    found = survey({108: HERE, 115: ELSEWHERE}, queried=frozenset({108, 115}), datastores=(), names={689: "vol2"})
    vms, codes = taken(BY_QUERY, found)
    assert (vms, codes) == ([108, 115], ["SA-2123"])
    assert "ora01 (vm-115) on vol2 (689)" in members(BY_QUERY, found)[1][0].text
    assert taken(ruled({"ora01": VmPolicy.SKIP}, BY_QUERY), found)[1] == []


def test_where_nothing_tells_the_volumes_datastores_those_of_most_vms_count() -> None:
    places = {108: HERE, 110: HERE, 115: ELSEWHERE}
    found = survey(places, WEB, Vm(110), ORA, queried=frozenset(places), datastores=(), home=())
    (warning,) = members(BY_QUERY, found)[1]
    assert "outside 688, where most of its VMs are" in warning.text
    assert "ora01 (vm-115) on 689" in warning.text
    assert "vm-110" not in warning.text
    assert most_used(places.values(), 2) == (688, 689)


NEEDED = (NeededHost("VirtualCenter itself", ("vc01.lab",)), NeededHost("the machine", ("backup", "10.0.0.7")))


@pytest.mark.parametrize("vm", [Vm(110, "vc01"), Vm(110, "VC01.LAB"), Vm(110, "any"), Vm(110)])
def test_a_vm_that_the_backup_needs_is_named_unless_a_rule_says_what_to_do(vm: Vm) -> None:
    found = survey({110: HERE}, vm, needed=NEEDED, guests={110: ("vc01.lab", "10.0.0.8")})
    (warning,) = members(JOB, found)[1]
    assert warning.code == "SA-2124"
    assert f"{vm.label} seems to be VirtualCenter itself (vc01.lab)" in warning.text
    for policy in (VmPolicy.SKIP, VmPolicy.MUST):
        assert taken(ruled({"vm-110": policy}), found)[1] == []


def test_a_vm_that_is_two_needed_machines_is_named_once() -> None:
    found = survey({110: HERE}, Vm(110, "vc01"), needed=NEEDED, guests={110: ("10.0.0.7",)})
    (warning,) = members(JOB, found)[1]
    assert "VirtualCenter itself and the machine (vc01.lab, 10.0.0.7)" in warning.text


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("vc01", "vc01.example.edu", True),
        ("VC01.example.edu.", "vc01.example.edu", True),
        ("vc01.example.edu", "vc01", True),
        ("vc01.other.edu", "vc01.example.edu", False),
        ("vc01", "vc011", False),
        ("10.0.0.5", "10.0.0.5", True),
        ("10", "10.0.0.5", False),
        ("fe80::1", "fe80::1", True),
        ("localhost", "localhost", False),
        ("localhost.localdomain", "localhost", False),
        ("127.0.0.1", "127.0.0.1", False),
        ("", "", False),
        (None, "vc01", False),
    ],
)
def test_machines_are_the_same_by_name_or_address(one: str | None, other: str, same: bool) -> None:
    assert bool(same_machine([one], [other])) is same
