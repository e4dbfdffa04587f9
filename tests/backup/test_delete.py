"""`delete`: a backup that `run --keep` made, by its name and date, and nothing else on the filer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from snapall.backup.delete import delete
from snapall.backup.facts import Intent
from snapall.backup.model import FilerSnapshot
from snapall.backup.queries import left_quiesced
from snapall.backup.steps import Capture, Delete, Done, Step
from snapall.errors import Exit, Locked, Refused
from tests.backup.simulated import (
    JOB,
    PACE,
    Fault,
    Stage,
    act_after,
    act_unanswered,
    deny,
    lose,
    once,
    quiesce_of,
    refuse,
)

NAME = "before-upgrade"


def kept(stage: Stage) -> Stage:
    """A night in the chain, a kept backup, another night."""
    stage.night()
    assert stage.night(keep=NAME).exit is Exit.OK
    stage.night()
    stage.events.clear()
    stage.site.asked.clear()
    return stage


def two_volumes(stage: Stage) -> Stage:
    return Stage(stage.state, replace(JOB, volumes=("v", "w")))


def delete_it(stage: Stage, name: str = NAME) -> Exit:
    return delete(stage.job, name, PACE, stage.context, stage.store)


def deletion_of(volume: str = "v") -> Callable[[Step], bool]:
    return lambda step: step == Delete(volume, NAME)


def test_a_kept_backup_is_deleted_and_nothing_else(stage: Stage) -> None:
    before = kept(stage).dates()
    assert delete_it(stage) is Exit.OK
    assert stage.site.asked == [Delete("v", NAME)]
    assert stage.dates() == {name: date for name, date in before.items() if name != NAME}
    assert stage.failures == []


def test_the_intent_stands_in_a_journal_of_its_own_before_the_command_is_sent(stage: Stage) -> None:
    kept(stage)
    seen: list[bool] = []
    stage.site.after = lambda _: seen.append(
        "before-upgrade" in newest_lines(stage) and "Intent" in newest_lines(stage)
    )
    assert delete_it(stage) is Exit.OK
    assert seen == [True]


def newest_lines(stage: Stage) -> str:
    return max(stage.store.folder.iterdir()).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["vmware_recent", "hourly.0", "before_upgrade"])
def test_what_no_run_kept_is_never_deleted(stage: Stage, name: str) -> None:
    kept(stage).site.volumes["v"].append(FilerSnapshot("hourly.0", "d"))
    with pytest.raises(Refused):
        delete_it(stage, name)
    assert stage.site.asked == []


def test_a_name_that_left_the_chain_is_not_a_kept_one(stage: Stage) -> None:
    kept(stage)
    stage.job = replace(JOB, chain=JOB.chain[:2])
    with pytest.raises(Refused):
        delete_it(stage, "vmware_snap3")
    assert stage.site.asked == []


def test_another_snapshot_of_the_same_name_is_left_alone(stage: Stage) -> None:
    rows = kept(stage).site.volumes["v"]
    rows[:] = [replace(row, date="Apr 01 12:00") if row.name == NAME else row for row in rows]
    with pytest.raises(Refused):
        delete_it(stage)
    assert stage.site.asked == []


def test_a_list_that_changes_at_the_last_moment_stops_it(stage: Stage) -> None:
    """The list that counts is the one read under the journal, just before the command."""
    rows, looks = kept(stage).site.volumes["v"], [0]

    def replaced() -> None:
        looks[0] += 1
        if looks[0] == 2:
            rows[:] = [replace(row, date="Apr 01 12:00") if row.name == NAME else row for row in rows]

    stage.site.on_listing = replaced
    assert delete_it(stage) is Exit.FAILED
    assert stage.site.asked == []
    assert "another snapshot now, dated Apr 01 12:00" in stage.failures[0]


def test_a_busy_one_is_refused_on_all_volumes(stage: Stage) -> None:
    stage = kept(two_volumes(stage))
    stage.site.volumes["w"] = [
        replace(row, tags=("busy", "LUNs")) if row.name == NAME else row for row in stage.site.volumes["w"]
    ]
    assert delete_it(stage) is Exit.FAILED
    assert stage.site.asked == []
    assert stage.failures == [f"{NAME} on w is in use on the filer (busy, LUNs): nothing was deleted"]


def test_it_is_deleted_on_every_volume(stage: Stage) -> None:
    stage = kept(two_volumes(stage))
    assert delete_it(stage) is Exit.OK
    assert stage.site.asked == [Delete("v", NAME), Delete("w", NAME)]


def test_the_rest_of_a_deletion_that_failed_halfway_can_be_deleted_again(stage: Stage) -> None:
    stage = kept(two_volumes(stage))
    stage.site.fail(deletion_of("w"), once(deny("no")))
    assert delete_it(stage) is Exit.FAILED
    assert stage.failures == [f"{NAME} on w is still listed: no"]
    stage.site.faults.clear()
    assert delete_it(stage) is Exit.OK
    assert NAME not in stage.names("w")


@pytest.mark.parametrize("fault", [act_unanswered, once(lambda step, act: (act(step), deny("what?")(step, act))[1])])
def test_a_deletion_whose_answer_is_lost_or_wrong_is_settled_by_the_list(stage: Stage, fault: Fault) -> None:
    kept(stage).site.fail(deletion_of(), fault)
    assert delete_it(stage) is Exit.OK
    assert NAME not in stage.names()
    assert stage.store.open_runs() == []


@pytest.mark.parametrize("fault", [lose, deny("no"), refuse("down")])
def test_a_deletion_that_did_not_happen_is_a_failure(stage: Stage, fault: Fault) -> None:
    kept(stage).site.fail(deletion_of(), fault)
    assert delete_it(stage) is Exit.FAILED
    assert NAME in stage.names()
    assert len(stage.failures) == 1
    assert stage.site.asked == [Delete("v", NAME)]


def test_the_filer_that_reports_success_and_does_nothing_is_not_believed(stage: Stage) -> None:
    kept(stage).site.fail(deletion_of(), lambda _step, _act: Done("deleting snapshot..."))
    assert delete_it(stage) is Exit.FAILED
    assert f"{NAME} on v is still listed" in stage.failures[0]


def test_after_a_kill_recover_finds_out_whether_it_was_deleted(stage: Stage) -> None:
    kept(stage)
    stage.site.fail(deletion_of(), act_after(stage.clock, 2))
    stage.killed(lambda: delete_it(stage), lambda what: isinstance(what, Intent))
    assert len(stage.store.open_runs()) == 1
    stage.site.faults.clear()
    stage.site.asked.clear()
    assert stage.recover() is Exit.OK
    assert stage.site.asked == []
    assert stage.store.open_runs() == []


def test_a_signal_before_the_command_stops_it_and_recover_does_not_make_up_for_it(stage: Stage) -> None:
    kept(stage)
    looks = [0]

    def second() -> None:
        looks[0] += 1
        if looks[0] == 2:
            stage.stop = True

    stage.site.on_listing = second
    assert delete_it(stage) is Exit.STOPPED
    stage.stop = False
    assert stage.site.asked == []
    assert stage.recover() is Exit.OK
    assert stage.site.asked == []
    assert NAME in stage.names()


def test_nothing_is_deleted_while_a_run_of_the_job_is_not_settled(stage: Stage) -> None:
    kept(stage).site.fail(quiesce_of(110), lose)
    stage.night()
    stage.site.asked.clear()
    with pytest.raises(Refused, match="is unfinished"):
        delete_it(stage)
    assert stage.site.asked == []


def test_it_takes_the_jobs_lock(stage: Stage) -> None:
    kept(stage)
    with stage.store.lock("vol1", "run", lambda: False, lambda *_: None), pytest.raises(Locked):
        delete_it(stage)
    assert stage.site.asked == []


def test_later_runs_go_on_as_if_it_had_never_been(stage: Stage) -> None:
    kept(stage)
    delete_it(stage)
    known = stage.store.known("vol1")
    assert {one.name for one in known} == {"vmware_recent", "vmware_previous"}
    stage.events.clear()
    assert stage.night().exit is Exit.OK
    assert stage.warnings == ""
    assert stage.names() == list(JOB.chain)


def test_a_pending_backup_is_published_through_the_journal_of_a_deletion(stage: Stage) -> None:
    rows = kept(stage).site.volumes["v"]
    stage.site.volumes["v"] = [replace(row, tags=("busy",)) if row.name == "vmware_snap4" else row for row in rows]
    stage.job = replace(JOB, busy_wait=0)
    assert stage.night().exit is Exit.PARTIAL
    stage.site.asked.clear()
    assert delete_it(stage) is Exit.OK
    stage.site.volumes["v"] = [replace(row, tags=()) for row in stage.site.volumes["v"]]
    assert stage.recover() is Exit.OK
    assert stage.names() == list(JOB.chain)
    assert not any(isinstance(step, Capture) for step in stage.site.asked)
    newest = stage.store.newest("vol1")
    assert newest is not None
    assert left_quiesced(stage.store.read(newest.path)) == ()
