"""The order in which a run sends its calls, and when it begins no more of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from snapall.backup.model import Grade, Job, Order
from snapall.backup.run import BackupRun
from snapall.backup.schedule import Durations, History, Schedule, schedule
from snapall.backup.steps import Outcome, Quiesce, Release, Step
from snapall.errors import Exit
from tests.backup.simulated import JOB, PACE, Act, Stage, quiesce_of, release_of

LISTED = (108, 110, 1226)  # as the database lists them
UNEVEN = History({108: Durations(5, 60), 110: Durations(60, 30), 1226: Durations(30, 5)})
PAPER = replace(JOB, order=Order.PAPER, publish=Grade.CRASH_CONSISTENT)


def sent(stage: Stage, kind: type[Quiesce] | type[Release]) -> tuple[int, ...]:
    return tuple(step.vm.id for step in stage.site.asked if isinstance(step, Quiesce | Release) and type(step) is kind)


def night(stage: Stage, history: History) -> Exit:
    return BackupRun(stage.job, stage.pace, stage.context, stage.store, history=history, token="").run().exit


def test_creates_that_take_longest_and_removals_that_take_least_are_sent_first(tmp_path: Path) -> None:
    stage = Stage(tmp_path, pace=replace(PACE, parallel=1))
    assert night(stage, UNEVEN) is Exit.OK
    assert sent(stage, Quiesce) == (110, 1226, 108)
    assert sent(stage, Release) == (1226, 110, 108)


@pytest.mark.parametrize(("job", "history"), [(PAPER, UNEVEN), (JOB, History())], ids=["paper order", "no history"])
def test_without_a_gain_and_in_paper_order_the_databases_order_is_kept(
    tmp_path: Path, job: Job, history: History
) -> None:
    stage = Stage(tmp_path, job, replace(PACE, parallel=1))
    assert night(stage, history) is Exit.OK
    assert sent(stage, Quiesce) == sent(stage, Release) == LISTED


def test_calls_that_differ_by_fractions_of_a_second_stay_in_the_databases_order() -> None:
    usual = {vm: Durations(0.1 * n, 0.4 - 0.1 * n) for n, vm in enumerate(LISTED, 1)}
    found = schedule(LISTED, usual, 1)
    assert found == Schedule(LISTED, LISTED)


def test_no_create_is_sent_once_max_quiesced_is_over(tmp_path: Path) -> None:
    stage = Stage(tmp_path, pace=replace(PACE, parallel=1))

    def slow(step: Step, act: Act) -> Outcome:
        stage.clock.push(JOB.max_quiesced)
        return act(step)

    stage.site.fail(quiesce_of(108), slow)
    report = stage.night()
    assert (report.exit, report.grade) == (Exit.PARTIAL, Grade.PARTIAL)
    assert sent(stage, Quiesce) == (108,)
    assert {one.vm.id: one.why for one in report.verdicts if one.why} == dict.fromkeys((110, 1226), "it was not tried")


def test_removals_one_at_a_time_do_not_ask_the_database_after_each(tmp_path: Path) -> None:
    stage = Stage(tmp_path, pace=replace(PACE, parallel=1))
    removals_sent: list[int] = []

    def slow(step: Step, act: Act) -> Outcome:
        stage.clock.push(5)
        return act(step)

    for vm in LISTED:
        stage.site.fail(release_of(vm), slow)
    stage.site.on_look = lambda: removals_sent.append(len(sent(stage, Release)))
    assert stage.night().exit is Exit.OK
    assert set(removals_sent) == {0, 3}
