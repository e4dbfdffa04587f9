"""What becomes of VMs whose removal does not work at once, and of VMs that are not where they were."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from snapall.backup.facts import Answered, Intent, Started, Surveyed
from snapall.backup.model import Grade, Order, Vm, VmSnapshot
from snapall.backup.record import Waiting
from snapall.backup.steps import Capture, Child, Done, Outcome, Quiesce, Release, Rename, Step, Unknown
from snapall.errors import Exit
from tests.backup.simulated import (
    CHAIN,
    JOB,
    Act,
    Stage,
    act_after,
    busy,
    once,
    quiesce_of,
    refuse,
    release_of,
)

R, P, S3, S4 = CHAIN
NIGHT = 86400
VM = Vm(110, "sql01", "esx1")
NAME = "Quiesce-20070322T030000Z"
ROW = VmSnapshot("snapshot-1228", 110, NAME)
QUIESCED = (
    Surveyed((), (VM,), (), (), ()),
    Intent(1, Quiesce(VM, NAME)),
    Answered(1, Done(ssid=ROW.ssid), 1.0),
)


def attempts(stage: Stage, vm: int) -> list[float]:
    """From now on: the moments of this VM's removals that another task stands in the way of."""
    moments: list[float] = []

    def refused(step: Step, act: Act) -> Outcome:
        moments.append(stage.clock.monotonic() - NIGHT)
        return busy(step, act)

    stage.site.fail(release_of(vm), refused)
    return moments


# Another task is in the way


def test_a_removal_in_the_way_of_another_task_is_tried_again_with_growing_pauses(stage: Stage) -> None:
    moments = attempts(stage, 108)
    stage.clock.later(NIGHT + 100, stage.site.faults.clear)
    report = stage.night()
    assert (report.exit, report.grade, report.published) == (Exit.OK, Grade.WHOLE, True)
    assert stage.site.rows == []
    pauses = [later - earlier for earlier, later in pairwise(moments)]
    assert pauses == [0, 1, 2, 4, 8, 16, 32]


def test_a_task_that_runs_for_hours_is_abandoned_after_a_limit(stage: Stage) -> None:
    moments = attempts(stage, 108)
    report = stage.night()
    assert report.exit is Exit.OUTSTANDING
    assert "vm-108" in report.outstanding[0]
    assert 900 < moments[-1] <= 960
    assert stage.clock.monotonic() <= NIGHT + 960
    waits = [what for what in stage.events if isinstance(what, Waiting)]
    assert any("web01 (vm-108): another task blocks the removal" in one.why for one in waits)
    stage.site.faults.clear()
    assert stage.recover() is Exit.OK
    assert stage.site.rows == []


def test_the_other_vms_and_the_rotation_do_not_wait_for_a_vm_with_another_task(stage: Stage) -> None:
    moments = attempts(stage, 108)
    done: dict[Step, float] = {}
    stage.site.after = lambda step: done.update({step: stage.clock.monotonic() - NIGHT})
    stage.night()
    renames = [moment for step, moment in done.items() if isinstance(step, Rename)]
    releases = [moment for step, moment in done.items() if release_of(110, 1226)(step)]
    assert len(renames) == 4
    assert len(releases) == 2
    assert max(renames + releases) == moments[0] == 0


def test_a_vm_with_another_task_is_tried_again_while_the_rotation_waits(stage: Stage) -> None:
    stage.site.volumes["v"][1] = replace(stage.site.volumes["v"][1], tags=("busy",))
    moments = attempts(stage, 108)
    stage.clock.later(NIGHT + 20, stage.site.faults.clear)
    released: list[float] = []

    def free(step: Step) -> None:
        if release_of(108)(step) and 108 not in {row.vm for row in stage.site.rows}:
            released.append(stage.clock.monotonic() - NIGHT)

    stage.site.after = free
    report = stage.night()
    assert (report.exit, report.published) == (Exit.PARTIAL, False)
    assert moments == [0, 0, 1, 3, 7, 15]
    assert released == [31]
    assert stage.clock.monotonic() - NIGHT >= JOB.busy_wait


def test_a_signal_shortens_the_wait_for_another_task(stage: Stage) -> None:
    attempts(stage, 108)
    stage.clock.later(NIGHT + 100, lambda: setattr(stage, "stop", True))
    assert stage.night().exit is Exit.OUTSTANDING
    assert stage.clock.monotonic() - NIGHT < 130
    assert stage.site.rows != []


def test_after_a_signal_a_removal_is_still_tried_again_for_a_moment(stage: Stage) -> None:
    stage.site.fail(release_of(108), busy)
    stage.site.after = lambda step: setattr(stage, "stop", True)
    stage.clock.later(NIGHT + 5, stage.site.faults.clear)
    assert stage.night().exit is Exit.STOPPED
    assert stage.site.rows == []


def test_a_removal_that_fails_for_another_reason_is_tried_three_times_in_a_run(stage: Stage) -> None:
    stage.site.fail(release_of(108), lambda step, act: Unknown("exit code 1", failed=True))
    assert stage.night().exit is Exit.OUTSTANDING
    assert sum(release_of(108)(step) for step in stage.site.asked) == 3
    assert stage.clock.monotonic() - NIGHT < 10


def test_the_rotation_comes_after_the_three_tries_of_a_removal_that_fails_at_once(stage: Stage) -> None:
    stage.site.fail(release_of(110), lambda step, act: Unknown("exit code 1", failed=True))
    stage.night()
    removals = [step.vm.id for step in stage.site.asked if isinstance(step, Release)]
    assert sorted(removals[:3]) == [108, 110, 1226]  # each VM has its turn before one has its second
    assert removals[3:] == [110, 110]
    last = max(place for place, step in enumerate(stage.site.asked) if isinstance(step, Release))
    assert min(place for place, step in enumerate(stage.site.asked) if isinstance(step, Rename)) > last
    assert stage.clock.monotonic() - NIGHT < 10


def test_the_rotation_does_not_wait_for_more_tries_of_a_removal_that_ran_into_its_timeout(stage: Stage) -> None:
    def slow(step: Step, act: Act) -> Outcome:
        stage.clock.push(120)
        return Unknown("no answer within 120 s")

    stage.site.fail(release_of(110), slow)
    stage.night()
    first = next(place for place, step in enumerate(stage.site.asked) if isinstance(step, Rename))
    assert sum(release_of(110)(step) for step in stage.site.asked[:first]) <= 2
    assert sum(release_of(110)(step) for step in stage.site.asked) == 3


def test_a_vm_with_another_task_since_last_night_does_not_delay_tonights_backup(stage: Stage) -> None:
    stage.site.fail(release_of(108), busy)
    assert stage.night().exit is Exit.OUTSTANDING
    captured: list[float] = []
    stage.site.after = lambda step: captured.append(stage.clock.monotonic()) if isinstance(step, Capture) else None
    before = stage.clock.monotonic() + NIGHT
    stage.clock.later(NIGHT + 300, stage.site.faults.clear)
    report = stage.night()
    assert captured == [before]
    assert (report.exit, report.outstanding) == (Exit.PARTIAL, ())
    assert stage.site.rows == []
    assert stage.store.open_runs() == []


# The database lags


def test_a_row_that_is_still_listed_after_its_removal_does_not_keep_the_rotation_waiting(stage: Stage) -> None:
    stage.site.fail(release_of(108), lambda step, act: Done("deleted"))
    stage.clock.later(NIGHT + 40, lambda: setattr(stage.site, "rows", []))
    renamed: list[float] = []
    stage.site.after = lambda step: renamed.append(stage.clock.monotonic()) if isinstance(step, Rename) else None
    assert stage.night().exit is Exit.OK
    assert renamed == [NIGHT] * 4
    assert sum(release_of(108)(step) for step in stage.site.asked) == 1


def test_a_row_that_appears_after_the_answer_changes_nothing(stage: Stage) -> None:
    stage.site.unlisted = {f"snapshot-{n}" for n in range(1228, 1231)}
    stage.site.after = lambda step: stage.site.unlisted.clear() if isinstance(step, Capture) else None
    assert stage.night().exit is Exit.OK
    assert stage.site.rows == []


def test_already_deleted_is_not_believed_while_the_snapshot_is_listed(stage: Stage) -> None:
    """The same words say that it is not completely created yet."""
    stage.site.rows = [ROW]
    stage.site.fail(release_of(110), lambda step, act: Done(already=True))
    child = Child(4001, 1.0)
    journal = stage.begun(*QUIESCED[:2], Started(1, child), Answered(1, Unknown("no answer within 960 s"), 960.0))
    stage.clock.later(20, stage.site.faults.clear)
    assert stage.recover() is Exit.OK
    assert stage.site.rows == []
    assert not stage.state_of(journal).open


# A removal that was never sent


def test_a_removal_whose_program_did_not_start_was_not_sent(stage: Stage) -> None:
    stage.site.fail(release_of(110), once(refuse("not started")))

    def steal(step: Step) -> None:
        if release_of(110)(step):
            stage.site.rows = [row for row in stage.site.rows if row.vm != 110]

    stage.site.after = steal
    report = stage.night()
    assert [one.vm.id for one in report.verdicts if one.state != "quiesced"] == [110]


# Unregistered


def unregistered_at(stage: Stage, when: type[Step], vm: int = 110) -> None:
    def strike(step: Step) -> None:
        if isinstance(step, when) and vm not in stage.site.unregistered:
            stage.site.unregister(vm)

    stage.site.after = strike


@pytest.mark.parametrize("order", Order)
def test_a_vm_that_is_unregistered_while_it_is_quiesced_is_named_with_what_is_to_be_done(
    tmp_path: Path, order: Order
) -> None:
    stage = Stage(tmp_path, replace(JOB, order=order, publish=Grade.CRASH_CONSISTENT))
    unregistered_at(stage, Capture)
    report = stage.night()
    assert (report.exit, report.grade, report.published) == (Exit.OUTSTANDING, Grade.PARTIAL, True)
    assert report.outstanding == (
        f"sql01 (vm-110): no longer registered, and {stage.job.vm_snapshot_of(report.stamp)} may be among its files",
    )
    assert "sql01 (vm-110): no longer registered" in " ".join(stage.failures)
    (verdict,) = (one for one in report.verdicts if one.vm.id == 110)
    assert (verdict.state, verdict.why) == ("not quiesced", "it was unregistered from VirtualCenter before its release")
    assert stage.site.rows == []
    assert stage.store.open_runs() == []
    assert stage.night().exit is Exit.OK


def test_recover_reports_an_unregistered_vm_once(stage: Stage) -> None:
    stage.site.rows = [ROW]
    stage.begun(*QUIESCED)
    stage.site.unregister(110)
    assert stage.recover() is Exit.OUTSTANDING
    assert "sql01 (vm-110): no longer registered" in stage.failures[-1]
    assert stage.recover() is Exit.OK
    assert sum(release_of(110)(step) for step in stage.site.asked) == 1


def test_the_next_run_reports_a_vm_unregistered_meanwhile_and_takes_its_backup(stage: Stage) -> None:
    stage.site.rows = [ROW]
    stage.begun(*QUIESCED)
    stage.site.unregister(110)
    report = stage.night()
    assert (report.exit, report.grade, report.published) == (Exit.OUTSTANDING, Grade.WHOLE, True)
    assert "sql01 (vm-110)" in report.outstanding[0]
    assert stage.store.open_runs() == []
    assert stage.night().exit is Exit.OK


def test_a_vm_that_is_unregistered_before_its_create_is_answered_may_have_a_snapshot(stage: Stage) -> None:
    def last(step: Step, act: Act) -> Outcome:
        act(step)
        stage.site.unregister(110)
        return Unknown("no answer")

    stage.site.fail(quiesce_of(110), last)
    report = stage.night()
    assert report.exit is Exit.OUTSTANDING
    assert "sql01 (vm-110): no longer registered" in " ".join(stage.failures)
    assert stage.store.open_runs() == []


def test_a_vm_unregistered_before_its_quiesce_raises_no_alarm(stage: Stage) -> None:
    def first(step: Step, act: Act) -> Outcome:
        stage.site.unregister(110)
        return act(step)

    stage.site.fail(quiesce_of(110), first)
    report = stage.night()
    assert (report.exit, report.grade, report.outstanding) == (Exit.PARTIAL, Grade.PARTIAL, ())
    assert "has already been deleted" in {one.vm.id: one.why for one in report.verdicts}[110]
    assert stage.store.open_runs() == []


def test_a_vm_that_only_the_database_lost_is_released_by_its_id(stage: Stage) -> None:
    stage.site.rows = [ROW]
    stage.site.vms = []
    stage.site.unlisted = {ROW.ssid}
    stage.begun(*QUIESCED)
    assert stage.recover() is Exit.OK
    assert stage.site.rows == []


def test_a_vm_is_not_given_up_while_the_database_is_down(stage: Stage) -> None:
    stage.site.rows = [ROW]
    stage.begun(*QUIESCED)
    stage.site.unregister(110)
    stage.site.database_down = True
    assert stage.recover(wait=False) is Exit.OUTSTANDING
    assert stage.store.open_runs() != []


# Moved


def test_a_vm_that_moves_to_another_host_is_reported_and_released_by_the_same_moref(stage: Stage) -> None:
    def moves(step: Step, act: Act) -> Outcome:
        stage.site.move(110, "esx2")
        return busy(step, act)

    stage.site.fail(release_of(110), once(moves))
    report = stage.night()
    assert (report.exit, report.grade) == (Exit.OK, Grade.WHOLE)
    assert stage.warnings.count("sql01 (vm-110) has moved from esx1 to esx2") == 1
    assert "not registered" not in " ".join(stage.failures)
    assert stage.site.rows == []


def test_a_vm_that_moved_while_its_create_is_unanswered_is_waited_for(stage: Stage) -> None:
    stage.site.fail(quiesce_of(110), once(act_after(stage.clock, 30)))
    stage.site.after = lambda step: stage.site.move(110, "esx2") if isinstance(step, Capture) else None
    report = stage.night()
    assert report.exit is Exit.OUTSTANDING
    assert "not registered" not in " ".join(stage.failures)
    assert stage.recover() is Exit.OK
    assert [step.vm.id for step in stage.site.ledger if isinstance(step, Release)].count(110) == 1
    assert stage.site.rows == []


def test_a_vm_that_moved_without_trouble_is_not_reported(stage: Stage) -> None:
    stage.night()
    stage.events.clear()
    stage.site.after = lambda step: stage.site.move(110, "esx2") if isinstance(step, Capture) else None
    assert stage.night().exit is Exit.OK
    assert stage.warnings == ""


def test_a_second_snapshot_of_our_name_is_tried_again_although_the_first_is_removed(stage: Stage) -> None:
    stage.site.rows = [ROW, replace(ROW, ssid="snapshot-77")]
    struck: list[Step] = []

    def fails(step: Step, act: Act) -> Outcome:
        if isinstance(step, Release) and step.ssid == "snapshot-77" and len(struck) < 2:
            struck.append(step)
            return Unknown("exit code 1", failed=True)
        return act(step)

    stage.site.fail(release_of(110), fails)
    stage.begun(*QUIESCED)
    assert stage.recover() is Exit.OK
    assert stage.site.rows == []
    assert stage.clock.monotonic() < 10
