"""Runs by hand: a backup that is not due, one that comes too soon, and a state folder without its past."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from snapall.backup.facts import Answered
from snapall.backup.model import FilerSnapshot, Grade
from snapall.backup.outcome import Report
from snapall.backup.run import BackupRun
from snapall.backup.steps import Capture, Quiesce, Release
from snapall.errors import Exit
from tests.backup.simulated import Stage, capture_of, deny, lose, once, quiesce_of, refuse

HOUR = 3600.0


def if_older_than(stage: Stage, hours: float) -> Report:
    """`run --if-older-than`, with the clock as it stands."""
    stage.events.clear()
    stage.site.asked.clear()
    return BackupRun(stage.job, stage.pace, stage.context, stage.store, token="", if_older_than=hours * HOUR).run()


def test_no_backup_is_taken_while_the_newest_is_younger(stage: Stage) -> None:
    first = stage.night()
    stage.clock.push(3 * HOUR)
    report = if_older_than(stage, 20)
    assert (report.exit, report.grade) == (Exit.OK, None)
    assert report.skipped == f"the backup of run {first.stamp} is 3 h old, younger than 20 h"
    assert stage.site.asked == []
    assert stage.failures == []


def test_a_backup_is_taken_once_the_newest_is_old_enough(stage: Stage) -> None:
    stage.night()
    stage.clock.push(20 * HOUR)
    report = if_older_than(stage, 20)
    assert (report.exit, report.skipped, report.grade) == (Exit.OK, "", Grade.WHOLE)


def test_without_any_backup_of_its_own_a_run_is_due(stage: Stage) -> None:
    assert if_older_than(stage, 20).grade is Grade.WHOLE


def test_a_backup_that_is_not_good_enough_does_not_count(stage: Stage) -> None:
    stage.site.fail(quiesce_of(), deny("no"))
    assert stage.night().grade is Grade.CRASH_CONSISTENT
    stage.site.faults.clear()
    stage.clock.push(HOUR)
    assert if_older_than(stage, 20).grade is Grade.WHOLE


def test_a_kept_backup_does_not_count(stage: Stage) -> None:
    stage.night(keep="before-upgrade")
    stage.clock.push(HOUR)
    assert if_older_than(stage, 20).grade is Grade.WHOLE


def test_a_backup_that_somebody_deleted_does_not_count(stage: Stage) -> None:
    stage.night()
    stage.clock.push(HOUR)
    del stage.site.volumes["v"][0]
    assert if_older_than(stage, 20).grade is Grade.WHOLE


def test_a_backup_on_one_volume_of_two_does_not_count(stage: Stage) -> None:
    stage = Stage(stage.state, replace(stage.job, volumes=("v", "w")))
    stage.night()
    stage.clock.push(HOUR)
    del stage.site.volumes["w"][0]
    assert if_older_than(stage, 20).grade is Grade.WHOLE


def test_a_backup_from_the_future_does_not_count(stage: Stage) -> None:
    stage.night()
    stage.clock.push(-40 * HOUR)
    assert if_older_than(stage, 20).grade is Grade.WHOLE


def test_what_an_earlier_run_left_is_released_although_no_backup_is_due(stage: Stage) -> None:
    stage.night()
    stage.clock.push(HOUR)
    run = BackupRun(stage.job, stage.pace, stage.context, stage.store, token="")
    stage.killed(run.run, lambda what: isinstance(what, Answered))
    assert stage.site.rows
    report = if_older_than(stage, 20)
    assert report.skipped
    assert {type(step) for step in stage.site.asked} == {Release}
    assert stage.site.rows == []


def test_a_young_pending_backup_is_published_and_no_second_one_taken(stage: Stage) -> None:
    rows = stage.site.volumes["v"]
    rows[-1] = replace(rows[-1], tags=("busy",))
    stage.job = replace(stage.job, busy_wait=0)
    assert stage.night().exit is Exit.PARTIAL
    stage.clock.push(HOUR)
    still = if_older_than(stage, 20)
    assert (still.exit, bool(still.skipped), stage.site.asked) == (Exit.PARTIAL, True, [])
    stage.site.volumes["v"] = [replace(row, tags=()) for row in stage.site.volumes["v"]]
    stage.clock.push(HOUR)
    report = if_older_than(stage, 20)
    assert (report.exit, bool(report.skipped)) == (Exit.OK, True)
    assert not any(isinstance(step, Capture | Quiesce) for step in stage.site.asked)
    assert stage.names() == list(stage.job.chain)


def test_an_unanswered_call_of_an_earlier_run_still_counts_in_the_exit_code(stage: Stage) -> None:
    stage.night()
    stage.clock.push(HOUR)
    stage.site.fail(quiesce_of(110), once(lose))
    stage.site.fail(capture_of(), refuse("down"))
    BackupRun(stage.job, stage.pace, stage.context, stage.store, token="").run()
    report = if_older_than(stage, 20)
    assert report.skipped
    assert report.exit is Exit.OUTSTANDING


def test_a_filer_that_does_not_answer_is_a_failure_and_not_a_skip(stage: Stage) -> None:
    stage.night()
    stage.site.filer_down = True
    report = if_older_than(stage, 20)
    assert (report.exit, report.skipped) == (Exit.FAILED, "")


# Warnings


def soon(stage: Stage, hours: float) -> bool:
    stage.night()
    stage.clock.push(hours * HOUR - 86400)
    stage.events.clear()
    stage.night()
    return "push out all older backups" in stage.warnings


@pytest.mark.parametrize(("hours", "warns"), [(6.4, True), (6.6, False)])
def test_a_run_within_a_quarter_of_max_age_of_the_last_backup_is_a_warning(
    stage: Stage, hours: float, warns: bool
) -> None:
    assert soon(stage, hours) is warns


def test_a_kept_backup_soon_after_the_last_one_is_no_warning(stage: Stage) -> None:
    stage.night()
    stage.clock.push(HOUR - 86400)
    stage.events.clear()
    assert stage.night(keep="before-upgrade").exit is Exit.OK
    assert stage.warnings == ""


def test_the_first_run_over_backups_that_no_journal_knows_warns_that_the_state_may_have_moved(stage: Stage) -> None:
    assert stage.night().exit is Exit.OK
    assert f"no earlier run of job vol1 is on record in {stage.state}" in stage.warnings
    assert "v already has vmware_recent to vmware_snap4" in stage.warnings
    assert "if snapall did, set `state` to the folder" in stage.warnings


def test_the_second_run_and_a_first_one_without_backups_do_not_warn_of_the_state(stage: Stage) -> None:
    stage.site.volumes["v"] = [FilerSnapshot("hourly.0", "d")]
    stage.night()
    assert stage.warnings == ""
    stage.night()
    assert stage.warnings == ""


def test_a_state_folder_that_is_emptied_later_is_a_warning_again(stage: Stage) -> None:
    stage.night()
    stage.night()
    shutil.rmtree(stage.state)
    stage.events.clear()
    stage.night()
    assert "no earlier run of job vol1 is on record" in stage.warnings
