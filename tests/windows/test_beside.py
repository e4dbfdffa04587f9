"""The original batch beside snapall: what the comparison lets pass, and some scenarios where a cmd.exe is found."""

from __future__ import annotations

import pytest

from tests.conformity.observed import Aspect, Observation
from tests.conformity.recordings import SCENARIOS, recording
from tests.conformity.replay import performed
from tests.windows.batch import COMPARABLE, RACES, batch_of
from tests.windows.beside import EXPLAINED, SAMPLE, beside, compared, worded
from tests.windows.interpreter import Interpreter

NAME = "a_happy_vcuser_env"


def changed(seen: Observation, aspect: Aspect, *lines: str) -> Observation:
    return ({**seen[0], aspect: lines}, *seen[1:])


@pytest.mark.parametrize("aspect", list(Aspect))
def test_a_batch_that_does_not_do_what_was_recorded_is_found(aspect: Aspect) -> None:
    seen = recording(NAME).seen
    other = changed(seen, aspect, "create: something else")
    assert [fault.split(":")[0] for fault in compared(NAME, other, other).faults] == [aspect]
    assert compared(NAME, seen, seen).faults == ()


@pytest.mark.parametrize("aspect", list(Aspect))
def test_a_difference_that_no_document_allows_is_found(aspect: Aspect) -> None:
    seen = recording(NAME).seen
    result = compared(NAME, seen, changed(seen, aspect, "create: something else"))
    assert len(result.faults) == 1
    assert result.row().split()[2] == "DIFFERENT"


def test_an_allowed_difference_is_named_by_its_number_and_only_as_it_is_documented() -> None:
    batch, ours = recording("c_vcb_delete_fails_last").seen, performed("c_vcb_delete_fails_last", "paper")
    result = compared("c_vcb_delete_fails_last", batch, ours)
    assert (result.faults, result.commands) == ((), 11)
    assert result.allowed == ("1 (vcb login)", "13 (vcb commands, exit code, log)")
    assert compared("c_vcb_delete_fails_last", batch, changed(ours, Aspect.EXIT, "6")).faults != ()


def test_errors_count_as_one_wording_and_nothing_else_does() -> None:
    errors = [
        "Error: Other error encountered: no such virtual machine",
        "usage: vcbsnapshot -h HOST",
        "SsId:snapshot-1",
    ]
    assert worded(errors) == ("<an error of vcbsnapshot>", "<an error of vcbsnapshot>", "SsId:snapshot-1")
    same = ["Snapshot vmware_snap4 does not exist.", "No such snapshot.", "Snapshot already exists."]
    assert worded(same) == ("<an error of the filer>",) * 3
    assert worded(["Snapshot ssid:snapshot-1 deleted", "deleting snapshot..."]) == (
        "Snapshot ssid:snapshot-1 deleted",
        "deleting snapshot...",
    )


def test_all_scenarios_are_comparable_but_those_that_depend_on_chance() -> None:
    assert {*COMPARABLE, *RACES} == set(SCENARIOS)
    assert set(SAMPLE) <= set(COMPARABLE)
    assert {scenario for scenario, _ in EXPLAINED} <= set(COMPARABLE)


def test_the_script_of_a_scenario_is_the_papers_with_that_one_change() -> None:
    plain = batch_of({})
    assert b"set vcpword=vcpw\r\n" in plain
    assert batch_of({"vals": {"vcpword": "50%%off"}}) == plain.replace(b"=vcpw\r", b"=50%%off\r")
    assert batch_of({"subst": [["vc_user", "vcdbo"]]}) == plain.replace(b"vc_user", b"vcdbo")
    assert batch_of({"strip": False}).count(b" \r\n") >= batch_of({"strip": False}).count(b"\r\n") > 40
    assert b"replace this text" in batch_of({"vals": None})


@pytest.mark.parametrize("scenario", ["a_happy_vcuser_env", "c_vcb_delete_crashes_last", "x_log_locked"])
def test_the_batch_does_what_was_recorded_and_snapall_what_the_batch_does(scenario: str, peer: Interpreter) -> None:
    result = beside(scenario, peer)
    assert result.faults == ()
    assert result.commands == len(recording(scenario).seen[0][Aspect.FILER] + recording(scenario).seen[0][Aspect.VCB])
