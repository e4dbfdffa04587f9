"""Filer commands that were never answered and act late: they go by names, and those must not move meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from snapall.backup.facts import Answered, Confirmed, Intent
from snapall.backup.model import Grade, Order
from snapall.backup.outcome import QUIESCED
from snapall.backup.record import Waiting, What
from snapall.backup.steps import Capture, Delete, Done, Outcome, Release, Rename, Step, Unknown
from snapall.errors import Exit
from tests.backup.simulated import CHAIN, JOB, PACE, Act, Fault, Stage, act_after, lose, once

R, P, S3, S4 = CHAIN
PAPER = replace(JOB, order=Order.PAPER, publish=Grade.CRASH_CONSISTENT)
SOON = PACE.filer_timeout / 2


def deletion(step: Step) -> bool:
    return isinstance(step, Delete)


def silence(step: Step, act: Act) -> Outcome:
    """Nothing happens, and nothing is answered, which over rsh is what success sounds like."""
    return Done()


def unanswered(what: What) -> bool:
    """The answer to a deletion, which is none, is written."""
    return isinstance(what, Answered) and isinstance(what.outcome, Unknown)


def moved_up(stage: Stage) -> bool:
    return [stage.dates()[name] for name in CHAIN[1:]] == [f"old {R}", f"old {P}", f"old {S3}"]


def test_a_late_deletion_never_meets_another_backup_under_its_name(stage: Stage) -> None:
    stage.site.fail(deletion, once(act_after(stage.clock, SOON)))
    assert stage.night().exit is Exit.OK
    stage.clock.push(3600)
    assert moved_up(stage)
    assert stage.site.asked.count(Delete("v", S4)) == 1
    assert any(isinstance(one, Waiting) for one in stage.heard)
    assert not stage.store.open_runs()


@pytest.mark.parametrize("killed", [True, False])
def test_a_late_deletion_that_seemed_to_work_never_meets_another_backup_under_its_name(
    stage: Stage, *, killed: bool
) -> None:
    def later(step: Step, act: Act) -> Outcome:
        act_after(stage.clock, SOON)(step, act)
        return Done()

    stage.site.fail(deletion, once(later))
    if killed:
        stage.killed(stage.night, lambda what: isinstance(what, Intent) and isinstance(what.step, Rename))
    else:
        stage.night()
    stage.recover()
    stage.clock.push(3600)
    assert stage.recover() is Exit.OK
    assert moved_up(stage)
    assert not stage.store.open_runs()


def test_a_deletion_that_never_acts_is_waited_for_and_sent_again_only_by_the_next_command(stage: Stage) -> None:
    stage.site.fail(deletion, once(lose))
    began = stage.clock.monotonic() + 86400
    assert stage.night().exit is Exit.PARTIAL
    assert stage.clock.monotonic() - began == pytest.approx(PACE.filer_timeout)
    assert stage.site.asked.count(Delete("v", S4)) == 1
    assert stage.recover() is Exit.OK
    assert moved_up(stage)


def test_a_killed_runs_late_deletion_is_waited_for_by_recover(stage: Stage) -> None:
    stage.site.fail(deletion, once(act_after(stage.clock, SOON)))
    stage.killed(stage.night, unanswered)
    assert stage.recover() is Exit.OK
    assert moved_up(stage)
    assert stage.site.asked.count(Delete("v", S4)) == 1
    assert not stage.store.open_runs()


def test_a_killed_runs_deletion_that_never_acts_is_waited_for_since_the_takeover(stage: Stage) -> None:
    stage.site.fail(deletion, once(lose))
    stage.killed(stage.night, unanswered)
    stage.clock.push(3600)  # a machine that was off, or a clock that was set, shortens nothing
    before = stage.clock.monotonic()
    assert stage.recover() is Exit.OK
    assert stage.clock.monotonic() - before == pytest.approx(PACE.filer_timeout)
    assert moved_up(stage)


def test_recover_without_waiting_moves_no_name_while_a_command_may_still_act(stage: Stage) -> None:
    stage.site.fail(deletion, once(act_after(stage.clock, SOON)))
    stage.killed(stage.night, unanswered)
    names = stage.dates()
    assert stage.recover(wait=False) is Exit.PARTIAL
    assert stage.dates() == names
    assert stage.store.open_runs()
    assert stage.recover() is Exit.OK
    assert moved_up(stage)


def test_a_late_rename_is_waited_for(stage: Stage) -> None:
    stage.site.fail(lambda step: step == Rename("v", S3, S4), once(act_after(stage.clock, SOON)))
    assert stage.night().exit is Exit.OK
    assert moved_up(stage)
    assert stage.site.asked.count(Rename("v", S3, S4)) == 1


def test_a_rename_whose_answer_was_lost_leaves_nothing_outstanding_once_the_list_shows_it(stage: Stage) -> None:
    stage.site.fail(lambda step: step == Rename("v", S3, S4), once(act_after(stage.clock, 0)))
    stage.site.on_listing = lambda: stage.clock.push(0)
    assert stage.night().exit is Exit.OK
    assert not stage.store.open_runs()


@pytest.mark.parametrize("new", CHAIN)
def test_a_rename_that_was_lost_in_silence_is_made_up_for_by_recover(stage: Stage, new: str) -> None:
    stage.site.fail(lambda step: isinstance(step, Rename) and step.new == new, once(silence))
    assert stage.night().exit is Exit.PARTIAL
    assert stage.recover() is Exit.OK
    assert stage.dates()[R].startswith("born")
    assert [stage.dates()[name] for name in CHAIN[1:]] == [f"old {R}", f"old {P}", f"old {S3}"]


@pytest.mark.parametrize("new", CHAIN)
def test_a_rename_that_was_lost_in_silence_is_made_up_for_by_the_next_run(stage: Stage, new: str) -> None:
    stage.site.fail(lambda step: isinstance(step, Rename) and step.new == new, once(silence))
    stage.night()
    assert stage.night().exit is Exit.OK
    assert all(stage.dates()[name].startswith("born") for name in CHAIN[:2])
    assert [stage.dates()[name] for name in CHAIN[2:]] == [f"old {R}", f"old {P}"]


def test_in_paper_order_a_late_capture_is_waited_for_before_the_names_are_put_back(stage: Stage) -> None:
    stage.job = PAPER
    stage.site.fail(lambda step: isinstance(step, Capture), act_after(stage.clock, SOON))
    stage.night()
    assert stage.dates()[R].startswith("born")
    assert stage.dates()[P] == f"old {R}"
    assert not stage.store.open_runs()


def creation(step: Step) -> bool:
    return isinstance(step, Capture)


def test_a_capture_that_was_asked_for_twice_keeps_its_name_until_the_first_create_is_over(stage: Stage) -> None:
    stage.site.fail(creation, once(act_after(stage.clock, SOON)))
    assert stage.night().exit is Exit.OK
    stage.clock.push(3600)
    assert sorted(stage.names()) == sorted(CHAIN)
    assert moved_up(stage)
    assert sum(map(creation, stage.site.asked)) == 2


@pytest.mark.parametrize("wait", [True, False])
def test_recover_moves_no_name_that_a_create_may_make_once_more(stage: Stage, *, wait: bool) -> None:
    stage.site.fail(creation, once(act_after(stage.clock, SOON)))
    stage.killed(stage.night, lambda what: isinstance(what, Confirmed))
    assert stage.recover(wait=wait) is (Exit.OK if wait else Exit.PARTIAL)
    stage.clock.push(3600)
    assert stage.recover() is Exit.OK
    assert sorted(stage.names()) == sorted(CHAIN)
    assert not stage.store.open_runs()


def test_a_create_that_acts_after_the_second_one_failed_is_known(stage: Stage) -> None:
    def full(step: Step, act: Act) -> Outcome:
        return Unknown("No space left on device", output="No space left on device", failed=True)

    answers: list[Fault] = [act_after(stage.clock, SOON), full]
    stage.site.fail(creation, lambda step, act: answers.pop(0)(step, act) if answers else act(step))
    stage.night()
    stage.clock.push(3600)
    stage.recover()
    (new,) = [origin for origin in stage.store.known("vol1") if origin.run.startswith("20070323")]
    assert stage.dates()[new.name] == new.date


def test_a_run_waits_for_what_the_one_before_left_in_the_air(stage: Stage) -> None:
    stage.site.fail(deletion, once(act_after(stage.clock, SOON)))
    stage.killed(stage.night, unanswered)
    stage.clock.push(-86400)  # the next one begins at once
    assert stage.night().exit is Exit.OK
    stage.clock.push(86400)
    assert [stage.dates()[name] for name in CHAIN[2:]] == [f"old {R}", f"old {P}"]
    assert all(stage.dates()[name].startswith("born") for name in CHAIN[:2])


def test_a_vm_that_was_released_while_an_older_create_could_still_act_is_not_called_quiesced(stage: Stage) -> None:
    def promises(step: Step, act: Act) -> Outcome:
        return Done("creating snapshot...")

    answers: list[Fault] = [act_after(stage.clock, PACE.filer_timeout * 0.9), promises]
    stage.site.fail(creation, lambda step, act: answers.pop(0)(step, act) if answers else act(step))
    stage.site.fail(lambda step: isinstance(step, Release), takes(stage, 1))
    report = stage.night()
    (held,) = stage.site.quiesced_at.values()
    assert {one.vm.id for one in report.verdicts if one.state == QUIESCED} <= held
    assert len(held) < len(stage.site.vms)


def takes(stage: Stage, seconds: float) -> Fault:
    """The step is done, and its answer takes so long."""

    def slowly(step: Step, act: Act) -> Outcome:
        outcome = act(step)
        stage.clock.push(seconds)
        return outcome

    return slowly
