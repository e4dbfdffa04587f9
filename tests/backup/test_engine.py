"""The nightly run on the in-memory site: what the world looks like afterwards, whatever went wrong."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from snapall.backup.facts import Surveyed, Warned
from snapall.backup.model import FilerSnapshot, Grade, Order, Policies, Vm, VmPolicy, VmSnapshot
from snapall.backup.run import BackupRun
from snapall.backup.steps import Capture, Delete, Done, Outcome, Quiesce, Release, Rename, Step, Unknown
from snapall.errors import Exit, Locked, SiteError
from tests.backup.simulated import (
    CHAIN,
    JOB,
    PACE,
    Act,
    Stage,
    act_unanswered,
    capture_of,
    deny,
    lose,
    once,
    quiesce_of,
    refuse,
    release_of,
)
from tests.platforms import loses_open_files
from tests.waiting import PATIENCE

R, P, S3, S4 = CHAIN
PAPER = replace(JOB, order=Order.PAPER, publish=Grade.CRASH_CONSISTENT)


def test_a_successful_run_backs_up_every_vm_and_shifts_the_chain(stage: Stage) -> None:
    report = stage.night()
    assert report.exit is Exit.OK
    assert stage.failures == []
    assert stage.site.rows == []
    assert stage.site.quiesced_at == {"vmware_new_20070323T030000Z": {108, 110, 1226}}
    assert stage.dates() == {
        R: "born vmware_new_20070323T030000Z 3",
        P: f"old {R}",
        S3: f"old {P}",
        S4: f"old {S3}",
    }
    assert report.grade is Grade.WHOLE
    assert report.published
    assert report.name == R


@pytest.mark.parametrize("busy", ["vmware_recent", "hourly.0"])
@pytest.mark.parametrize("first", ["vmware_recent", "hourly.0"])
def test_snapshots_of_one_minute_have_tags_of_their_own(stage: Stage, busy: str, first: str) -> None:
    rows = stage.site.volumes["v"]
    newest = next(row for row in rows if row.name == "vmware_recent")
    other = FilerSnapshot("hourly.0", newest.date)
    pair = [replace(row, tags=("busy", "LUNs") if row.name == busy else ()) for row in (newest, other)]
    rows[:] = sorted(pair, key=lambda row: row.name != first) + [row for row in rows if row is not newest]
    before = stage.dates()
    published = stage.night().published
    assert published is (busy == "hourly.0")
    assert (before.items() <= stage.dates().items()) is not published


def test_after_the_clock_was_set_back_a_newer_backup_is_still_the_newer_one(stage: Stage) -> None:
    rows = stage.site.volumes["v"]
    rows[3] = replace(rows[3], tags=("busy", "snapmirror"))
    first = stage.night().stamp
    stage.clock.moment -= timedelta(days=2)
    second = stage.night().stamp
    rows = stage.site.volumes["v"]
    stage.site.volumes["v"] = [replace(row, tags=()) for row in rows]
    assert (stage.night().exit, first < second) == (Exit.OK, True)
    births = [int(stage.dates()[name].rsplit(maxsplit=1)[-1]) for name in (R, P, S3)]
    assert births == sorted(births, reverse=True)


def test_a_pending_backup_that_newer_ones_have_overtaken_is_reported_and_left(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(JOB, volumes=("v", "w")))
    both, stage.job = stage.job, JOB
    rows = stage.site.volumes["v"]
    rows[3] = replace(rows[3], tags=("busy", "snapmirror"))
    overtaken = f"vmware_new_{stage.night().stamp}"
    stage.site.volumes["v"] = [replace(row, tags=()) for row in stage.site.volumes["v"]]
    stage.job = both  # for which a backup of one volume is none
    assert stage.night().exit is Exit.OK
    stage.job = JOB
    assert stage.night().exit is Exit.OK
    assert overtaken in stage.names()
    assert f"delete {overtaken} by hand" in stage.warnings
    births = [int(stage.dates()[name].rsplit(maxsplit=1)[-1]) for name in (R, P)]
    assert births == sorted(births, reverse=True)


def test_the_steps_of_a_run_are_those_of_its_plan(tmp_path: Path) -> None:
    for order in Order:
        stage = Stage(tmp_path / order, replace(PAPER, order=order), replace(Stage(tmp_path).pace, parallel=1))
        stage.night()
        surveyed = next(what for what in stage.events if isinstance(what, Surveyed))
        sent = [
            replace(step, ssid=f"<ssid of {step.vm.moref}>") if isinstance(step, Release) else step
            for step in stage.site.asked
        ]
        assert [str(step) for step in sent] == list(surveyed.commands)


def test_both_orders_end_in_the_same_state(tmp_path: Path) -> None:
    safe, paper = Stage(tmp_path / "safe"), Stage(tmp_path / "paper", PAPER)
    assert safe.night().exit is paper.night().exit is Exit.OK
    assert set(safe.names()) == set(paper.names()) == set(CHAIN)
    assert safe.dates()[P] == paper.dates()[P] == f"old {R}"


def test_the_paper_order_sends_what_the_batch_sends(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER, replace(Stage(tmp_path).pace, parallel=1))
    stage.night()
    kinds = [type(step).__name__ for step in stage.site.ledger]
    assert kinds == ["Delete", "Rename", "Rename", "Rename", *["Quiesce"] * 3, "Capture", *["Release"] * 3]
    assert {step.name for step in stage.site.ledger if isinstance(step, Quiesce)} == {"Quiesce"}


def test_a_vm_that_cannot_be_quiesced_is_named_and_the_backup_is_partial(stage: Stage) -> None:
    stage.site.fail(quiesce_of(110), refuse("not started"))
    report = stage.night()
    assert (report.exit, report.grade, report.published) == (Exit.PARTIAL, Grade.PARTIAL, True)
    assert [(v.vm.id, v.state, v.why) for v in report.verdicts if v.why] == [(110, "not quiesced", "not started")]
    assert stage.site.rows == []


def test_four_runs_without_a_quiesced_vm_push_out_no_better_backup(stage: Stage) -> None:
    stage.site.fail(quiesce_of(), refuse("VirtualCenter is down"))
    for _ in range(4):
        report = stage.night()
        assert (report.exit, report.grade, report.published) == (Exit.PARTIAL, Grade.CRASH_CONSISTENT, False)
        assert stage.names() == [report.name, *CHAIN]  # of those that wait only the newest one is kept
    assert all(stage.dates()[name] == f"old {name}" for name in CHAIN)
    stage.site.faults.clear()
    assert stage.night().exit is Exit.OK
    assert set(stage.names()) == set(CHAIN)


def test_an_empty_datastore_is_refused(stage: Stage) -> None:
    stage.site.vms = []
    assert stage.night().exit is Exit.FAILED
    assert stage.site.asked == []
    assert "688" in stage.failures[0]


def test_an_empty_datastore_may_be_allowed(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(JOB, allow_empty=True))
    stage.site.vms = []
    assert stage.night().exit is Exit.OK


def test_a_busy_name_leaves_the_backup_pending_and_later_runs_publish_it(stage: Stage) -> None:
    stage.site.volumes["v"][2] = replace(stage.site.volumes["v"][2], tags=("busy", "LUNs"))
    first = stage.night()
    assert (first.exit, first.published) == (Exit.PARTIAL, False)
    assert "busy" in stage.failures[0]
    assert stage.clock.monotonic() >= 86400 + JOB.busy_wait
    second = stage.night()
    assert (second.exit, second.published) == (Exit.PARTIAL, False)
    stage.site.volumes["v"] = [replace(row, tags=()) for row in stage.site.volumes["v"]]
    assert stage.night().exit is Exit.OK
    born = [stage.dates()[name] for name in CHAIN]
    assert [date.split()[1] for date in born[:3]] == [
        "vmware_new_" + day for day in sorted((d.split("_")[2].split()[0] for d in born[:3]), reverse=True)
    ]
    assert born[3] == f"old {R}"


def test_filer_connections_are_opened_before_capture_and_confirmation(stage: Stage) -> None:
    opened = threading.Semaphore(0)

    def fails() -> None:
        opened.release()
        raise SiteError("filer1 does not answer", "see its network")

    stage.site.on_preconnect = fails
    assert stage.night().exit is Exit.OK
    assert opened.acquire(timeout=PATIENCE)
    assert opened.acquire(timeout=PATIENCE)
    assert not opened.acquire(blocking=False)


def test_a_name_that_is_let_go_in_time_is_waited_for(stage: Stage) -> None:
    stage.site.volumes["v"][3] = replace(stage.site.volumes["v"][3], tags=("snapmirror",))

    def let_go() -> None:
        if stage.clock.monotonic() > 86400 + 60:
            stage.site.volumes["v"] = [replace(row, tags=()) for row in stage.site.volumes["v"]]

    stage.site.on_listing = let_go
    assert stage.night().exit is Exit.OK


def test_paper_order_with_a_busy_name_captures_under_a_unique_name(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    stage.site.volumes["v"][1] = replace(stage.site.volumes["v"][1], tags=("busy",))
    report = stage.night()
    assert (report.exit, report.published) == (Exit.PARTIAL, False)
    assert all(stage.dates()[name] == f"old {name}" for name in CHAIN)
    stage.site.volumes["v"] = [replace(row, tags=()) for row in stage.site.volumes["v"]]
    assert stage.night().exit is Exit.OK
    assert [stage.dates()[name].split()[0] for name in CHAIN] == ["born", "born", "old", "old"]


def test_a_refused_capture_keeps_every_retained_backup(tmp_path: Path) -> None:
    for order in Order:
        stage = Stage(tmp_path / order, replace(PAPER, order=order))
        stage.site.fail(capture_of(), deny("No space left on device"))
        assert stage.night().exit is Exit.FAILED
        assert stage.site.rows == []
        assert "No space left" in stage.failures[0]
        expected = {name: f"old {name}" for name in CHAIN}
        if order is Order.PAPER:
            del expected[S4]
        assert stage.dates() == expected


def test_a_lost_create_that_happened_is_found_and_used(stage: Stage) -> None:
    stage.site.fail(capture_of(), act_unanswered)
    assert stage.night().exit is Exit.OK
    assert sum(isinstance(step, Capture) for step in stage.site.asked) == 1


def test_a_lost_create_that_did_not_happen_is_sent_once_more_under_the_same_name(stage: Stage) -> None:
    stage.site.fail(capture_of(), once(lose))
    assert stage.night().exit is Exit.OK
    names = {step.name for step in stage.site.asked if isinstance(step, Capture)}
    assert len(names) == 1


def test_a_create_that_is_lost_twice_is_not_sent_a_third_time(stage: Stage) -> None:
    stage.site.fail(capture_of(), lose)
    assert stage.night().exit is Exit.FAILED
    assert sum(isinstance(step, Capture) for step in stage.site.asked) == 2
    assert stage.dates() == {name: f"old {name}" for name in CHAIN}
    assert stage.site.rows == []


def test_a_capture_confirmed_only_after_the_release_is_crash_consistent(tmp_path: Path) -> None:
    stage = Stage(tmp_path, pace=replace(PACE, parallel=3))
    go = threading.Event()

    def slow(step: Step, act: Act) -> Outcome:
        stage.clock.push(10)
        assert go.wait(PATIENCE)
        return act(step)

    stage.site.fail(capture_of(), slow)
    stage.site.after = lambda step: go.set() if isinstance(step, Release) else None
    report = stage.night()
    assert (report.exit, report.grade, report.published) == (Exit.PARTIAL, Grade.CRASH_CONSISTENT, False)
    assert {v.state for v in report.verdicts} == {"not quiesced"}
    assert all(stage.dates()[name] == f"old {name}" for name in CHAIN)


def test_a_must_that_is_not_quiesced_means_no_capture(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(JOB, policies=Policies((("SQL01", VmPolicy.MUST),))))
    stage.site.fail(quiesce_of(110), lose)
    assert stage.night().exit is Exit.OUTSTANDING  # what was asked of it may still act
    assert not any(isinstance(step, Capture) for step in stage.site.asked)
    assert "sql01" in " ".join(stage.failures)
    assert stage.site.rows == []


def test_a_must_without_a_printed_id_is_looked_for_before_the_capture(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(JOB, policies=Policies((("*", VmPolicy.MUST),))))
    stage.site.fail(quiesce_of(110), lambda step, act: (act(step), Unknown("no SsId", claimed=True))[1])
    assert stage.night().exit is Exit.OK


def test_a_missing_must_is_refused_before_anything(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(JOB, policies=Policies((("gone", VmPolicy.MUST),))))
    assert stage.night().exit is Exit.FAILED
    assert stage.site.asked == []


def test_a_skipped_vm_is_neither_quiesced_nor_counted(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(JOB, policies=Policies((("web*", VmPolicy.SKIP),))))
    report = stage.night()
    assert (report.exit, report.grade) == (Exit.OK, Grade.WHOLE)
    assert {step.vm.id for step in stage.site.asked if isinstance(step, Quiesce)} == {110, 1226}


def test_a_vm_with_too_many_snapshots_is_left_alone(stage: Stage) -> None:
    stage.site.rows = [VmSnapshot(f"snapshot-{n}", 110, "old") for n in range(31)]
    report = stage.night()
    assert (report.exit, report.grade) == (Exit.PARTIAL, Grade.PARTIAL)
    assert len(stage.site.rows) == 31


def test_no_free_slot_on_the_volume_is_refused(stage: Stage) -> None:
    stage.site.volumes["v"] += [FilerSnapshot(f"x{n}", "d") for n in range(251)]
    assert stage.night().exit is Exit.FAILED
    assert stage.site.asked == []


def test_a_quiesce_without_an_id_is_found_by_its_name_and_released(stage: Stage) -> None:
    stage.site.fail(quiesce_of(110), lambda step, act: (act(step), Unknown("no SsId", claimed=True))[1])
    report = stage.night()
    assert (report.exit, report.grade) == (Exit.OK, Grade.WHOLE)
    assert stage.site.rows == []


def test_a_quiesce_without_an_answer_that_is_listed_before_the_capture_counts(stage: Stage) -> None:
    stage.site.fail(quiesce_of(110), act_unanswered)
    report = stage.night()
    assert (report.exit, report.grade) == (Exit.OK, Grade.WHOLE)
    assert stage.site.quiesced_at[f"vmware_new_{report.stamp}"] == {108, 110, 1226}
    assert stage.site.rows == []


def test_a_quiesce_without_an_answer_that_is_listed_only_after_the_capture_is_released_and_not_counted(
    stage: Stage,
) -> None:
    stage.site.fail(quiesce_of(110), act_unanswered)
    stage.site.unlisted = {"snapshot-1228", "snapshot-1229", "snapshot-1230"}
    stage.site.after = lambda step: stage.site.unlisted.clear() if isinstance(step, Capture) else None
    report = stage.night()
    assert (report.exit, report.grade) == (Exit.PARTIAL, Grade.PARTIAL)
    assert [one.vm.id for one in report.verdicts if one.state != "quiesced"] == [110]
    assert stage.site.rows == []


def test_a_quiesce_reported_as_failed_raises_no_alarm_once_the_database_lists_nothing(stage: Stage) -> None:
    stage.site.fail(quiesce_of(110), once(lambda step, act: Unknown("exit code 1", failed=True)))
    report = stage.night()
    assert (report.exit, report.outstanding) == (Exit.PARTIAL, ())
    assert "vm-110" in report.watched[0]
    stage.site._act(Quiesce(Vm(110), f"Quiesce-{report.stamp}"))  # VirtualCenter made it all the same
    assert stage.night().exit is Exit.OK
    assert stage.site.rows == []


def test_a_failed_quiesce_raises_an_alarm_while_the_database_is_down(stage: Stage) -> None:
    def down(step: Step) -> None:
        stage.site.database_down = stage.site.database_down or isinstance(step, Capture)

    stage.site.after = down
    stage.site.fail(quiesce_of(110), lambda step, act: Unknown("exit code 1", failed=True))
    report = stage.night()
    assert report.exit is Exit.OUTSTANDING
    assert len(report.outstanding) == 1
    assert len(report.watched) == 1


def test_a_quiesce_that_may_still_act_is_outstanding_until_it_is_settled(stage: Stage) -> None:
    stage.site.fail(quiesce_of(110), lose)
    report = stage.night()
    assert report.exit is Exit.OUTSTANDING
    assert "vm-110" in report.outstanding[0]
    late = Quiesce(Vm(110), "Quiesce-20070323T030000Z")
    stage.site._act(late)
    assert [row.vm for row in stage.site.rows] == [110]
    assert stage.recover() is Exit.OK
    assert stage.site.rows == []
    assert stage.store.open_runs() == []


def test_recover_waits_until_a_late_snapshot_can_no_longer_appear(stage: Stage) -> None:
    stage.site.fail(quiesce_of(110), lose)
    stage.night()
    before = stage.clock.monotonic()
    assert stage.recover(wait=False) is Exit.OUTSTANDING
    assert stage.clock.monotonic() == before
    assert stage.recover() is Exit.OK
    assert stage.clock.monotonic() - before >= stage.pace.settle


def test_recover_waits_for_a_program_that_still_runs(stage: Stage) -> None:
    stage.site.fail(quiesce_of(110), lose)
    stage.site.after = lambda step: stage.site.children.update(range(4000, 4100)) if quiesce_of(110)(step) else None
    stage.night()
    assert stage.recover() is Exit.OUTSTANDING
    assert "sql01 (vm-110)" in stage.failures[-1]
    stage.site.children = set()
    assert stage.recover() is Exit.OK


def test_the_next_run_does_not_quiesce_a_vm_with_outstanding_work(stage: Stage) -> None:
    stage.site.fail(quiesce_of(110), once(lose))
    stage.night()
    stage.clock.push(-86400)
    report = stage.night()
    assert report.exit is Exit.OUTSTANDING
    assert report.grade is Grade.PARTIAL
    assert sum(isinstance(s, Quiesce) and s.vm.id == 110 for s in stage.site.asked) == 1


def test_the_next_run_settles_what_the_last_one_left(stage: Stage) -> None:
    stage.site.fail(release_of(108), once(lambda s, a: Unknown("another task is in progress")))
    stage.site.fail(release_of(108), lose)
    stage.site.faults = [(release_of(108), lose)]
    assert stage.night().exit is Exit.OUTSTANDING
    assert [row.vm for row in stage.site.rows] == [108]
    stage.site.faults.clear()
    assert stage.night().exit is Exit.OK
    assert stage.site.rows == []


def test_a_refused_removal_is_tried_again_at_the_end_of_the_run(stage: Stage) -> None:
    stage.site.fail(release_of(108), once(lambda s, a: Unknown("another task is in progress")))
    assert stage.night().exit is Exit.OK
    assert stage.site.rows == []


def test_one_failing_removal_does_not_keep_the_others_quiesced(stage: Stage) -> None:
    def explode(step: Step, act: Act) -> Outcome:
        raise RuntimeError("a defect")

    stage.site.fail(release_of(108), explode)
    report = stage.night()
    assert report.exit is Exit.OUTSTANDING
    assert [row.vm for row in stage.site.rows] == [108]
    assert "a defect" in " ".join(stage.failures)
    assert "Traceback" in " ".join(stage.failures)


def test_with_the_database_down_after_the_capture_the_printed_ids_serve(stage: Stage) -> None:
    def down(step: Step) -> None:
        if isinstance(step, Capture):
            stage.site.database_down = True

    stage.site.after = down
    report = stage.night()
    assert report.exit is Exit.PARTIAL
    assert stage.site.rows == []
    assert report.outstanding == ()
    assert all(f"vm-{vm}" in report.watched[0] for vm in (108, 110, 1226))
    assert report.published
    stage.site.database_down = False
    assert stage.recover() is Exit.OK
    assert stage.store.open_runs() == []


def test_recover_with_the_database_down_says_that_nothing_is_confirmed(stage: Stage) -> None:
    def down(step: Step) -> None:
        stage.site.database_down = stage.site.database_down or isinstance(step, Release)

    stage.site.after = down
    stage.night()
    assert stage.recover() is Exit.PARTIAL


def test_a_row_that_outlives_its_removal_is_an_alarm(stage: Stage) -> None:
    stage.site.fail(release_of(108), lambda step, act: Done("deleted"))
    report = stage.night()
    assert report.exit is Exit.OUTSTANDING
    assert stage.clock.monotonic() >= 86400 + stage.pace.settle


def test_a_row_that_vanishes_a_little_later_raises_no_alarm(stage: Stage) -> None:
    stage.site.fail(release_of(108), lambda step, act: Done("deleted"))
    wait = stage.clock.wait

    def later(seconds: float, until: object) -> None:
        stage.site.rows = []
        wait(seconds, lambda: False)

    stage.clock.wait = later  # type: ignore[method-assign]
    assert stage.night().exit is Exit.OK


def test_a_vm_whose_snapshot_someone_else_removed_does_not_count_as_quiesced(stage: Stage) -> None:
    def steal(step: Step) -> None:
        if isinstance(step, Capture):
            stage.site.rows = [row for row in stage.site.rows if row.vm != 110]

    stage.site.after = steal
    report = stage.night()
    assert report.grade is Grade.PARTIAL
    assert [v.vm.id for v in report.verdicts if v.state != "quiesced"] == [110]
    assert stage.store.open_runs() == []


def test_a_signal_while_quiescing_releases_and_captures_nothing(stage: Stage) -> None:
    stage.site.after = lambda step: setattr(stage, "stop", True)
    report = stage.night()
    assert report.exit is Exit.STOPPED
    assert not any(isinstance(step, Capture) for step in stage.site.asked)
    assert stage.site.rows == []
    assert stage.dates() == {name: f"old {name}" for name in CHAIN}


def test_a_signal_after_the_confirmation_lets_release_and_rotation_finish(stage: Stage) -> None:
    stage.site.after = lambda step: setattr(stage, "stop", stage.stop or isinstance(step, Release))
    assert stage.night().exit is Exit.OK
    assert stage.dates()[P] == f"old {R}"


def test_a_signal_during_the_capture_releases_at_once(stage: Stage) -> None:
    go = threading.Event()

    def slow(step: Step, act: Act) -> Outcome:
        stage.stop = True
        assert go.wait(PATIENCE)
        return act(step)

    stage.site.fail(capture_of(), slow)
    stage.site.after = lambda step: go.set() if isinstance(step, Release) else None
    report = stage.night()
    assert report.exit is Exit.STOPPED
    assert stage.site.rows == []
    assert all(stage.dates()[name] == f"old {name}" for name in CHAIN)


def test_a_signal_before_the_survey_changes_nothing(stage: Stage) -> None:
    stage.stop = True
    assert stage.night().exit is Exit.STOPPED
    assert stage.site.asked == []


def test_a_signal_in_paper_order_puts_the_names_back(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    stage.site.after = lambda step: setattr(stage, "stop", stage.stop or isinstance(step, Quiesce))
    assert stage.night().exit is Exit.STOPPED
    assert stage.dates() == {name: f"old {name}" for name in (R, P, S3)}


def test_a_rotation_that_fails_half_way_in_paper_order_is_renamed_back(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    stage.site.fail(lambda step: isinstance(step, Rename) and step.old == P, once(deny("odd")))
    assert stage.night().exit is Exit.FAILED
    assert stage.dates() == {name: f"old {name}" for name in (R, P, S3)}
    assert not any(isinstance(step, Quiesce) for step in stage.site.asked)


def test_when_the_time_is_over_the_capture_is_taken_with_those_that_are_quiesced(stage: Stage) -> None:
    go = threading.Event()

    def hang(step: Step, act: Act) -> Outcome:
        stage.clock.push(1000)
        assert go.wait(PATIENCE)
        return act(step)

    stage.site.fail(quiesce_of(1226), hang)
    stage.site.after = lambda step: go.set() if isinstance(step, Release) else None
    report = stage.night()
    assert report.grade is Grade.PARTIAL
    assert stage.site.quiesced_at[f"vmware_new_{report.stamp}"] <= {108, 110}
    assert stage.site.rows == []  # what was answered late is released at the end


def test_two_volumes_are_captured_while_all_vms_are_quiesced(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(JOB, volumes=("v", "w")))
    report = stage.night()
    assert report.exit is Exit.OK
    assert stage.dates("v")[P] == stage.dates("w")[P] == f"old {R}"
    assert all(quiesced == {108, 110, 1226} for quiesced in stage.site.quiesced_at.values())


def test_one_failing_volume_leaves_every_chain_as_it_was(tmp_path: Path) -> None:
    for order in Order:
        stage = Stage(tmp_path / order, replace(PAPER, order=order, volumes=("v", "w")))
        stage.site.fail(capture_of("w"), deny("No space left on device"))
        assert stage.night().exit is Exit.FAILED
        expected = {name: f"old {name}" for name in CHAIN}
        if order is Order.PAPER:
            del expected[S4]
        assert stage.dates("v") == stage.dates("w") == expected
        assert stage.store.open_runs() == []


def test_a_kept_backup_stays_outside_the_chain(stage: Stage) -> None:
    report = stage.night(keep="before_sp3")
    assert (report.exit, report.name) == (Exit.OK, "before_sp3")
    assert stage.names() == ["before_sp3", *CHAIN]
    assert all(stage.dates()[name] == f"old {name}" for name in CHAIN)
    assert stage.night().exit is Exit.OK
    assert "before_sp3" in stage.names()


def test_a_kept_name_that_already_exists_is_refused(stage: Stage) -> None:
    assert stage.night(keep=P).exit is Exit.FAILED
    assert stage.site.asked == []


def test_the_database_down_at_the_survey_changes_nothing(stage: Stage) -> None:
    stage.site.database_down = True
    assert stage.night().exit is Exit.FAILED
    assert stage.site.asked == []
    assert stage.store.open_runs() == []


def test_another_run_of_the_job_is_refused(stage: Stage) -> None:
    seen: list[str] = []

    def second(step: Step) -> None:
        if isinstance(step, Capture):
            with pytest.raises(Locked, match="another run"):
                BackupRun(stage.job, stage.pace, stage.context, stage.store).run()
            seen.append("refused")

    stage.site.after = second
    assert stage.night().exit is Exit.OK
    assert seen == ["refused"]


@loses_open_files
def test_a_journal_that_cannot_be_written_stops_the_run_and_releases(stage: Stage) -> None:
    def vanish(step: Step) -> None:
        if isinstance(step, Quiesce):
            for path in (stage.state / "journals").glob("*.jsonl"):
                path.unlink()

    stage.site.after = vanish
    assert stage.night().exit is Exit.FAILED
    assert stage.site.rows == []
    assert not any(isinstance(step, Capture) for step in stage.site.asked)
    assert "journal" in stage.failures[0]


def test_a_listener_that_raises_delays_nothing(stage: Stage) -> None:
    def raises(event: object) -> None:
        raise SystemExit(1)

    stage.listen = raises  # type: ignore[method-assign, assignment]
    assert stage.night().exit is Exit.OK
    assert stage.site.rows == []


def test_a_stranger_that_looks_like_ours_is_reported_and_left(stage: Stage) -> None:
    stage.site.rows.append(VmSnapshot("snapshot-7", 108, "Quiesce"))
    stage.site.volumes["v"].append(FilerSnapshot("vmware_new_20070101T030000Z", "Jan 01 03:00"))
    stage.site.volumes["v"].append(FilerSnapshot("vmware_snap5", "Jan 01 03:00"))
    assert stage.night().exit is Exit.OK
    warnings = " ".join(what.text for what in stage.events if isinstance(what, Warned))
    for name in ("snapshot-7", "vmware_new_20070101T030000Z", "vmware_snap5"):
        assert name in warnings
    assert [row.ssid for row in stage.site.rows] == ["snapshot-7"]
    assert {"vmware_new_20070101T030000Z", "vmware_snap5"} <= set(stage.names())


def test_a_chain_that_another_script_turned_is_a_warning(stage: Stage) -> None:
    stage.night()
    stage.site.volumes["v"][0] = FilerSnapshot(R, "by the old batch")
    stage.night()
    assert any("old batch" in what.text for what in stage.events if isinstance(what, Warned))


def test_another_virtualcenter_is_refused_by_name(stage: Stage) -> None:
    stage.site.fail(release_of(108), lose)
    stage.night()
    stage.site.vcenter = "vc02"
    assert stage.recover() is Exit.OUTSTANDING
    assert "on VirtualCenter vc01, but the configuration names vc02" in " ".join(stage.failures)
    assert [row.vm for row in stage.site.rows] == [108]


def test_a_lost_rename_is_settled_by_looking(stage: Stage) -> None:
    stage.site.fail(lambda step: isinstance(step, Rename), act_unanswered)
    assert stage.night().exit is Exit.OK


def test_a_rename_that_did_not_happen_leaves_the_rest_to_the_next_run(stage: Stage) -> None:
    stage.site.fail(lambda step: isinstance(step, Rename) and step.old == P, once(lose))
    report = stage.night()
    assert (report.exit, report.published) == (Exit.PARTIAL, False)
    assert len(stage.names()) == 4
    moves = [step for step in stage.site.asked if isinstance(step, Rename | Delete)]
    assert moves == [Delete("v", S4), Rename("v", S3, S4), Rename("v", P, S3)]  # none after the one that failed
    assert stage.recover() is Exit.OK
    assert stage.dates()[P] == f"old {R}"
    assert set(stage.names()) == {R, P, S3, S4}


def test_a_list_that_changed_since_the_survey_is_planned_again(stage: Stage) -> None:
    def remove(step: Step) -> None:
        if isinstance(step, Capture):
            stage.site.volumes["v"] = [row for row in stage.site.volumes["v"] if row.name != S3]

    stage.site.after = remove
    assert stage.night().exit is Exit.OK
    assert not any(isinstance(step, Delete) for step in stage.site.ledger)
    assert any("planned again" in what.text for what in stage.events if isinstance(what, Warned))
