"""Settling a dead run's journal: by looking first, by id alone, and never on somebody else's snapshots."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from snapall.backup.facts import Answered, Fact, Found, Intent, SnapshotVanished, Started, Surveyed
from snapall.backup.journal import Journal
from snapall.backup.looks import conclude
from snapall.backup.model import Grade, Order, Vm, VmSnapshot
from snapall.backup.record import Record
from snapall.backup.sight import VmsListed
from snapall.backup.state import apply
from snapall.backup.steps import Child, Done, Outcome, Quiesce, Release, Step, Unknown
from snapall.errors import Exit
from tests.backup.settled import settle
from tests.backup.simulated import JOB, START, Act, Fault, Stage, busy, lose, release_of

VM = Vm(110, "sql01", "esx1")
NAME = "Quiesce-20070322T030000Z"
ROW = VmSnapshot("snapshot-1228", 110, NAME)
SURVEYED = Surveyed((), (VM,), (), (), ())
QUIESCED: tuple[Fact, ...] = (SURVEYED, Intent(1, Quiesce(VM, NAME)), Answered(1, Done(ssid=ROW.ssid), 1.0))
PAPER = replace(JOB, order=Order.PAPER, publish=Grade.CRASH_CONSISTENT)


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
    look = VmsListed(frozenset({110}), (), frozenset({110}), state.version)  # it began now
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
    assert not settle(stage, journal).open  # what is left is the only one, and ours
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
    assert stage.recover() is Exit.OUTSTANDING
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
