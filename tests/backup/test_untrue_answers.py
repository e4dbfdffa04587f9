"""Answers that are not true, and what is sent again: the lists decide what there is, and a create is sent once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from snapall.backup.model import Grade, Order
from snapall.backup.steps import Capture, Delete, Done, Outcome, Quiesce, Refusal, Release, Rename, Step, Unknown
from snapall.errors import Exit
from tests.backup.simulated import CHAIN, JOB, Act, Stage, capture_of, lose, once, quiesce_of

R, P, S3, S4 = CHAIN
OLD = {name: f"old {name}" for name in CHAIN}
JOBS = {order: replace(JOB, order=order, publish=Grade.CRASH_CONSISTENT) for order in Order}
MADE = {Order.SAFE: OLD, Order.PAPER: {name: OLD[name] for name in (R, P, S3)}}
"""The chain after a night without a capture: paper order has deleted the oldest first, and renames the others back."""

ORDERS = pytest.mark.parametrize("order", Order)


def at(folder: Path, order: Order, *volumes: str) -> Stage:
    return Stage(folder, replace(JOBS[order], volumes=volumes or ("v",)))


def claim(step: Step, act: Act) -> Outcome:
    """The filer says yes and does nothing."""
    return Done("creating snapshot...")


def creates(stage: Stage, volume: str = "v") -> list[str]:
    return [step.name for step in stage.site.asked if isinstance(step, Capture) and step.volume == volume]


def asked_of_vms(stage: Stage) -> list[int]:
    return sorted(step.vm.id for step in stage.site.asked if isinstance(step, Quiesce))


def assert_no_new_backup(stage: Stage, order: Order, exit_: Exit = Exit.FAILED) -> None:
    """One more night, which ends without a backup, the chain as it was, and every VM released."""
    report = stage.night()
    assert (report.exit, report.published, report.name) == (exit_, False, "")
    assert stage.dates() == MADE[order]
    assert stage.site.rows == []
    assert {step.vm.id for step in stage.site.ledger if isinstance(step, Release)} == {108, 110, 1226}


# A capture that was answered and is not listed


@ORDERS
def test_a_capture_that_was_answered_and_is_not_listed_is_no_backup(tmp_path: Path, order: Order) -> None:
    stage = at(tmp_path, order)
    stage.site.fail(capture_of(), claim)
    assert_no_new_backup(stage, order)
    assert "is not listed on v" in " ".join(stage.failures)
    assert len(creates(stage)) == 1


def test_in_safe_order_nothing_is_renamed_or_deleted_for_a_capture_that_is_not_listed(tmp_path: Path) -> None:
    stage = at(tmp_path, Order.SAFE)
    stage.site.fail(capture_of(), claim)
    stage.night()
    assert not any(isinstance(step, Rename | Delete) for step in stage.site.asked)


@ORDERS
def test_the_night_after_a_capture_that_was_not_listed_is_a_good_one(tmp_path: Path, order: Order) -> None:
    stage = at(tmp_path, order)
    stage.site.fail(capture_of(), once(claim))
    assert_no_new_backup(stage, order)
    assert stage.store.open_runs() == []
    assert stage.recover() is Exit.OK
    assert stage.dates() == MADE[order]
    assert stage.night().exit is Exit.OK
    assert stage.dates()[P] == OLD[R]


@ORDERS
def test_a_kept_backup_that_was_answered_and_is_not_listed_is_none(tmp_path: Path, order: Order) -> None:
    stage = at(tmp_path, order)
    stage.site.fail(capture_of(), claim)
    report = stage.night(keep="before_sp3")
    assert (report.exit, report.name) == (Exit.FAILED, "")
    assert stage.dates() == OLD


@ORDERS
@pytest.mark.parametrize("lying", ["v", "w"])
def test_a_capture_that_one_of_two_volumes_does_not_list_is_taken_back_on_the_other(
    tmp_path: Path, order: Order, lying: str
) -> None:
    stage = at(tmp_path, order, "v", "w")
    stage.site.fail(capture_of(lying), claim)
    report = stage.night()
    assert (report.exit, report.published, report.name) == (Exit.FAILED, False, "")
    assert stage.dates("v") == stage.dates("w") == MADE[order]
    assert stage.store.open_runs() == []


# What is sent again, and what is not

ANSWERS: dict[str, Outcome] = {
    "success": Done("creating snapshot..."),
    "an error that is known": Unknown("No space left on device", "No space left on device", failed=True),
    "an error that nobody knows": Unknown("filer1: bad weather", "bad weather"),
}


@ORDERS
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_capture_that_was_answered_is_never_sent_again(tmp_path: Path, order: Order, answer: Outcome) -> None:
    stage = at(tmp_path, order)
    stage.site.fail(capture_of(), lambda step, act: answer)
    assert_no_new_backup(stage, order)
    assert len(creates(stage)) == 1
    assert stage.recover() is Exit.OK
    assert len(creates(stage)) == 1


@pytest.mark.parametrize("answer", ["success", "an error that nobody knows"])
def test_a_capture_that_is_listed_is_used_whatever_was_answered(tmp_path: Path, answer: str) -> None:
    stage = at(tmp_path, Order.SAFE)

    def made(step: Step, act: Act) -> Outcome:
        act(step)
        return ANSWERS[answer]

    stage.site.fail(capture_of(), made)
    assert stage.night().exit is Exit.OK
    assert len(creates(stage)) == 1
    assert stage.dates()[P] == OLD[R]


@ORDERS
@pytest.mark.parametrize("silence", [Unknown("no answer"), Done("")], ids=["a lost answer", "silence over rsh"])
def test_a_capture_without_a_word_of_answer_is_sent_twice_at_most_under_one_name(
    tmp_path: Path, order: Order, silence: Outcome
) -> None:
    stage = at(tmp_path, order)
    stage.site.fail(capture_of(), lambda step, act: silence)
    assert_no_new_backup(stage, order)
    first, second = creates(stage)
    assert first == second
    assert stage.recover() is Exit.OK
    assert len(creates(stage)) == 2


@ORDERS
def test_a_capture_that_is_answered_the_second_time_and_not_listed_is_no_backup(tmp_path: Path, order: Order) -> None:
    stage = at(tmp_path, order)
    stage.site.faults = [
        (lambda step: isinstance(step, Capture) and len(creates(stage)) == 1, lose),
        (capture_of(), claim),
    ]
    assert_no_new_backup(stage, order)
    assert len(creates(stage)) == 2


@ORDERS
def test_only_the_volume_that_did_not_answer_is_asked_again(tmp_path: Path, order: Order) -> None:
    stage = at(tmp_path, order, "v", "w")
    stage.site.fail(capture_of("w"), once(lose))
    assert stage.night().exit is Exit.OK
    assert (len(creates(stage, "v")), len(creates(stage, "w"))) == (1, 2)


QUIESCES: dict[str, Outcome] = {
    "an id that is not there": Done("SsId:snapshot-4711", "snapshot-4711"),
    "no id": Unknown("no SsId", claimed=True),
    "a failure": Unknown("exit code 1", failed=True),
    "another task": Unknown("another task is in progress", failed=True, busy=True),
    "nothing": Unknown("no answer"),
    "not started": Refusal("not started"),
}


@ORDERS
@pytest.mark.parametrize("made", [True, False], ids=["made", "not made"])
@pytest.mark.parametrize("answer", QUIESCES.values(), ids=QUIESCES)
def test_a_vm_is_asked_for_once_in_a_night_whatever_came_of_it(
    tmp_path: Path, order: Order, answer: Outcome, made: bool
) -> None:
    stage = at(tmp_path, order)

    def strike(step: Step, act: Act) -> Outcome:
        if made and not isinstance(answer, Refusal):
            act(step)
        return answer

    stage.site.fail(quiesce_of(110), strike)
    stage.night()
    stage.recover()
    assert asked_of_vms(stage) == [108, 110, 1226]
    assert stage.site.rows == []
    assert len(creates(stage)) == 1
