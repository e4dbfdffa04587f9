"""Settling a dead run's journal: by looking first, by id alone, and never on somebody else's snapshots."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from snapall.backup.actions import Policy
from snapall.backup.engine import Case, Engine
from snapall.backup.journal import Journal
from snapall.backup.looks import conclude
from snapall.backup.model import FilerSnapshot, Grade, Order, Vm, VmSnapshot
from snapall.backup.record import (
    Answered,
    Confirmed,
    Fact,
    Found,
    Intent,
    Record,
    SnapshotVanished,
    Started,
    Surveyed,
    TakenOver,
    VmsSeen,
)
from snapall.backup.runstate import RunState
from snapall.backup.settling import announce, reach
from snapall.backup.state import apply
from snapall.backup.steps import Capture, Child, Delete, Done, Outcome, Quiesce, Refusal, Release, Rename, Step, Unknown
from snapall.errors import Exit
from tests.backup.pretended import CHAIN, JOB, START, Act, Fault, Stage, busy, lose, once, refuse, release_of

R, P, S3, S4 = CHAIN
VM = Vm(110, "sql01", "esx1")
NAME = "Quiesce-20070322T030000Z"
ROW = VmSnapshot("snapshot-1228", 110, NAME)
SURVEYED = Surveyed((), (VM,), (), (), ())
QUIESCED: tuple[Fact, ...] = (SURVEYED, Intent(1, Quiesce(VM, NAME)), Answered(1, Done(ssid=ROW.ssid), 1.0))
PAPER = replace(JOB, order=Order.PAPER, publish=Grade.CRASH_CONSISTENT)
UP = (Delete("v", S4), Rename("v", S3, S4), Rename("v", P, S3), Rename("v", R, P))


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def settle(stage: Stage, journal: Journal, *, wait: bool = True) -> RunState:
    """What is left of a dead run after another owner has settled it, by its file alone."""
    case = Case(stage.store.open(journal.path), stage.context, Policy())
    case.policy = reach(case.state.header, stage.context, Policy(wait=wait))
    announce(case)
    case.note(TakenOver("recover", "it had died"))
    Engine(case).drive()
    case.journal.leave()
    return stage.state_of(journal)


def removals(stage: Stage) -> list[str]:
    return [step.ssid for step in stage.site.asked if isinstance(step, Release)]


def written(stage: Stage, journal: Journal) -> list[object]:
    return [record.what for record in stage.store.open(journal.path).records]


# The database lags


def test_a_printed_id_is_removed_even_when_the_database_never_listed_it(stage: Stage) -> None:
    stage.site.rows = [ROW]
    stage.site.unlisted = {ROW.ssid}
    journal = stage.begun(*QUIESCED)
    stage.clock.push(10 * stage.pace.settle)
    assert not settle(stage, journal, wait=False).open
    assert removals(stage) == [ROW.ssid]
    assert stage.site.rows == []


def test_a_row_that_vanished_from_the_list_is_removed_all_the_same_and_the_vm_does_not_count(stage: Stage) -> None:
    stage.site.rows = [ROW]
    stage.site.unlisted = {ROW.ssid}
    journal = stage.begun(*QUIESCED, Found(110, ROW.ssid))
    settle(stage, journal, wait=False)
    assert stage.site.rows == []
    assert SnapshotVanished(110) in written(stage, journal)


def test_what_is_removed_while_the_database_is_asked_was_not_taken_by_somebody_else(stage: Stage) -> None:
    state = stage.state_of(stage.begun(*QUIESCED, Found(110, ROW.ssid)))
    look = VmsSeen(frozenset({110}), (), frozenset({110}), state.version)  # it began now
    assert SnapshotVanished(110) in conclude(apply(state, Record(START, look)), look, START)
    state = apply(state, Record(START, Intent(2, Release(VM, ROW.ssid))))  # and came back only after this
    assert conclude(apply(state, Record(START, look)), look, START) == ()


def test_a_removal_whose_row_outlives_it_is_sent_again_once_by_each_later_command(stage: Stage) -> None:
    stage.site.rows = [ROW]
    stage.site.fail(release_of(110), lambda step, act: Done("deleted"))
    journal = stage.begun(*QUIESCED)
    assert settle(stage, journal).outstanding
    assert len(removals(stage)) == 1
    assert settle(stage, journal).outstanding
    assert len(removals(stage)) == 2
    stage.site.faults.clear()
    assert stage.recover() is Exit.OK
    assert stage.site.rows == []


def test_the_printed_id_and_the_one_that_the_database_lists_are_both_removed(stage: Stage) -> None:
    stage.site.rows = [replace(ROW, ssid="snapshot-77")]
    journal = stage.begun(*QUIESCED)
    before = stage.clock.monotonic()
    assert not settle(stage, journal, wait=False).open
    assert removals(stage) == ["snapshot-1228", "snapshot-77"]
    assert stage.site.rows == []
    assert stage.clock.monotonic() == before


# A removal that does not work


@pytest.mark.parametrize("removal", [lambda step, act: act(step), busy, lose], ids=["already", "busy", "lost"])
def test_the_snapshot_behind_a_printed_id_that_never_was_is_found_by_its_name(tmp_path: Path, removal: Fault) -> None:
    stage = Stage(tmp_path, PAPER)
    theirs, ours = VmSnapshot("snapshot-7", 110, "Quiesce"), VmSnapshot("snapshot-1228", 110, "Quiesce")
    stage.site.rows = [theirs, ours]
    records: tuple[Fact, ...] = (
        Surveyed((), (VM,), (theirs.ssid,), (), ()),
        Intent(1, Quiesce(VM, "Quiesce")),
        Answered(1, Done(ssid="sna"), 1.0),  # `SsId:snapshot-1228`, torn
    )
    stage.site.fail(lambda step: isinstance(step, Release) and step.ssid == "sna", removal)
    journal = stage.begun(*records)
    assert not settle(stage, journal).open
    assert stage.site.rows == [theirs]


@pytest.mark.parametrize("order", Order)
def test_an_id_that_virtualcenter_does_not_know_proves_nothing_while_the_create_may_act(
    tmp_path: Path, order: Order
) -> None:
    stage = Stage(tmp_path, replace(PAPER, order=order))
    name = NAME if order is Order.SAFE else "Quiesce"
    journal = stage.begun(SURVEYED, Intent(1, Quiesce(VM, name)), Answered(1, Done(ssid="snapshot-99"), 1.0))
    stage.clock.later(stage.pace.settle / 2, lambda: stage.site.rows.append(replace(ROW, name=name)))
    assert not settle(stage, journal).open
    assert removals(stage) == ["snapshot-99", ROW.ssid]
    assert stage.site.rows == []


def test_recover_tries_a_refused_removal_anew_with_growing_pauses(stage: Stage) -> None:
    stage.site.rows = [ROW]
    moments: list[float] = []

    def hindered(step: Step, act: Act) -> Outcome:
        moments.append(stage.clock.monotonic())
        return Unknown("another task is in progress")

    stage.site.fail(release_of(110), hindered)
    journal = stage.begun(*QUIESCED)
    state = settle(stage, journal)
    pauses = [later - earlier for earlier, later in pairwise(moments)]
    assert len(moments) >= 3
    assert pauses == sorted(pauses)
    assert state.outstanding


def test_a_removal_without_an_answer_is_settled_by_looking(stage: Stage) -> None:
    stage.site.rows = [ROW]
    stage.site.fail(release_of(110), lambda step, act: (act(step), Unknown("no answer"))[1])
    journal = stage.begun(*QUIESCED)
    assert not settle(stage, journal, wait=False).open
    assert len(removals(stage)) == 1


# Names that others use


def test_of_several_new_rows_of_one_name_none_is_touched(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    stage.site.rows = [VmSnapshot(f"snapshot-{n}", 110, "Quiesce") for n in (7, 8, 9)]
    surveyed = replace(SURVEYED, present=("snapshot-7",))
    child = Child(4001, 1.0)
    journal = stage.begun(
        surveyed, Intent(1, Quiesce(VM, "Quiesce")), Started(1, child), Answered(1, Unknown("?"), 1.0)
    )
    state = settle(stage, journal)
    assert removals(stage) == []
    assert state.outstanding
    del stage.site.rows[2]
    settle(stage, journal, wait=False)
    assert [row.ssid for row in stage.site.rows] == ["snapshot-7"]


# A create without an answer


def test_a_create_is_waited_for_since_the_takeover_however_long_the_machine_was_off(stage: Stage) -> None:
    journal = stage.begun(SURVEYED, Intent(1, Quiesce(VM, NAME)))
    stage.clock.push(100 * stage.pace.settle)
    before = stage.clock.monotonic()
    stage.clock.later(stage.pace.settle - 1, lambda: stage.site.rows.append(ROW))
    assert not settle(stage, journal).open
    assert stage.clock.monotonic() - before >= stage.pace.settle - 1
    assert removals(stage) == [ROW.ssid]
    assert stage.site.rows == []


def test_a_create_that_left_nothing_is_given_up_after_settle(stage: Stage) -> None:
    journal = stage.begun(SURVEYED, Intent(1, Quiesce(VM, NAME)), Started(1, Child(4001, 1.0)))
    before = stage.clock.monotonic()
    assert not settle(stage, journal).open
    assert stage.clock.monotonic() - before == pytest.approx(stage.pace.settle)


def test_settle_counts_from_the_end_of_the_program_that_still_ran(stage: Stage) -> None:
    journal = stage.begun(SURVEYED, Intent(1, Quiesce(VM, NAME)), Started(1, Child(4001, 1.0)))
    stage.site.children.add(4001)
    stage.clock.later(4, lambda: stage.site.children.discard(4001))
    before = stage.clock.monotonic()
    assert not settle(stage, journal).open
    assert stage.pace.settle + 4 <= stage.clock.monotonic() - before < stage.pace.settle + 10


def test_a_program_that_never_ends_is_waited_for_until_timeout_and_settle_are_over(stage: Stage) -> None:
    journal = stage.begun(SURVEYED, Intent(1, Quiesce(VM, NAME)), Started(1, Child(4001, 1.0)))
    stage.site.children.add(4001)
    before = stage.clock.monotonic()
    assert settle(stage, journal).outstanding
    assert stage.clock.monotonic() - before == pytest.approx(stage.pace.create_timeout + stage.pace.settle)
    assert stage.recover() is Exit.DEBTS
    assert any("sql01 (vm-110)" in text and "4001" in text for text in stage.failures)


# A signal


def test_a_signal_ends_recovers_waiting_at_once(stage: Stage) -> None:
    journal = stage.begun(SURVEYED, Intent(1, Quiesce(VM, NAME)))
    stage.stop = True
    before = stage.clock.monotonic()
    state = settle(stage, journal)
    assert stage.clock.monotonic() == before
    assert state.outstanding


def test_a_signal_in_recovers_pause_is_seen(stage: Stage) -> None:
    journal = stage.begun(SURVEYED, Intent(1, Quiesce(VM, NAME)))
    stage.site.on_look = lambda: setattr(stage, "stop", stage.clock.monotonic() > 10)
    settle(stage, journal)
    assert stage.clock.monotonic() < 20


# The filer


def captured(volume: str, n: int, outcome: Outcome, name: str = R) -> tuple[Fact, ...]:
    return Intent(n, Capture(volume, name)), Answered(n, outcome, 1.0)


def test_a_part_of_a_backup_is_deleted_only_under_its_own_date(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(PAPER, volumes=("v", "w")))
    facts = (*captured("v", 1, Done("creating")), Confirmed("v", R, "the first"), *captured("w", 2, Refusal("full")))
    journal = stage.begun(SURVEYED, *facts)
    stage.site.volumes["v"] = [FilerSnapshot(R, "the second")]  # a later run's, under the same name
    assert not settle(stage, journal).open
    assert stage.names() == [R]


def test_a_part_of_a_backup_that_the_filer_holds_stays_outstanding(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(JOB, volumes=("v", "w")))
    new = "vmware_new_20070322T030000Z"
    facts = (*captured("v", 1, Done(), new), Confirmed("v", new, "now"), *captured("w", 2, Refusal("full"), new))
    journal = stage.begun(SURVEYED, *facts)
    stage.site.volumes["v"].insert(0, FilerSnapshot(new, "now", ("busy", "snapmirror")))
    state = settle(stage, journal)
    assert new in stage.names()
    assert "busy, snapmirror" in stage.warnings
    assert [(one.volume, one.name) for one in state.parts] == [("v", new)]
    stage.site.volumes["v"][0] = FilerSnapshot(new, "now")
    stage.site.fail(lambda step: isinstance(step, Delete), once(refuse("busy")))
    state = settle(stage, journal)
    assert state.parts
    stage.site.filer_down = True
    state = settle(stage, journal)
    assert state.parts
    stage.site.filer_down = False
    assert stage.recover() is Exit.OK
    assert new not in stage.names()


def rotated(stage: Stage, *volumes: str) -> Journal:
    """The journal of a paper run that died before its capture, and the world that it left."""
    facts: list[Fact] = []
    for volume in volumes:
        for step in (replace(step, volume=volume) for step in UP):
            stage.site._act(step)
            facts += [Intent(len(facts) + 1, step), Answered(len(facts) + 1, Done(), 1.0)]
    return stage.begun(SURVEYED, *facts)


def test_a_rename_back_counts_only_when_the_list_shows_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    journal = rotated(stage, "v")
    back = Rename("v", S3, P)
    stage.site.fail(lambda step: step == back, lambda step, act: Done())  # rsh: silence, and nothing happened
    state = settle(stage, journal)
    assert state.room
    assert any("the list does not show it" in text for text in stage.failures)
    stage.site.faults.clear()
    assert not settle(stage, journal).open
    assert stage.dates() == {name: f"old {name}" for name in (R, P, S3)}


def test_a_rename_back_without_an_answer_is_settled_by_looking(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    journal = rotated(stage, "v")
    stage.site.fail(lambda step: isinstance(step, Rename), lambda step, act: (act(step), Unknown("no answer"))[1])
    assert not settle(stage, journal).open
    assert stage.dates() == {name: f"old {name}" for name in (R, P, S3)}


@pytest.mark.parametrize("trouble", ["held", "refused"])
def test_a_volume_that_cannot_be_renamed_back_does_not_keep_the_other_from_it(tmp_path: Path, trouble: str) -> None:
    stage = Stage(tmp_path, replace(PAPER, volumes=("v", "w")))
    journal = rotated(stage, "v", "w")
    if trouble == "held":
        stage.site.volumes["w"] = [replace(row, tags=("busy",)) for row in stage.site.volumes["w"]]
    else:
        stage.site.fail(lambda step: isinstance(step, Rename) and step.volume == "w", refuse("odd"))
    state = settle(stage, journal)
    assert stage.dates("v") == {name: f"old {name}" for name in (R, P, S3)}
    assert set(stage.names("w")) == {P, S3, S4}
    assert state.room
    assert "could not be renamed back" in stage.failures[-1]


def test_a_name_that_was_taken_back_is_not_taken_back_again_from_a_later_chain(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    journal = rotated(stage, "v")
    stage.site.volumes["v"] = [replace(row, tags=("busy",) * (row.name == S4)) for row in stage.site.volumes["v"]]
    state = settle(stage, journal)
    assert stage.dates() == {R: f"old {R}", P: f"old {P}", S4: f"old {S3}"}
    assert state.room == (UP[1],)
    # A later run fills the gap, and its newest backup is deleted by hand: no name is where the dead run put it.
    stage.site.volumes["v"] = [FilerSnapshot(name, f"later {name}") for name in (P, S3, S4)]
    assert not settle(stage, journal).open
    assert stage.dates() == {name: f"later {name}" for name in (P, S3, S4)}


def test_a_filer_that_cannot_be_asked_leaves_its_work_outstanding(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    journal = rotated(stage, "v")
    capturing = stage.begun(SURVEYED, *captured("v", 1, Unknown("no answer")), stamp="20070322T040000Z")
    stage.site.filer_down = True
    assert stage.recover() is Exit.FAILED
    assert all(stage.state_of(one).filer_outstanding for one in (journal, capturing))
    assert "cannot settle volume v" in stage.failures[-1]


def test_the_names_of_another_filer_are_left_alone(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    journal = rotated(stage, "v")
    before = stage.names()
    stage.site.filer = "filer2"
    settle(stage, journal)
    assert stage.names() == before
    assert "filer1" in stage.failures[0]
    assert stage.recover() is Exit.FAILED


def test_a_run_on_another_virtualcenter_still_gets_its_chain_back(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    journal = rotated(stage, "v")
    journal.append([Intent(99, Quiesce(VM, "Quiesce"))])
    journal.leave()
    stage.site.vcenter = "vc02"
    state = settle(stage, journal)
    assert stage.dates() == {name: f"old {name}" for name in (R, P, S3)}
    assert state.outstanding
    assert not any(isinstance(step, Quiesce | Release) for step in stage.site.asked)


def test_a_lost_delete_of_a_part_is_settled_by_looking_and_not_sent_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(JOB, volumes=("v", "w")))
    new = "vmware_new_20070322T030000Z"
    facts = (*captured("v", 1, Done(), new), Confirmed("v", new, "now"), *captured("w", 2, Refusal("full"), new))
    journal = stage.begun(SURVEYED, *facts)
    stage.site.volumes["v"].insert(0, FilerSnapshot(new, "now"))
    stage.site.fail(lambda step: isinstance(step, Delete), lambda step, act: (act(step), lose(step, act))[1])
    assert not settle(stage, journal).open
    assert sum(isinstance(step, Delete) for step in stage.site.asked) == 1
