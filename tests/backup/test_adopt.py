"""Orphaned snapshots: found by their name and age, and removed on the operator's word alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from snapall.backup.adopt import adopt, orphans
from snapall.backup.facts import Intent, Surveyed
from snapall.backup.model import Vm, VmSnapshot
from snapall.backup.steps import Quiesce, Release
from snapall.errors import Exit
from tests.backup.simulated import (
    JOB,
    PACE,
    START,
    Stage,
    act_unanswered,
    lose,
    once,
    release_of,
)

VM = Vm(110, "sql01", "esx1")
NAME = "Quiesce-20070322T030000Z"
ROW = VmSnapshot("snapshot-1228", 110, NAME)
SURVEYED = Surveyed((), (VM,), (), (), ())


def test_only_old_snapshots_with_the_jobs_name_that_no_run_owns_are_orphaned(stage: Stage) -> None:
    old, young = START - timedelta(days=1), START + timedelta(seconds=86400 - 60)
    stage.site.rows = [
        VmSnapshot("snapshot-1", 108, "Quiesce", old),
        VmSnapshot("snapshot-2", 108, "Quiesce-20070101T030000Z", old),
        VmSnapshot("snapshot-3", 108, "Quiesce", young),
        VmSnapshot("snapshot-4", 108, "Quiesce", None),
        VmSnapshot("snapshot-5", 108, "before the patch", old),
        VmSnapshot("snapshot-6", 108, "20070101T030000Z", old),
        VmSnapshot("snapshot-7", 999, "Quiesce", old),
        VmSnapshot("snapshot-8", 110, NAME, old),
        VmSnapshot("snapshot-9", 1226, "Quiesce-20070322T040000Z", old),
    ]
    stage.begun(SURVEYED, Intent(1, Quiesce(VM, NAME)))
    other = (replace(SURVEYED, targets=(Vm(1226),)), Intent(1, Quiesce(Vm(1226), "Quiesce-20070322T040000Z")))
    stage.begun(*other, job=replace(JOB, name="other"), stamp="20070322T040000Z")
    stage.clock.push(86400)
    found = orphans(JOB, stage.context, stage.store)
    assert [one.snapshot.ssid for one in found] == ["snapshot-1", "snapshot-2"]
    assert adopt(JOB, PACE, stage.context, stage.store, found) is Exit.OK
    assert [step.ssid for step in stage.site.asked if isinstance(step, Release)] == ["snapshot-1", "snapshot-2"]
    assert {row.ssid for row in stage.site.rows} == {f"snapshot-{n}" for n in range(3, 10)}


def test_an_adopted_removal_without_an_answer_is_settled_by_looking(stage: Stage) -> None:
    old = START - timedelta(days=1)
    stage.site.rows = [VmSnapshot(f"snapshot-{vm}", vm, "Quiesce", old) for vm in (108, 110)]
    found = orphans(JOB, stage.context, stage.store)
    stage.site.fail(release_of(108), act_unanswered)
    assert adopt(JOB, PACE, stage.context, stage.store, found[:1]) is Exit.OK
    stage.site.fail(release_of(110), once(lose))
    assert adopt(JOB, PACE, stage.context, stage.store, found[1:]) is Exit.OK
    assert [step.ssid for step in stage.site.asked if isinstance(step, Release)] == [
        "snapshot-108",  # done, although no answer came
        "snapshot-110",
        "snapshot-110",  # still listed
    ]
    assert len(list(stage.store.folder.glob("*.jsonl"))) == 2
    assert stage.store.open_runs() == []


def test_an_adopted_snapshot_that_outlives_its_removals_is_outstanding_work(stage: Stage) -> None:
    stage.site.rows = [VmSnapshot("snapshot-108", 108, "Quiesce", START - timedelta(days=1))]
    found = orphans(JOB, stage.context, stage.store)
    stage.site.fail(release_of(108), lose)
    assert adopt(JOB, PACE, stage.context, stage.store, found) is Exit.OUTSTANDING
    assert "snapshot-108 was not removed: no answer" in stage.failures[-1]
    assert orphans(JOB, stage.context, stage.store) == ()
    stage.site.faults.clear()
    assert stage.recover() is Exit.OK
    assert stage.site.rows == []


def test_an_adopted_removal_that_cannot_be_looked_at_is_an_alarm(stage: Stage) -> None:
    stage.site.rows = [VmSnapshot("snapshot-108", 108, "Quiesce", START - timedelta(days=1))]
    found = orphans(JOB, stage.context, stage.store)
    stage.site.fail(release_of(108), act_unanswered)
    stage.site.database_down = True
    assert adopt(JOB, PACE, stage.context, stage.store, found) is Exit.OUTSTANDING
    assert "the database does not answer" in stage.failures[-1]
