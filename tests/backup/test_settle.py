"""Settling a dead run's journal: by looking first, by id alone, and never on somebody else's snapshots."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from snapall.backup.debts import owed
from snapall.backup.record import Answered, Fact, Found, Intent, Proven, Started, Surveyed, Unheld
from snapall.backup.journal import Journal
from snapall.backup.model import FilerSnapshot, Grade, Order, Vm, VmSnapshot
from snapall.backup.plan import Stage as At
from snapall.backup.settle import Settlement
from snapall.backup.steps import Capture, Child, Delete, Done, Outcome, Quiesce, Refusal, Release, Rename, Step, Unknown
from snapall.errors import Exit
from tests.backup.pretended import CHAIN, JOB, Act, Stage, lose, once, refuse, release_of

R, P, S3, S4 = CHAIN
VM = Vm(110, "sql01", "esx1")
NAME = "Quiesce-20070322T030000Z"
ROW = VmSnapshot("snapshot-1228", 110, NAME)
SURVEYED = Surveyed((), (110,), (), (), ())
QUIESCED: tuple[Fact, ...] = (SURVEYED, Intent(1, Quiesce(VM, NAME)), Answered(1, Done(ssid=ROW.ssid), 1.0))
PAPER = replace(JOB, order=Order.PAPER, publish=Grade.CRASH_CONSISTENT)
UP = (Delete("v", S4), Rename("v", S3, S4), Rename("v", P, S3), Rename("v", R, P))


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def settle(stage: Stage, journal: Journal, *, wait: bool = True) -> Settlement:
    settlement = Settlement(journal, stage.means, wait)
    settlement.settle()
    return settlement


def removals(stage: Stage) -> list[str]:
    return [step.ssid for step in stage.site.asked if isinstance(step, Release)]


def kinds(journal: Journal) -> list[str]:
    return [type(noted.fact).__name__ for noted in journal.facts]


# The database lags


def test_a_printed_id_is_removed_even_when_the_database_never_listed_it(stage: Stage) -> None:
    stage.site.rows = [ROW]
    stage.site.unlisted = {ROW.ssid}
    journal = stage.begun(*QUIESCED)
    stage.clock.push(10 * stage.pace.settle)
    settle(stage, journal, wait=False)
    assert removals(stage) == [ROW.ssid]
    assert stage.site.rows == []
    assert not owed(journal.facts)


def test_a_row_that_vanished_from_the_list_is_removed_all_the_same_and_the_vm_does_not_count(stage: Stage) -> None:
    stage.site.rows = [ROW]
    stage.site.unlisted = {ROW.ssid}
    journal = stage.begun(*QUIESCED, Found(110, ROW.ssid))
    settle(stage, journal, wait=False)
    assert stage.site.rows == []
    assert Unheld(110) in [noted.fact for noted in journal.facts]


def test_what_is_removed_while_the_database_is_asked_was_not_taken_by_somebody_else(stage: Stage) -> None:
    stage.site.rows = [ROW]
    journal = stage.begun(*QUIESCED, Found(110, ROW.ssid))
    debts = owed(journal.facts).vms
    stage.site.on_look = lambda: (
        None if removals(stage) else (stage.means.act_anyway(journal, At.UNQUIESCE, Release(VM, ROW.ssid)), None)[1]
    )
    Settlement(journal, stage.means, wait=False).vms.look(debts)
    assert not {"Unheld", "Gone"} & set(kinds(journal))
    stage.site.on_look = lambda: None
    settle(stage, journal)
    assert not owed(journal.facts)
    assert removals(stage) == [ROW.ssid]
    assert "Unheld" not in kinds(journal)


def test_a_removal_whose_row_outlives_it_is_sent_anew_once_by_each_later_command(stage: Stage) -> None:
    stage.site.rows = [ROW]
    stage.site.fail(release_of(110), lambda step, act: Done("deleted"))
    journal = stage.begun(*QUIESCED)
    assert settle(stage, journal).journal is journal
    assert len(removals(stage)) == 1
    assert owed(journal.facts).vms
    assert settle(stage, stage.store.open(journal.path)).journal is not journal
    assert len(removals(stage)) == 2
    stage.site.faults.clear()
    assert stage.recover() is Exit.OK
    assert stage.site.rows == []


def test_a_printed_id_that_the_database_contradicts_is_told_and_both_are_removed(stage: Stage) -> None:
    stage.site.rows = [replace(ROW, ssid="snapshot-77")]
    journal = stage.begun(*QUIESCED)
    before = stage.clock.monotonic()
    settle(stage, journal, wait=False)
    assert "vcbsnapshot said snapshot-1228, the database lists snapshot-77" in stage.warnings
    assert removals(stage) == ["snapshot-1228", "snapshot-77"]
    assert stage.site.rows == []
    assert stage.clock.monotonic() == before
    assert not owed(journal.facts)


# A removal that does not work


def test_the_snapshot_behind_a_printed_id_that_never_was_is_found_by_its_name(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    theirs, ours = VmSnapshot("snapshot-7", 110, "Quiesce"), VmSnapshot("snapshot-1228", 110, "Quiesce")
    stage.site.rows = [theirs, ours]
    told: tuple[Fact, ...] = (
        Surveyed((), (110,), (theirs.ssid,), (), ()),
        Intent(1, Quiesce(VM, "Quiesce")),
        Answered(1, Done(ssid="sna"), 1.0),  # `SsId:snapshot-1228`, torn
    )
    journal = stage.begun(*told)
    settle(stage, journal)
    assert stage.site.rows == [theirs]
    assert not owed(journal.facts)


def test_recover_tries_a_refused_removal_anew_with_growing_pauses(stage: Stage) -> None:
    stage.site.rows = [ROW]
    moments: list[float] = []

    def busy(step: Step, act: Act) -> Outcome:
        moments.append(stage.clock.monotonic())
        return Unknown("another task is in progress")

    stage.site.fail(release_of(110), busy)
    journal = stage.begun(*QUIESCED)
    settle(stage, journal)
    pauses = [later - earlier for earlier, later in pairwise(moments)]
    assert len(moments) >= 3
    assert pauses == sorted(pauses)
    assert owed(journal.facts).vms


def test_a_removal_without_an_answer_is_settled_by_looking(stage: Stage) -> None:
    stage.site.rows = [ROW]
    stage.site.fail(release_of(110), lambda step, act: (act(step), Unknown("no answer"))[1])
    journal = stage.begun(*QUIESCED)
    settle(stage, journal, wait=False)
    assert len(removals(stage)) == 1
    assert not owed(journal.facts)


# Names that others use


def test_of_several_new_rows_of_one_name_none_is_touched(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    stage.site.rows = [VmSnapshot(f"snapshot-{n}", 110, "Quiesce") for n in (7, 8, 9)]
    surveyed = replace(SURVEYED, ssids=("snapshot-7",))
    child = Child(4001, 1.0)
    journal = stage.begun(
        surveyed, Intent(1, Quiesce(VM, "Quiesce")), Started(1, child), Answered(1, Unknown("?"), 1.0)
    )
    settle(stage, journal)
    assert removals(stage) == []
    assert owed(journal.facts).vms
    del stage.site.rows[2]
    settle(stage, journal, wait=False)
    assert [row.ssid for row in stage.site.rows] == ["snapshot-7"]


# A signal


def test_a_signal_ends_recovers_waiting_at_once(stage: Stage) -> None:
    journal = stage.begun(SURVEYED, Intent(1, Quiesce(VM, NAME)))
    stage.stop = True
    before = stage.clock.monotonic()
    settle(stage, journal)
    assert stage.clock.monotonic() == before
    assert owed(journal.facts).vms


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
    facts = (*captured("v", 1, Done("creating")), Proven("v", R, "the first"), *captured("w", 2, Refusal("full")))
    journal = stage.begun(SURVEYED, *facts)
    stage.site.volumes["v"] = [FilerSnapshot(R, "the second")]  # a later run's, under the same name
    settle(stage, journal)
    assert stage.names() == [R]
    assert not owed(journal.facts)


def test_a_part_of_a_backup_that_the_filer_holds_stays_a_debt(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(JOB, volumes=("v", "w")))
    new = "vmware_new_20070322T030000Z"
    facts = (*captured("v", 1, Done(), new), Proven("v", new, "now"), *captured("w", 2, Refusal("full"), new))
    journal = stage.begun(SURVEYED, *facts)
    stage.site.volumes["v"].insert(0, FilerSnapshot(new, "now", ("busy", "snapmirror")))
    settle(stage, journal)
    assert new in stage.names()
    assert "busy, snapmirror" in stage.warnings
    assert owed(journal.facts).partial == (Delete("v", new),)
    stage.site.volumes["v"][0] = FilerSnapshot(new, "now")
    stage.site.fail(lambda step: isinstance(step, Delete), once(refuse("busy")))
    settle(stage, journal)
    assert owed(journal.facts).partial
    stage.site.filer_down = True
    settle(stage, journal)
    assert owed(journal.facts).partial
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
    settle(stage, journal)
    assert owed(journal.facts).renames
    assert any("the list does not show it" in text for text in stage.failures)
    stage.site.faults.clear()
    settle(stage, journal)
    assert not owed(journal.facts)
    assert stage.dates() == {name: f"old {name}" for name in (R, P, S3)}


def test_a_rename_back_without_an_answer_is_settled_by_looking(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    journal = rotated(stage, "v")
    stage.site.fail(lambda step: isinstance(step, Rename), lambda step, act: (act(step), Unknown("no answer"))[1])
    settle(stage, journal)
    assert not owed(journal.facts)
    assert stage.dates() == {name: f"old {name}" for name in (R, P, S3)}


@pytest.mark.parametrize("trouble", ["held", "refused"])
def test_a_volume_that_cannot_be_renamed_back_does_not_keep_the_other_from_it(tmp_path: Path, trouble: str) -> None:
    stage = Stage(tmp_path, replace(PAPER, volumes=("v", "w")))
    journal = rotated(stage, "v", "w")
    if trouble == "held":
        stage.site.volumes["w"] = [replace(row, tags=("busy",)) for row in stage.site.volumes["w"]]
    else:
        stage.site.fail(lambda step: isinstance(step, Rename) and step.volume == "w", refuse("odd"))
    settle(stage, journal)
    assert stage.dates("v") == {name: f"old {name}" for name in (R, P, S3)}
    assert set(stage.names("w")) == {P, S3, S4}
    assert owed(journal.facts).renames
    assert "could not be renamed back" in stage.failures[-1]


def test_a_name_that_was_taken_back_is_not_taken_back_again_from_a_later_chain(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    journal = rotated(stage, "v")
    stage.site.volumes["v"] = [replace(row, tags=("busy",) * (row.name == S4)) for row in stage.site.volumes["v"]]
    settle(stage, journal)
    assert stage.dates() == {R: f"old {R}", P: f"old {P}", S4: f"old {S3}"}
    assert owed(journal.facts).renames == (UP[1],)
    # A later run fills the gap, and its newest backup is deleted by hand: no name is where the dead run put it.
    stage.site.volumes["v"] = [FilerSnapshot(name, f"later {name}") for name in (P, S3, S4)]
    settle(stage, journal)
    assert stage.dates() == {name: f"later {name}" for name in (P, S3, S4)}
    assert not owed(journal.facts)


def test_a_filer_that_cannot_be_asked_leaves_its_debts_open(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    journal = rotated(stage, "v")
    capturing = stage.begun(SURVEYED, *captured("v", 1, Unknown("no answer")), stamp="20070322T040000Z")
    stage.site.filer_down = True
    for one in (journal, capturing):
        settle(stage, one)
        assert owed(one.facts)
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
    journal.write(Intent(99, Quiesce(VM, "Quiesce")))
    stage.site.vcenter = "vc02"
    settle(stage, journal)
    assert stage.dates() == {name: f"old {name}" for name in (R, P, S3)}
    assert owed(journal.facts).vms
    assert not any(isinstance(step, Quiesce | Release) for step in stage.site.asked)


def test_a_lost_delete_of_a_part_is_asked_for_again_only_after_a_look(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(JOB, volumes=("v", "w")))
    new = "vmware_new_20070322T030000Z"
    facts = (*captured("v", 1, Done(), new), Proven("v", new, "now"), *captured("w", 2, Refusal("full"), new))
    journal = stage.begun(SURVEYED, *facts)
    stage.site.volumes["v"].insert(0, FilerSnapshot(new, "now"))
    stage.site.fail(lambda step: isinstance(step, Delete), lambda step, act: (act(step), lose(step, act))[1])
    settle(stage, journal)
    assert owed(journal.facts).partial
    settle(stage, journal)
    assert sum(isinstance(step, Delete) for step in stage.site.asked) == 1
    assert not owed(journal.facts)
