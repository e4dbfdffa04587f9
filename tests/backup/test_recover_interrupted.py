"""Nights that end half-way, then `recover`: what of them is taken back, and what is left alone. By the ledger alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from snapall.backup.model import FilerSnapshot, Grade, Order, VmSnapshot
from snapall.backup.steps import Capture, Delete, Done, Outcome, Quiesce, Release, Rename, Step, Unknown
from snapall.errors import Exit
from tests.backup.simulated import (
    CHAIN,
    JOB,
    PACE,
    Act,
    Stage,
    act_unanswered,
    capture_of,
    lose,
    once,
    quiesce_of,
    refuse,
)

R, P, S3, S4 = CHAIN
PAPER = replace(JOB, order=Order.PAPER, publish=Grade.CRASH_CONSISTENT)
BACK = {name: f"old {name}" for name in (R, P, S3)}


def tag(stage: Stage, name: str, *tags: str, volume: str = "v") -> None:
    rows = stage.site.volumes[volume]
    stage.site.volumes[volume] = [replace(row, tags=tags) if row.name == name else row for row in rows]


def removed(stage: Stage) -> list[str]:
    return [step.ssid for step in stage.site.ledger if isinstance(step, Release)]


# The chain


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("tags", [("busy", "LUNs"), ("snapmirror",), ("vclone",)])
def test_a_name_that_the_filer_holds_for_whatever_reason_is_not_moved(
    tmp_path: Path, order: Order, tags: tuple[str, ...]
) -> None:
    stage = Stage(tmp_path, replace(PAPER, order=order))
    tag(stage, S3, *tags)
    report = stage.night()
    assert (report.exit, report.published) == (Exit.PARTIAL, False)
    assert not any(isinstance(step, Rename | Delete) for step in stage.site.asked)
    assert f"in use on the filer ({', '.join(tags)})" in " ".join(stage.failures)


def test_a_part_of_a_backup_that_the_filer_holds_is_deleted_when_it_lets_go(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(JOB, volumes=("v", "w")))
    stage.site.fail(capture_of("w"), refuse("No space left on device"))

    def held(step: Step) -> None:
        if isinstance(step, Capture) and step.volume == "v":
            tag(stage, step.name, "busy", "snapmirror")

    stage.site.after = held
    assert stage.night().exit is Exit.FAILED
    (part,) = set(stage.names()) - set(CHAIN)
    assert not any(isinstance(step, Delete) for step in stage.site.asked)
    assert "busy, snapmirror" in stage.warnings
    tag(stage, part)
    assert stage.recover() is Exit.OK
    assert stage.names("v") == stage.names("w") == list(CHAIN)


def test_a_part_of_a_backup_is_left_alone_when_another_snapshot_has_its_name_by_then(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(PAPER, volumes=("v", "w")))
    stage.site.fail(capture_of("w"), refuse("No space left on device"))
    stage.site.fail(lambda step: isinstance(step, Delete) and step.name == R, lose)
    assert stage.night().exit is Exit.FAILED
    assert stage.dates()[R].startswith("born")
    stage.site.faults.clear()
    stage.site.volumes["v"] = [row for row in stage.site.volumes["v"] if row.name != R]
    stage.site.volumes["v"].insert(0, FilerSnapshot(R, "somebody else's"))
    stage.recover()
    assert stage.dates()[R] == "somebody else's"


def test_a_rename_back_that_only_seemed_to_work_is_sent_again_by_recover(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    stage.site.fail(capture_of(), refuse("No space left on device"))
    stage.site.fail(lambda step: step == Rename("v", S3, P), lambda step, act: Done())
    assert stage.night().exit is Exit.FAILED
    assert stage.dates() != BACK
    stage.site.faults.clear()
    assert stage.recover() is Exit.OK
    assert stage.dates() == BACK
    assert stage.store.open_runs() == []


def test_what_was_renamed_back_is_not_renamed_back_again_from_a_later_chain(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)

    def held(step: Step) -> None:
        if isinstance(step, Quiesce):
            tag(stage, S4, "busy")

    stage.site.after = held
    stage.site.fail(capture_of(), refuse("No space left on device"))
    assert stage.night().exit is Exit.FAILED
    assert stage.dates() == {R: f"old {R}", P: f"old {P}", S4: f"old {S3}"}
    stage.site.faults.clear()
    stage.site.after = lambda step: None
    # Others have made a chain meanwhile in which no name is where the run put it.
    later = {name: f"later {name}" for name in (P, S3, S4)}
    stage.site.volumes["v"] = [FilerSnapshot(name, date) for name, date in later.items()]
    assert stage.recover() is Exit.OK
    assert stage.dates() == later


# VM snapshots under a name that others use, too


def test_a_snapshot_of_the_name_that_was_there_before_is_never_taken_for_ours(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    theirs = VmSnapshot("snapshot-7", 110, "Quiesce")
    stage.site.rows = [theirs]
    stage.site.fail(quiesce_of(110), lose)
    stage.night()
    stage.recover()
    assert stage.site.rows == [theirs]
    assert theirs.ssid not in removed(stage)


def test_the_snapshot_of_an_unanswered_create_is_found_beside_one_that_was_there_before(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    theirs = VmSnapshot("snapshot-7", 110, "Quiesce")
    stage.site.rows = [theirs]
    stage.site.fail(quiesce_of(110), act_unanswered)
    stage.night()
    stage.recover()
    assert stage.site.rows == [theirs]


def test_of_several_new_snapshots_of_one_name_none_is_removed(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER, replace(PACE, settle=5))

    def twice(step: Step, act: Act) -> Outcome:
        act(step)
        act(step)  # somebody else makes one of the same name at the same moment
        return Unknown("no answer")

    stage.site.fail(quiesce_of(110), once(twice))
    report = stage.night()
    assert report.exit is Exit.OUTSTANDING
    assert [row.vm for row in stage.site.rows] == [110, 110]
    assert stage.recover() is Exit.OUTSTANDING
    assert [row.vm for row in stage.site.rows] == [110, 110]
    del stage.site.rows[1]
    assert stage.recover() is Exit.OK  # what is left is the only one, and ours
    assert stage.site.rows == []
    assert stage.store.open_runs() == []
