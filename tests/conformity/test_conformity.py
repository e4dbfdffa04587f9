"""snapall does what the batch did, scenario by scenario, but for the stated differences, and these are all there."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from snapall.views.logfile import FOREIGN
from tests.conformity.differences import FILE as DOCUMENT
from tests.conformity.differences import document
from tests.conformity.observed import ECHOED, Aspect, Value
from tests.conformity.recordings import FOLDER, SCENARIOS, recording
from tests.conformity.replay import ORDERS, performed, quietly
from tests.conformity.scenarios import prepare, site_of
from tests.conformity.table import Key, differences, expected, faults, observed
from tests.lab.atlab import AtLab

NO_PROGRAM = {"c_vcb_missing_exe", "x_no_vcb_dir"}  # announced, but nothing could be started


@cache
def found_in(scenario: str, order: str) -> dict[Key, Value]:
    """What is different in one scenario; performed once."""
    return observed(scenario, order, recording(scenario).seen, performed(scenario, order))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(scenario: str, order: str) -> None:
    stated = {key: value for key, value in expected().items() if key[:2] == (scenario, order)}
    assert faults(found_in(scenario, order), stated) == []


def test_no_recording_is_left_out_and_none_is_made_up() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(SCENARIOS)
    assert len(SCENARIOS) == 49
    assert {scenario for scenario, _, _ in expected()} <= set(SCENARIOS)


def test_each_row_of_the_table_is_needed_and_none_can_be_bent() -> None:
    found = {key: value for name in SCENARIOS for order in ORDERS for key, value in found_in(name, order).items()}
    stated = expected()
    for key, value in stated.items():
        rest = {other: one for other, one in stated.items() if other != key}
        assert len(faults(found, rest)) == 1
        assert len(faults(found, {**stated, key: (*value, ())})) == 1


def test_a_row_that_states_something_that_is_not_so_is_found() -> None:
    made_up: Key = ("a_happy_vcuser_env", "paper", Aspect.EXIT)
    assert made_up not in expected()
    assert faults(found_in(*made_up[:2]), {made_up: (("1",),)}) != []


def test_with_the_user_name_in_its_environment_the_batch_is_met_in_everything() -> None:
    assert found_in("a_happy_vcuser_env", "paper") == {}


def test_every_defect_of_the_batch_is_in_the_table_once() -> None:
    numbers = [one.defect for one in differences() if one.defect]
    assert numbers == list(range(1, 20))
    assert {one.defect for one in differences() if not one.rows} == {18, 19}


def test_the_document_is_what_the_table_makes() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document()


@pytest.mark.parametrize("order", ORDERS)
def test_the_log_announces_every_command_that_was_sent_in_its_turn(order: str) -> None:
    compared = 0
    for scenario in SCENARIOS:
        parts = performed(scenario, order)
        logged = [line for part in parts for line in part[Aspect.LOG] if ECHOED.fullmatch(line)]
        if not logged or scenario.startswith("g_"):
            continue  # no log could be written, or two share one
        filer = [_announced(command) for part in parts for command in part[Aspect.FILER]]
        assert [line for line in logged if line.startswith(("deleting", "renaming", "creating"))] == filer
        vcb = [_announced(command) for part in parts for command in part[Aspect.VCB]]
        if vcb or scenario not in NO_PROGRAM:
            assert [line for line in logged if " for vmid=" in line] == vcb
        compared += len(filer) + len(vcb)
    assert compared > 300


def _announced(command: str) -> str:
    """What the batch writes before it sends a command."""
    match command.split():
        case ["snap", "delete", _, name]:
            return f"deleting {name} "
        case ["snap", "rename", _, old, new]:
            return f"renaming {old} to {new} "
        case ["snap", "create", _, name]:
            return f"creating {name} "
        case [verb, moref, _]:
            does = {"-c": "Creating", "-d": "Removing"}[verb]
            return f"{does} snapshot for vmid={moref.removeprefix('moref:vm-')}  "
        case _:
            raise AssertionError(command)


# Two instances share a log; and a snapshot that was left over is removed first, by the batch alone.
@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if not name.startswith(("g_", "e_leftover"))])
def test_common_log_lines_come_in_the_same_order(scenario: str) -> None:
    for theirs, ours in zip(recording(scenario).seen, performed(scenario, "paper"), strict=True):
        batch, snapall = (dict.fromkeys(filter(ECHOED.fullmatch, part[Aspect.LOG])) for part in (theirs, ours))
        assert [line for line in snapall if line in batch] == [line for line in batch if line in snapall]


def test_the_whole_log_of_a_successful_run_in_paper_order_equals_the_batchs(at_lab: Callable[..., AtLab]) -> None:
    name = "a_happy_vcuser_env"
    night = at_lab(site=site_of(name))
    prepare(night, name)
    night.edit('log   = "snapall.log"', 'log   = "snapall.log"\nlog_time = "<%d>"')
    assert quietly(lambda: night("run", "--order", "paper")).code == 0
    raw = (night.lab.directory / "snapall.log").read_bytes().decode()
    today = f"<{night.world.now().astimezone():%d}>"
    times = {line.split(" at ", 1)[1] for line in recording(name).log if line.startswith("Script Execution")}
    (time,) = times
    wanted = [line.replace(time, f"{today} ") for line in recording(name).log]
    assert raw == "".join(f"{line if ECHOED.fullmatch(line) else FOREIGN + line}\n" for line in wanted)


def test_the_times_in_the_log_have_the_configured_shape(at_lab: Callable[..., AtLab]) -> None:
    night = at_lab()
    assert quietly(lambda: night("run")).code == 0
    log = (night.lab.directory / "snapall.log").read_text().splitlines()
    now = night.world.now().astimezone()
    for line, word in ((log[0], "Commenced"), (log[-1], "complete")):
        assert line.startswith(f"Script Execution {word} at {now:%m/%d/%Y} ")
        assert line[-4:] in {" AM ", " PM "}
