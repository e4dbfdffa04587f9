"""What is read back of a run: its calls with their seconds, its end, and who took it up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.backup.adopt import Orphan, adopt
from snapall.backup.facts import Answered, Confirmed, Intent, Surveyed
from snapall.backup.model import Vm, VmSnapshot
from snapall.backup.outcome import NOT_QUIESCED, QUIESCED
from snapall.backup.record import Record
from snapall.backup.runstate import RunState
from snapall.backup.state import fold
from snapall.backup.steps import Capture, Done, Quiesce
from snapall.errors import ConfigError, Exit
from snapall.operate.history import past, run_named
from snapall.operate.reading import history
from snapall.operate.run_history import RunKind
from tests.backup.simulated import Stage, act_unanswered, capture_of, lose, once, quiesce_of, refuse, release_of
from tests.operate.slow_runs import CAPTURE, CREATE, REMOVE, run_history_of, slow_stage

SQL = Vm(110, "sql01", "esx1")
SURVEYED = Surveyed((), (SQL,), (), (), ())


def test_a_good_night_is_told_whole(stage: Stage) -> None:
    report = stage.night()
    run = run_history_of(stage)
    assert (run.kind, run.exit, run.published, run.quiesced, len(run.targets)) == (RunKind.NIGHT, 0, True, 3, 3)
    assert run.stamp == report.stamp
    assert run.ended is not None
    assert (run.left, run.settled, run.open) == ((), (), False)
    assert all(vm.released_at is not None and vm.state == QUIESCED for vm in run.vms)


def test_the_seconds_are_those_that_the_calls_took(tmp_path: Path) -> None:
    stage = slow_stage(tmp_path)
    stage.pace = replace(stage.pace, parallel=1)
    stage.night()
    run = run_history_of(stage)
    assert [(vm.create_seconds, vm.remove_seconds) for vm in run.vms] == [(CREATE, REMOVE)] * 3
    assert [one.call.seconds for one in run.captures] == [CAPTURE]
    assert run.window == pytest.approx(3 * CREATE + CAPTURE + 3 * REMOVE, abs=1)
    first = run.vms[0]
    assert first.quiesced_seconds == pytest.approx(2 * CREATE + CAPTURE + REMOVE, abs=1)


def test_a_vm_that_was_not_quiesced_says_why(stage: Stage) -> None:
    stage.site.fail(quiesce_of(110), refuse("too many snapshots"))
    stage.night()
    missed = [vm for vm in run_history_of(stage).vms if vm.state == NOT_QUIESCED]
    assert [vm.vm.id for vm in missed] == [110]
    assert "too many snapshots" in missed[0].why


def test_a_night_without_a_capture_has_no_backup(stage: Stage) -> None:
    stage.site.fail(capture_of(), refuse("No space left on device"))
    stage.night()
    run = run_history_of(stage)
    assert (run.backup, run.published, run.exit) == (None, False, Exit.FAILED)
    assert "No space left" in run.failure


def test_a_run_that_died_has_no_end_of_its_own_and_says_who_settled_it(stage: Stage) -> None:
    journal = stage.begun(SURVEYED, Intent(1, Quiesce(SQL, "Quiesce-20070322T030000Z")))
    assert stage.recover() is Exit.OK
    run = history(stage.store.read(journal.path))
    assert run is not None
    assert (run.ended, run.exit, run.backup) == (None, None, None)
    assert [one.by for one in run.settled] == ["recover"]
    assert run.left == ()


def test_before_it_is_settled_its_vms_are_named(stage: Stage) -> None:
    journal = stage.begun(SURVEYED, Intent(1, Quiesce(SQL, "Quiesce-20070322T030000Z")))
    run = history(stage.state_of(journal))
    assert run is not None
    assert (run.left, run.open) == (("sql01 (vm-110)",), True)


def test_what_others_released_later_is_no_part_of_the_runs_own_window(stage: Stage) -> None:
    journal = stage.begun(SURVEYED, Intent(1, Quiesce(SQL, "Quiesce-20070322T030000Z")))
    outcome = stage.site.perform(Quiesce(SQL, "Quiesce-20070322T030000Z"), lambda _: None)
    journal.append([Answered(1, outcome, CREATE)])
    journal.leave()
    stage.clock.push(3600)
    assert stage.recover() is Exit.OK
    run = history(stage.store.read(journal.path))
    assert run is not None
    (vm,) = run.vms
    assert (run.window, vm.create_seconds, vm.remove_seconds) == (None, CREATE, None)
    assert vm.released_at is not None
    assert vm.released_at > run.last


def test_a_vm_whose_release_was_not_answered_is_free_when_nothing_is_seen_on_it(stage: Stage) -> None:
    stage.site.fail(release_of(110), act_unanswered)
    stage.night()
    (vm,) = [one for one in run_history_of(stage).vms if one.vm.id == 110]
    assert vm.remove_seconds is None
    assert vm.released_at is not None
    assert vm.release is not None
    assert vm.released_at >= vm.release.sent


def test_the_removal_of_orphaned_snapshots_is_no_night(stage: Stage) -> None:
    stage.site.rows.append(VmSnapshot("snapshot-9", 110, "Quiesce", stage.clock.utc()))
    adopt(stage.job, stage.pace, stage.context, stage.store, [Orphan("vol1", SQL, stage.site.rows[0])])
    assert stage.site.rows == []
    assert run_history_of(stage).kind is RunKind.ADOPTION
    assert past(stage.store, "vol1").runs == ()


def test_a_capture_of_some_volumes_only_is_no_backup(stage: Stage) -> None:
    job = replace(stage.job, volumes=("v", "w"))
    name = job.temporary("20070322T030000Z")
    sent = Intent(1, Capture("v", name)), Intent(2, Capture("w", name))
    one = stage.begun(SURVEYED, *sent, Confirmed("v", name, "Mar 22 03:00"), job=job)
    both = history(fold((*one.records, Record(stage.clock.utc(), Confirmed("w", name, "Mar 22 03:00")))))
    run = history(fold(one.records))
    assert run is not None
    assert both is not None
    assert (run.backup, both.backup is not None) == (None, True)


def test_a_capture_that_was_sent_twice_counts_once(stage: Stage) -> None:
    stage.site.fail(capture_of(), once(lose))
    stage.night()
    run = run_history_of(stage)
    assert len(run.captures) == 1
    assert run.captures[0].confirmed is not None


def test_a_dead_runs_vm_was_quiesced_only_if_it_answered_before_the_capture(stage: Stage) -> None:
    name = "vmware_new_20070322T030000Z"
    facts = (
        SURVEYED,
        Intent(1, Quiesce(SQL, "Quiesce-x")),
        Answered(1, Done("SsId:snapshot-7", "snapshot-7"), 3.0),
        Intent(2, Quiesce(Vm(108, "web01", "esx1"), "Quiesce-x")),
        Intent(3, Capture("v", name)),
        Answered(2, Done("SsId:snapshot-8", "snapshot-8"), 9.0),
        Answered(3, Done("creating snapshot..."), 1.0),
        Confirmed("v", name, "Mar 22 03:00"),
    )
    journal = stage.begun()
    for fact in facts:
        stage.clock.push(1)
        journal.append([fact])
    journal.leave()
    run = history(stage.store.read(journal.path))
    assert run is not None
    assert {vm.vm.id: vm.state for vm in run.vms} == {110: QUIESCED, 108: NOT_QUIESCED}


def test_no_header_is_no_run() -> None:
    assert history(RunState()) is None


def test_a_named_backup_is_no_night(stage: Stage) -> None:
    stage.night(keep="before-upgrade")
    run = run_history_of(stage)
    assert (run.kind, run.backup is not None, run.published) == (RunKind.KEEP, True, False)
    assert past(stage.store, "vol1").runs == ()


def test_the_past_is_newest_first_and_as_long_as_is_asked(stage: Stage) -> None:
    stamps = [stage.night().stamp for _ in range(3)]
    assert [run.stamp for run in past(stage.store, "vol1").runs] == stamps[::-1]
    assert [run.stamp for run in past(stage.store, "vol1", 2).runs] == stamps[:0:-1]


def test_a_journal_that_cannot_be_read_is_named_and_hides_no_other(stage: Stage) -> None:
    first, second, third = (stage.night().stamp for _ in range(3))
    (stage.store.folder / f"vol1-{second}.jsonl").write_text("no journal\n{}\n")
    seen = past(stage.store, "vol1")
    assert [run.stamp for run in seen.runs] == [third, first]
    assert len(seen.unreadable) == 1
    assert second in seen.unreadable[0]


@pytest.mark.parametrize("which", ["", "vol1", "{last}", "vol1-{last}"])
def test_the_last_run_has_many_names(stage: Stage, which: str) -> None:
    stage.night()
    last = stage.night().stamp
    assert run_named(stage.store, which.format(last=last), ("vol1",)).stamp == last


def test_a_beginning_that_fits_one_run_is_enough(stage: Stage) -> None:
    first = stage.night().stamp
    stage.night()
    assert run_named(stage.store, first[:8], ("vol1",)).stamp == first


def test_a_beginning_that_fits_several_names_them(stage: Stage) -> None:
    stamps = [stage.night().stamp for _ in range(2)]
    with pytest.raises(ConfigError) as caught:
        run_named(stage.store, "2007", ("vol1",))
    assert all(stamp in caught.value.hint for stamp in stamps)


@pytest.mark.parametrize(("made", "wanted"), [(False, ""), (True, "1999"), (True, "vol2")])
def test_a_run_that_is_not_there_is_an_error_with_a_remedy(stage: Stage, made: bool, wanted: str) -> None:
    if made:
        stage.night()
    with pytest.raises(ConfigError) as caught:
        run_named(stage.store, wanted, ("vol1", "vol2"))
    assert caught.value.hint


@given(st.text(max_size=30))
def test_no_text_names_a_run_that_is_not_called_so(wanted: str) -> None:
    state = Path(__file__).parents[2] / "fixtures" / "nowhere"
    with pytest.raises(ConfigError):
        run_named(Stage(state).store, wanted, ("vol1",))
