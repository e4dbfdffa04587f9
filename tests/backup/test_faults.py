"""Faults that an earlier core had, each as a night on the in-memory site: it must not come back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from snapall.backup.actions import Decision, Policy
from snapall.backup.clock import SystemThreads
from snapall.backup.context import RunContext
from snapall.backup.decide import decide
from snapall.backup.facts import Answered, Intent, Surveyed
from snapall.backup.model import Grade, Order, Vm, VmSnapshot
from snapall.backup.outcome import Report
from snapall.backup.phases import VmPhase
from snapall.backup.run import BackupRun
from snapall.backup.runstate import RunState
from snapall.backup.steps import Capture, Done, Outcome, Quiesce, Release, Step, Unknown
from snapall.errors import Exit
from tests.backup.simulated import (
    CHAIN,
    JOB,
    PACE,
    START,
    Act,
    Fault,
    SimulatedClock,
    Stage,
    act_after,
    capture_of,
    lose,
    once,
    quiesce_of,
    refuse,
    release_of,
)
from tests.waiting import PATIENCE

R, P, S3, S4 = CHAIN
OLD = {name: f"old {name}" for name in CHAIN}
PAPER = replace(JOB, order=Order.PAPER, publish=Grade.CRASH_CONSISTENT)
NIGHT = 86400.0
VM = Vm(110, "sql01", "esx1")


# A late VM waits for nobody's removal


class Busy(SystemThreads):
    """Threads on a machine whose clock goes on while they wait for an answer."""

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock

    def wait(self, ended: threading.Event, give_up: Callable[[], bool]) -> bool:
        while not ended.wait(0.001):
            self._clock.push(0.1)
            if give_up():
                return ended.is_set()
        return True


class LockedClock(SimulatedClock):
    """A clock that threads may ask to be woken by."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.RLock()

    def push(self, seconds: float) -> None:
        with self._lock:
            super().push(seconds)

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        with self._lock:
            super().later(seconds, act)


class BusyStage(Stage):
    """A stage whose nights take time while a call hangs."""

    @property
    def context(self) -> RunContext:
        return replace(super().context, threads=Busy(self.clock))


def takes(clock: SimulatedClock, seconds: float) -> Fault:
    """The call acts, and is answered, after so many seconds."""

    def slow(step: Step, act: Act) -> Outcome:
        over = threading.Event()
        clock.later(seconds, over.set)
        assert over.wait(PATIENCE)
        return act(step)

    return slow


@pytest.mark.parametrize("parallel", [3, 1])
def test_a_vm_that_is_quiesced_late_is_released_at_once_while_another_removal_hangs(
    tmp_path: Path, parallel: int
) -> None:
    job, pace = replace(JOB, max_quiesced=6), replace(PACE, parallel=parallel, create_timeout=60)
    stage = BusyStage(tmp_path, job, pace, clock=LockedClock())
    stage.site.fail(quiesce_of(1226), takes(stage.clock, 8))
    stage.site.fail(release_of(108), takes(stage.clock, 22))
    ended: dict[str, float] = {}
    stage.site.after = lambda step: ended.update({_named(step): stage.clock.seconds})
    report = stage.night()
    assert (report.exit, report.grade) == (Exit.PARTIAL, Grade.PARTIAL)
    assert stage.site.quiesced_at[f"vmware_new_{report.stamp}"] == {108, 110}
    assert ended["release 1226"] - ended["quiesce 1226"] < 3
    assert ended["release 1226"] < ended["release 108"]
    assert stage.site.rows == []
    assert stage.store.open_runs() == []


def test_a_snapshot_that_appears_late_is_removed_at_once_while_another_removal_hangs(tmp_path: Path) -> None:
    stage = BusyStage(tmp_path, pace=replace(PACE, parallel=1, create_timeout=60), clock=LockedClock())
    stage.site.fail(quiesce_of(1226), once(act_after(stage.clock, 8)))
    stage.site.fail(release_of(108), takes(stage.clock, 60))
    ended: dict[str, float] = {}
    stage.site.after = lambda step: ended.update({_named(step): stage.clock.seconds})
    report = stage.night()
    assert report.grade is Grade.PARTIAL
    assert ended["release 1226"] < NIGHT + 30
    assert ended["release 1226"] < ended["release 108"]
    assert stage.site.rows == []


def _named(step: Step) -> str:
    match step:
        case Quiesce(vm):
            return f"quiesce {vm.id}"
        case Release(vm):
            return f"release {vm.id}"
        case _:
            return str(step)


# Somebody else's snapshot

MANUAL = VmSnapshot("snapshot-7", 110, "Manual-before-upgrade", START)
STRANGERS: dict[str, tuple[VmSnapshot, bool]] = {
    "one that the survey listed": (MANUAL, True),
    "one under another name": (MANUAL, False),
    "another VM's": (replace(MANUAL, vm=999), True),
    "another VM's of our name": (replace(MANUAL, vm=999, name="Quiesce-20070323T030000Z"), True),
}


def printing(stage: Stage, row: VmSnapshot, *, made: bool) -> Fault:
    """A create that prints somebody else's id, whether it made a snapshot or not."""

    def prints(step: Step, act: Act) -> Outcome:
        if made:
            act(step)
        if row not in stage.site.rows:
            stage.site.rows.append(row)
        return Done(f"SsId:{row.ssid}", row.ssid)

    return prints


def run_with_a_strangers_id(
    tmp_path: Path, row: VmSnapshot, order: Order, *, early: bool, made: bool
) -> tuple[Stage, VmSnapshot, Report]:
    """Run while vcbsnapshot prints the id of somebody else's snapshot for VM 110, whether or not it made ours."""
    job = replace(PAPER, order=order)
    stage = Stage(tmp_path, job)
    row = replace(row, name=job.vm_snapshot_of(row.name[8:])) if row.name.startswith("Quiesce") else row
    stage.site.rows = [row] if early else []
    stage.site.fail(quiesce_of(110), printing(stage, row, made=made))
    return stage, row, stage.night()


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize(("row", "early"), STRANGERS.values(), ids=STRANGERS)
def test_somebody_elses_snapshot_is_left_alone_and_our_own_is_found_by_its_name(
    tmp_path: Path, row: VmSnapshot, early: bool, order: Order
) -> None:
    stage, row, report = run_with_a_strangers_id(tmp_path, row, order, early=early, made=True)
    if early and row.vm == 110:
        assert (report.exit, report.grade) == (Exit.OK, Grade.WHOLE)  # its own was looked for before the capture
    else:
        assert (report.exit, report.grade) == (Exit.PARTIAL, Grade.PARTIAL)
        assert [one.vm.id for one in report.verdicts if one.state != "quiesced"] == [110]
    assert stage.site.rows == [row]
    assert stage.store.open_runs() == []


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize(("row", "early"), STRANGERS.values(), ids=STRANGERS)
def test_somebody_elses_snapshot_is_left_alone_and_its_vm_is_an_alarm(
    tmp_path: Path, row: VmSnapshot, early: bool, order: Order
) -> None:
    stage, row, report = run_with_a_strangers_id(tmp_path, row, order, early=early, made=False)
    assert (report.exit, report.grade, report.published) == (Exit.OUTSTANDING, Grade.PARTIAL, True)
    assert [one.vm.id for one in report.verdicts if one.state != "quiesced"] == [110]
    assert "sql01 (vm-110)" in report.outstanding[0]
    assert row.ssid in report.outstanding[0]
    assert stage.recover() is Exit.OUTSTANDING  # nothing appears any more, and the id is withheld still
    assert row.ssid in stage.failures[-1]
    assert stage.recover() is Exit.OK
    assert stage.site.rows == [row]
    assert not any(isinstance(step, Release) and step.ssid == row.ssid for step in stage.site.asked)


# No text makes a refusal

FULL = "creating snapshot...\nvolume vol1: the maximum number of snapshots is reached"


def test_a_capture_that_was_made_is_used_although_the_answer_speaks_of_a_maximum(stage: Stage) -> None:
    def made(step: Step, act: Act) -> Outcome:
        act(step)
        return Unknown("the maximum number of snapshots is reached", FULL, failed=True)

    stage.site.fail(capture_of(), made)
    report = stage.night()
    assert (report.exit, report.grade, report.published) == (Exit.OK, Grade.WHOLE, True)
    assert stage.dates()[P] == OLD[R]
    assert stage.store.open_runs() == []


def test_a_capture_that_was_not_made_is_no_backup_and_the_filers_words_say_why(stage: Stage) -> None:
    answer = Unknown("the maximum number of snapshots is reached", FULL, failed=True)
    stage.site.fail(capture_of(), lambda step, act: answer)
    assert stage.night().exit is Exit.FAILED
    assert "maximum" in stage.failures[0]
    assert stage.dates() == OLD
    assert stage.site.rows == []
    assert sum(isinstance(step, Capture) for step in stage.site.asked) == 1


# Two jobs


def test_a_job_leaves_out_a_vm_that_another_jobs_run_has_a_snapshot_on(stage: Stage) -> None:
    other = replace(JOB, name="vol2", volumes=("w",))
    row = VmSnapshot("snapshot-77", 110, "Quiesce-20070322T030000Z", START)
    stage.site.rows = [row]
    quiesced = Intent(1, Quiesce(VM, row.name)), Answered(1, Done(ssid=row.ssid), 1.0)
    stage.begun(Surveyed((), (VM,), (), (), ()), *quiesced, job=other)
    report = stage.night()
    assert (report.exit, report.grade) == (Exit.PARTIAL, Grade.PARTIAL)
    (verdict,) = (one for one in report.verdicts if one.state != "quiesced")
    assert verdict.vm == VM
    assert "run 20070322T030000Z of job vol2" in verdict.why
    assert {step.vm.id for step in stage.site.asked if isinstance(step, Quiesce)} == {108, 1226}
    assert "that no journal knows" not in stage.warnings
    assert stage.site.rows == [row]


def test_two_jobs_at_work_never_have_a_snapshot_each_on_one_vm(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    other = Stage(tmp_path, replace(JOB, name="vol2", volumes=("w",)), clock=stage.clock)
    stage.site.volumes |= other.site.volumes
    other.site = stage.site
    begun: list[str] = []
    reports: list[Report] = []

    def second(step: Step) -> None:
        held = [row.vm for row in stage.site.rows]
        assert len(held) == len(set(held))
        if isinstance(step, Quiesce) and not begun:
            begun.append("vol2")
            reports.append(BackupRun(other.job, other.pace, other.context, other.store, token="").run())

    stage.site.after = second
    assert stage.night().exit in {Exit.OK, Exit.PARTIAL}
    (report,) = reports
    left = {one.vm.id: one.why for one in report.verdicts if one.state != "quiesced"}
    assert set(left) >= {108, 110}
    assert all("of job vol1 may have left Quiesce" in why for why in left.values())
    assert "that no journal knows" not in stage.warnings + other.warnings
    assert stage.site.rows == []


def test_a_vm_that_another_run_takes_after_the_plan_was_made_is_left_out(stage: Stage) -> None:
    def ready() -> None:
        asked = Surveyed((), (VM,), (), (), ()), Intent(1, Quiesce(VM, "Quiesce-20070322T030000Z"))
        stage.begun(*asked, job=replace(JOB, name="vol2", volumes=("w",)))

    run = BackupRun(stage.job, stage.pace, stage.context, stage.store, guard=lambda _: ready, token="")
    report = run.run()
    assert {step.vm.id for step in stage.site.asked if isinstance(step, Quiesce)} == {108, 1226}
    (left,) = (one for one in report.verdicts if one.state != "quiesced")
    assert (left.vm, "of job vol2" in left.why) == (VM, True)
    assert stage.site.rows == []


# A defect


def test_after_a_defect_of_the_decisions_every_vm_is_released(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    struck: list[int] = []

    def breaks(state: RunState, now: datetime, policy: Policy) -> Decision:
        if not struck and all(one.phase is VmPhase.QUIESCED for one in state.vms.values()):
            struck.append(len(state.vms))
            raise ArithmeticError("planted")
        return decide(state, now, policy)

    monkeypatch.setattr("snapall.backup.engine.decide", breaks)
    report = stage.night()
    assert struck == [3]
    assert "planted" in " ".join(stage.failures)
    assert stage.site.rows == []
    assert report.exit is Exit.FAILED
    assert stage.dates() == OLD


# A refused login

LOGIN = "VirtualCenter refused the login of vcbackup: check user and password in [vcenter]"


def no_login(step: Step, act: Act) -> Outcome:
    return Unknown(LOGIN, "Error: InvalidLogin", failed=True, login=True)


@pytest.mark.parametrize("parallel", [1, 2, 3])
def test_a_login_that_is_refused_is_tried_for_as_many_vms_as_are_asked_at_a_time(tmp_path: Path, parallel: int) -> None:
    stage = Stage(tmp_path, pace=replace(PACE, parallel=parallel))
    stage.site.vms = [Vm(n, f"vm{n:02}", "esx1") for n in range(1, 20)]
    stage.site.fail(quiesce_of(), no_login)
    report = stage.night()
    assert sum(isinstance(step, Quiesce) for step in stage.site.asked) == parallel
    assert (report.exit, report.grade, report.published) == (Exit.PARTIAL, Grade.CRASH_CONSISTENT, False)
    assert len(report.verdicts) == 19
    assert all(LOGIN in one.why for one in report.verdicts)
    assert {name: date for name, date in stage.dates().items() if name in CHAIN} == OLD


def test_a_login_that_is_refused_after_a_success_stops_no_create(stage: Stage) -> None:
    stage.site.fail(quiesce_of(1226), no_login)
    report = stage.night()
    assert (report.exit, report.grade, report.published) == (Exit.PARTIAL, Grade.PARTIAL, True)
    assert sum(isinstance(step, Quiesce) for step in stage.site.asked) == 3
    assert stage.site.rows == []


def test_a_login_that_is_refused_between_two_successes_stops_no_create(tmp_path: Path) -> None:
    stage = Stage(tmp_path, pace=replace(PACE, parallel=1))
    stage.site.fail(quiesce_of(110), no_login)
    report = stage.night()
    assert [one.vm.id for one in report.verdicts if one.state == "quiesced"] == [108, 1226]
    assert stage.site.rows == []


def test_a_program_that_cannot_be_started_is_tried_once(tmp_path: Path) -> None:
    stage = Stage(tmp_path, pace=replace(PACE, parallel=1))
    stage.site.fail(quiesce_of(), refuse("vcbsnapshot: no such file"))
    report = stage.night()
    assert sum(isinstance(step, Quiesce) for step in stage.site.asked) == 1
    assert all("no such file" in one.why for one in report.verdicts)


def test_removals_go_on_after_a_refused_login_one_at_a_time_with_pauses(tmp_path: Path) -> None:
    stage = Stage(tmp_path, pace=replace(PACE, parallel=3))
    sent: list[timedelta] = []

    def refused(step: Step, act: Act) -> Outcome:
        sent.append(stage.clock.utc() - START)
        return no_login(step, act)

    stage.site.fail(release_of(), refused)
    stage.clock.later(NIGHT + 25, stage.site.faults.clear)
    report = stage.night()
    assert report.exit is Exit.OK
    assert stage.site.rows == []
    first = [moment for moment in sent if moment == sent[0]]
    assert len(first) == 3
    pauses = [later - earlier for earlier, later in pairwise(sent[2:])]
    assert pauses
    assert all(pause >= timedelta(seconds=10) for pause in pauses)


# After a signal


def test_after_a_signal_vms_that_were_quiesced_are_reported_as_quiesced(stage: Stage) -> None:
    stage.site.after = lambda step: setattr(stage, "stop", stage.stop or quiesce_of(1226)(step))
    report = stage.night()
    assert (report.exit, report.grade) == (Exit.STOPPED, None)
    assert {one.vm.id: one.state for one in report.verdicts} == dict.fromkeys((108, 110, 1226), "quiesced")
    assert not any(isinstance(step, Capture) for step in stage.site.asked)
    assert stage.site.rows == []


def test_after_a_signal_vms_that_were_quiesced_are_so_though_the_capture_then_failed(stage: Stage) -> None:
    go = threading.Event()

    def fails(step: Step, act: Act) -> Outcome:
        stage.stop = True
        assert go.wait(PATIENCE)
        return Unknown("No space left on device", "No space left on device", failed=True)

    stage.site.fail(capture_of(), fails)
    stage.site.after = lambda step: go.set() if isinstance(step, Release) else None
    report = stage.night()
    assert (report.exit, report.grade) == (Exit.STOPPED, None)
    assert {one.vm.id: one.why for one in report.verdicts} == dict.fromkeys((108, 110, 1226), "")
    assert stage.dates() == OLD
    assert stage.site.rows == []


def test_without_a_capture_vms_that_were_quiesced_are_reported_as_quiesced(stage: Stage) -> None:
    stage.site.fail(quiesce_of(110), once(lose))
    stage.site.fail(capture_of(), lambda step, act: Unknown("No space left on device", "No space left", failed=True))
    report = stage.night()
    assert (report.exit, report.grade) == (Exit.OUTSTANDING, None)
    assert {one.vm.id: one.why for one in report.verdicts} == {108: "", 110: "no answer", 1226: ""}
    assert stage.site.rows == []
