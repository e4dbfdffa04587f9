"""Worlds that were built to break a promise: clocks that are set, names that meet, configurations that change."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from snapall.backup.facts import Answered, Intent, Started, Surveyed
from snapall.backup.model import Grade, Order, Policies, Vm, VmPolicy, VmSnapshot
from snapall.backup.run import BackupRun
from snapall.backup.steps import Capture, Child, Delete, Done, Outcome, Quiesce, Release, Rename, Step
from snapall.errors import Exit
from tests.backup.simulated import CHAIN, JOB, Act, Stage, capture_of, deny, lose, once, quiesce_of, refuse, release_of

R, P, S3, S4 = CHAIN
PAPER = replace(JOB, order=Order.PAPER, publish=Grade.CRASH_CONSISTENT)
VM = Vm(110, "sql01", "esx1")
NAME = "Quiesce-20070322T030000Z"


def set_clock(stage: Stage, seconds: float) -> None:
    """The computer's clock is set; what only counts seconds goes on."""
    stage.clock.push(seconds)
    stage.clock.seconds -= seconds


# Clocks that are set


def test_a_pending_backup_enters_the_chain_though_the_clock_was_set_back(stage: Stage) -> None:
    stage.night()
    stage.site.volumes["v"][1] = replace(stage.site.volumes["v"][1], tags=("busy",))
    set_clock(stage, -7 * 86400)
    pending = stage.night()
    assert (pending.grade, pending.published) == (Grade.WHOLE, False)
    date = stage.dates()[pending.name]
    stage.site.volumes["v"] = [replace(row, tags=()) for row in stage.site.volumes["v"]]
    assert stage.night().exit is Exit.OK
    assert stage.dates()[P] == date
    assert not any(name.startswith("vmware_new_") for name in stage.names())
    assert "is in no journal" not in stage.warnings


def test_a_clock_that_was_set_back_makes_no_recover_wait_for_a_day(stage: Stage) -> None:
    child = Child(4001, 1.0)
    stage.begun(Surveyed((), (VM,), (), (), ()), Intent(1, Quiesce(VM, NAME)), Started(1, child))
    set_clock(stage, -86400)
    before = stage.clock.monotonic()
    assert stage.recover() is Exit.OK
    assert stage.clock.monotonic() - before <= stage.pace.settle + stage.pace.create_timeout
    assert stage.store.open_runs() == []


def test_a_clock_that_was_set_back_does_not_lengthen_the_wait_for_a_row_to_vanish(stage: Stage) -> None:
    stage.site.rows = [VmSnapshot("snapshot-1228", 110, NAME)]
    facts = Intent(1, Quiesce(VM, NAME)), Answered(1, Done(ssid="snapshot-1228"), 1.0)
    release = Intent(2, Release(VM, "snapshot-1228")), Answered(2, Done(), 1.0)
    stage.begun(Surveyed((), (VM,), (), (), ()), *facts, *release)
    set_clock(stage, -86400)
    before = stage.clock.monotonic()
    assert stage.recover() is Exit.OK
    assert stage.clock.monotonic() - before <= 2 * stage.pace.settle
    assert stage.site.rows == []


# Two jobs


@pytest.mark.parametrize("order", Order)
def test_two_jobs_that_begin_in_the_same_second_leave_each_others_vm_snapshots(tmp_path: Path, order: Order) -> None:
    without, only = (
        Policies((("sql01", VmPolicy.SKIP),)),
        Policies((("web01", VmPolicy.SKIP), ("app01", VmPolicy.SKIP))),
    )
    one = Stage(tmp_path, replace(PAPER, order=order, policies=without))
    other = Stage(tmp_path, replace(one.job, name="vol2", volumes=("w",), policies=only), clock=one.clock)
    other.site.volumes = one.site.volumes = {**one.site.volumes, **other.site.volumes}
    other.site = one.site
    begun: list[str] = []

    def second(step: Step) -> None:
        if isinstance(step, Capture) and not begun:
            begun.append("vol2")
            BackupRun(other.job, other.pace, other.context, other.store, token="").run()

    one.site.after = second
    one.night()
    vms = list(one.site.quiesced_at.values())
    assert vms == ([{108, 1226}, {108, 110, 1226}] if order is Order.SAFE else [{108, 110, 1226}])  # twice
    assert one.site.rows == []
    snapshots = [(step.vm.id, step.ssid) for step in one.site.ledger if isinstance(step, Release)]
    assert len(snapshots) == len(set(snapshots)) == 3
    names = {step.name for step in one.site.ledger if isinstance(step, Quiesce)}
    assert len(names) == (2 if order is Order.SAFE else 1)


def test_no_two_runs_take_the_same_stamp_however_many_start_at_once(stage: Stage) -> None:
    stage.state.mkdir(exist_ok=True)
    stamps: list[str] = []
    threads = [threading.Thread(target=lambda: stamps.append(stage.store.stamp())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(stamps)) == 8
    assert min(stamps) == "20070322T030000Z"


@pytest.mark.parametrize("text", ["", "nonsense", "20070322T0", "\xff"])
def test_a_last_stamp_that_cannot_be_read_is_found_among_the_journals(stage: Stage, text: str) -> None:
    stage.begun()
    (stage.state / "last.stamp").write_text(text, encoding="latin-1")
    assert stage.store.stamp() == "20070322T030001Z"


# Another VirtualCenter


def test_outstanding_work_on_another_virtualcenter_does_not_affect_the_vms_of_this_one(stage: Stage) -> None:
    stage.site.fail(release_of(110), lose)
    stage.night()
    stage.site.faults.clear()
    stage.site.rows = []
    stage.site.vcenter = "vc02"
    report = stage.night()
    assert (report.exit, report.grade) == (Exit.OUTSTANDING, Grade.WHOLE)


# A datastore without a VM


def test_one_of_two_datastores_without_a_vm_is_refused(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(JOB, datastores=(688, 689)))
    stage.site.empty = (689,)
    assert stage.night().exit is Exit.FAILED
    assert stage.site.asked == []
    assert "689" in stage.failures[0]
    assert "688" not in stage.failures[0]
    stage.job = replace(stage.job, allow_empty=True)
    assert stage.night().exit is Exit.OK


# Over rsh a lost answer looks like the silence of success


def silent(step: Step, act: Act) -> Outcome:
    """It did nothing, and answered nothing."""
    return Done()


def test_a_backup_whose_rename_only_seemed_to_work_enters_the_chain_later(stage: Stage) -> None:
    stage.site.fail(lambda step: isinstance(step, Rename) and step.new == R, once(silent))
    report = stage.night()
    assert (report.exit, report.published) == (Exit.PARTIAL, False)
    date = stage.dates()[report.name]
    stage.site.faults.clear()
    assert stage.night().exit is Exit.OK
    assert "is in no journal" not in stage.warnings
    assert stage.dates()[P] == date
    assert set(stage.names()) == set(CHAIN)


def test_a_surplus_backup_whose_deletion_only_seemed_to_work_is_not_forgotten(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(JOB, publish=Grade.WHOLE))
    stage.site.fail(quiesce_of(110), refuse("not started"))
    stage.site.fail(lambda step: isinstance(step, Delete), once(silent))
    stage.night()
    assert stage.night().exit is Exit.PARTIAL
    assert "contradicts the filer's answers" in " ".join(stage.failures)
    assert len(stage.names()) == 6
    stage.night()
    assert len(stage.names()) == 5
    assert "is in no journal" not in stage.warnings


def test_a_part_of_a_backup_whose_deletion_only_seemed_to_work_is_deleted_later(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(JOB, volumes=("v", "w")))
    stage.site.fail(capture_of("w"), once(deny("No space left on device")))
    stage.site.fail(lambda step: isinstance(step, Delete), once(silent))
    assert stage.night().exit is Exit.FAILED
    assert len(stage.names("v")) == 5
    stage.site.faults.clear()
    assert stage.recover() is Exit.OK
    assert stage.names("v") == stage.names("w") == list(CHAIN)
    assert stage.store.open_runs() == []


def test_after_a_successful_run_recover_sends_nothing_to_the_filer(stage: Stage) -> None:
    assert stage.night().exit is Exit.OK
    stage.site.filer_down = True
    assert stage.recover() is Exit.OK
    assert stage.failures == []
