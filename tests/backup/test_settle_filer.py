"""Settling what a dead run left on the filer: by looking, and never on another run's names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from snapall.backup.facts import Answered, Confirmed, Fact, Intent, Surveyed
from snapall.backup.journal import Journal
from snapall.backup.model import FilerSnapshot, Grade, Order, Vm
from snapall.backup.steps import Capture, Delete, Done, Outcome, Quiesce, Refusal, Release, Rename, Unknown
from snapall.errors import Exit
from tests.backup.settled import settle
from tests.backup.simulated import CHAIN, JOB, Stage, lose, once, refuse

R, P, S3, S4 = CHAIN
VM = Vm(110, "sql01", "esx1")
SURVEYED = Surveyed((), (VM,), (), (), ())
PAPER = replace(JOB, order=Order.PAPER, publish=Grade.CRASH_CONSISTENT)
UP = (Delete("v", S4), Rename("v", S3, S4), Rename("v", P, S3), Rename("v", R, P))


def captured(volume: str, n: int, outcome: Outcome, name: str = R) -> tuple[Fact, ...]:
    return Intent(n, Capture(volume, name)), Answered(n, outcome, 1.0)


def test_a_part_of_a_backup_is_deleted_only_under_its_own_date(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(PAPER, volumes=("v", "w")))
    facts = (*captured("v", 1, Done("creating")), Confirmed("v", R, "the first"), *captured("w", 2, Refusal("full")))
    journal = stage.begun(SURVEYED, *facts)
    stage.site.volumes["v"] = [FilerSnapshot(R, "the second")]  # a later run's, under the same name
    assert not settle(stage, journal).open
    assert stage.names() == [R]


def test_a_tagged_part_of_a_backup_stays_outstanding(tmp_path: Path) -> None:
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
    assert any("it kept its name" in text for text in stage.failures)
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


def test_an_unreachable_filer_leaves_its_work_outstanding(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    journal = rotated(stage, "v")
    capturing = stage.begun(SURVEYED, *captured("v", 1, Unknown("no answer")), stamp="20070322T040000Z")
    stage.site.filer_down = True
    assert stage.recover() is Exit.FAILED
    assert all(stage.state_of(one).filer_outstanding for one in (journal, capturing))
    assert "cannot finish an earlier run's work on volume v" in stage.failures[-1]


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
