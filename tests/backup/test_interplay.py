"""Nights in which two things happen at once, or the wrong thing breaks at the wrong time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from snapall.backup.context import RunContext
from snapall.backup.facts import Certified, ReleaseBegan
from snapall.backup.lock import hold
from snapall.backup.model import Grade, Order, Policies, Vm, VmPolicy
from snapall.backup.run import BackupRun
from snapall.backup.steps import Capture, Delete, Done, Outcome, Quiesce, Release, Rename, Step, Unknown
from snapall.errors import Exit, Stopped
from tests.backup.simulated import (
    CHAIN,
    JOB,
    PACE,
    Act,
    SimulatedClock,
    Stage,
    act_unanswered,
    capture_of,
    deny,
    lose,
    once,
    quiesce_of,
    refuse,
    release_of,
)
from tests.waiting import PATIENCE

R, P, S3, S4 = CHAIN
PAPER = replace(JOB, order=Order.PAPER, publish=Grade.CRASH_CONSISTENT)
OLD = {name: f"old {name}" for name in CHAIN}


class Ticking(SimulatedClock):
    """A clock that moves a little whenever it is asked, so that patience ends by itself."""

    def monotonic(self) -> float:
        self.push(0.3)
        return self.seconds


@pytest.fixture
def ticking(tmp_path: Path) -> Stage:
    return Stage(tmp_path, clock=Ticking())


def kept(stage: Stage, volume: str = "v") -> dict[str, str]:
    return {name: date for name, date in stage.dates(volume).items() if name in CHAIN}


# Whatever ends the run


@pytest.mark.parametrize("where", ["quiescing", "capturing"])
def test_an_interrupt_in_snapall_itself_passes_on_only_after_the_release(stage: Stage, where: str) -> None:
    last = quiesce_of(1226) if where == "quiescing" else capture_of()
    main = threading.current_thread()
    raised, acted = threading.Event(), threading.Event()

    def quiesced() -> set[int]:
        return {step.vm.id for step in stage.site.ledger if isinstance(step, Quiesce)}

    def interrupted() -> bool:
        begun = any(last(step) for step in stage.site.asked) and quiesced() >= {108, 110}
        if threading.current_thread() is main and begun and not raised.is_set():
            raised.set()
            raise KeyboardInterrupt
        return False

    def slow(step: Step, act: Act) -> Outcome:
        assert raised.wait(PATIENCE)
        outcome = act(step)
        acted.set()
        return outcome

    stage.site.fail(last, slow)
    context = RunContext(stage.site, stage.clock, stage.listen, interrupted)
    with pytest.raises(KeyboardInterrupt):
        BackupRun(stage.job, stage.pace, context, stage.store).run()
    assert {step.vm.id for step in stage.site.ledger if isinstance(step, Release)} >= {108, 110}
    assert stage.site.disproved == []
    assert acted.wait(PATIENCE)  # the last one may be quiesced after the run's end
    assert stage.recover() is Exit.OK
    assert stage.site.rows == []


def test_a_base_exception_in_a_call_is_a_defect_that_delays_nothing(stage: Stage) -> None:
    class Ends(BaseException):
        pass

    def ends(step: Step, act: Act) -> Outcome:
        raise Ends

    stage.site.fail(quiesce_of(1226), ends)
    report = stage.night()
    assert (report.exit, report.grade) == (Exit.OUTSTANDING, Grade.PARTIAL)  # the create may have been sent
    assert "Traceback" in " ".join(stage.failures)
    assert stage.site.rows == []


def test_a_defect_in_the_rotation_exits_3_with_its_traceback(stage: Stage) -> None:
    def explode(step: Step, act: Act) -> Outcome:
        raise RuntimeError("a defect")

    stage.site.fail(lambda step: isinstance(step, Delete), explode)
    report = stage.night()
    assert (report.exit, report.published) == (Exit.PARTIAL, False)
    assert "Traceback" in stage.failures[0]
    assert stage.site.rows == []
    assert kept(stage) == OLD
    stage.site.faults.clear()
    assert stage.recover() is Exit.OK
    assert kept(stage)[P] == OLD[R]


def test_a_run_that_waits_for_recover_is_stopped_by_a_signal(stage: Stage) -> None:
    with hold(stage.state, "vol1", "recover", stage.clock, lambda: False):
        stage.stop = True
        with pytest.raises(Stopped) as caught:
            stage.night()
    assert caught.value.exit is Exit.STOPPED


# Stragglers


def test_a_call_that_answers_after_the_run_writes_to_no_journal(ticking: Stage) -> None:
    go, done = threading.Event(), threading.Event()

    def hang(step: Step, act: Act) -> Outcome:
        assert go.wait(PATIENCE)
        return act(step)

    ticking.job = replace(JOB, max_quiesced=6)
    ticking.site.fail(quiesce_of(110), hang)
    ticking.site.after = lambda step: done.set() if quiesce_of(110)(step) else None
    report = ticking.night()
    assert report.exit is Exit.OUTSTANDING
    (path,) = ticking.store.open_runs()
    before = path.read_bytes()
    go.set()
    assert done.wait(PATIENCE)
    assert [row.vm for row in ticking.site.rows] == [110]
    assert ticking.recover() is Exit.OK
    assert path.read_bytes().startswith(before)
    assert ticking.site.rows == []


def test_a_vm_that_is_quiesced_late_is_released_before_the_rotation_waits(ticking: Stage) -> None:
    go = threading.Event()

    def hang(step: Step, act: Act) -> Outcome:
        assert go.wait(PATIENCE)
        return act(step)

    ticking.job = replace(JOB, max_quiesced=6, busy_wait=600)
    ticking.site.volumes["v"][1] = replace(ticking.site.volumes["v"][1], tags=("busy",))
    ticking.site.fail(quiesce_of(110), hang)
    ticking.site.after = lambda step: go.set() if isinstance(step, Release) else None
    waited: list[int] = []
    wait = ticking.clock.wait

    def waits(seconds: float, until: Callable[[], bool]) -> None:
        waited.append(len(ticking.site.rows))
        wait(seconds, until)

    ticking.clock.wait = waits  # type: ignore[method-assign]
    report = ticking.night()
    assert report.grade is Grade.PARTIAL
    assert waited
    assert set(waited) == {0}
    assert report.outstanding == ()


def test_the_release_is_recorded_even_if_no_id_is_known_to_remove(stage: Stage) -> None:
    """Its guardian would take the run for stuck."""
    stage.site.fail(quiesce_of(), lose)
    begun: list[bool] = []

    def look() -> None:
        (path,) = stage.store.open_runs()
        begun.append(any(isinstance(record.what, ReleaseBegan) for record in stage.store.open(path).records))

    stage.site.on_look = look
    stage.night()
    assert begun[-1]


def test_no_volume_is_captured_once_the_release_has_begun(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(JOB, volumes=("v", "w")), clock=Ticking())
    go = threading.Event()

    def slow(step: Step, act: Act) -> Outcome:
        assert go.wait(PATIENCE)
        return act(step)

    stage.site.fail(capture_of("v"), slow)
    stage.site.after = lambda step: go.set() if isinstance(step, Release) else None
    assert stage.night().exit is Exit.FAILED
    assert not any(isinstance(step, Capture) and step.volume == "w" for step in stage.site.asked)
    assert stage.dates("v") == stage.dates("w") == OLD
    assert stage.store.open_runs() == []


def test_no_volume_is_captured_after_a_signal(tmp_path: Path) -> None:
    for order in Order:
        stage = Stage(tmp_path / order, replace(PAPER, order=order, volumes=("v", "w")))
        stage.site.after = lambda step, stage=stage: setattr(stage, "stop", stage.stop or isinstance(step, Capture))  # type: ignore[misc]
        assert stage.night().exit is Exit.STOPPED
        assert sum(isinstance(step, Capture) for step in stage.site.asked) == 1
        lost = {S4} if order is Order.PAPER else set()
        assert set(stage.names("v")) == set(stage.names("w")) == set(CHAIN) - lost
        assert stage.site.rows == []


def test_a_database_that_hangs_before_the_capture_keeps_no_vm_longer_than_the_filers_time_out(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(JOB, policies=Policies((("sql01", VmPolicy.MUST),))), clock=Ticking())
    go = threading.Event()

    def hang() -> None:
        if any(isinstance(step, Quiesce) for step in stage.site.asked):
            assert go.wait(PATIENCE)

    stage.site.on_look = hang
    stage.site.fail(quiesce_of(110), lambda step, act: Unknown("no SsId", claimed=True))
    stage.site.after = lambda step: go.set() if isinstance(step, Release) else None
    report = stage.night()
    assert report.exit is Exit.OUTSTANDING
    assert not any(isinstance(step, Capture) for step in stage.site.asked)
    assert stage.site.rows == []


# A signal, and what comes of the capture


def test_a_backup_that_comes_after_the_signal_stays_outside_the_chain(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(JOB, publish=Grade.CRASH_CONSISTENT))
    go = threading.Event()

    def slow(step: Step, act: Act) -> Outcome:
        stage.stop = True
        assert go.wait(PATIENCE)
        return act(step)

    stage.site.fail(capture_of(), once(slow))
    stage.site.after = lambda step: go.set() if isinstance(step, Release) else None
    report = stage.night()
    assert (report.exit, report.published) == (Exit.STOPPED, False)
    assert kept(stage) == OLD
    stage.stop = False
    assert stage.night().exit is Exit.OK
    assert kept(stage)[P].startswith("born")


def test_after_the_confirmation_a_signal_does_not_make_an_alarm_of_a_database_that_lags(stage: Stage) -> None:
    gone: list[str] = []

    def lag(step: Step, act: Act) -> Outcome:
        stage.stop = True
        gone.append(step.ssid if isinstance(step, Release) else "")
        return Done()

    stage.site.fail(release_of(), lag)
    wait = stage.clock.wait

    def later(seconds: float, until: Callable[[], bool]) -> None:
        stage.site.rows = []
        wait(seconds, until)

    stage.clock.wait = later  # type: ignore[method-assign]
    assert stage.night().exit is Exit.OK
    assert len(gone) == 3


def test_a_stopped_run_does_not_look_for_long(stage: Stage) -> None:
    def lag(step: Step, act: Act) -> Outcome:
        stage.stop = True
        return Done()

    stage.site.fail(release_of(), lag)
    assert stage.night().exit is Exit.OUTSTANDING
    assert stage.clock.monotonic() < 86400 + 40


# Paper order


def test_an_old_snapshot_is_never_taken_for_the_new_one(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    stage.site.fail(lambda step: isinstance(step, Rename) and step.old == R, once(lambda step, act: Done()))
    stage.site.fail(capture_of(), lose)
    report = stage.night()
    assert (report.exit, report.name) == (Exit.FAILED, "")
    assert not any(isinstance(step, Capture) for step in stage.site.asked)
    assert kept(stage) == {name: OLD[name] for name in (R, P, S3)}
    assert "contradicts the filer's answers" in stage.failures[0]


def test_an_unconfirmed_capture_under_a_chain_name_delays_the_next_run(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)

    def break_down(step: Step, act: Act) -> Outcome:
        act(step)
        stage.site.filer_down = True
        return Unknown("no answer")

    stage.site.fail(capture_of(), once(break_down))
    assert stage.night().exit is Exit.FAILED
    assert stage.site.rows == []
    looks: list[int] = []

    def first_fails() -> None:
        looks.append(1)
        stage.site.filer_down = len(looks) == 1

    stage.site.on_listing = first_fails
    asked = len(stage.site.asked)
    assert stage.night().exit is Exit.FAILED
    assert len(stage.site.asked) == asked
    assert "is unknown" in stage.failures[-1]
    assert stage.night().exit is Exit.OK
    assert [date.split()[0] for date in (stage.dates()[name] for name in CHAIN)] == ["born", "born", "old", "old"]


def test_an_unconfirmed_capture_on_another_filer_delays_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)

    def break_down(step: Step, act: Act) -> Outcome:
        stage.site.filer_down = True
        return Unknown("no answer")

    stage.site.fail(capture_of(), once(break_down))
    stage.night()
    stage.site.filer_down = False
    stage.site.filer = "filer2"
    assert stage.night().exit is Exit.OK
    assert "filer1" in stage.failures[-1]


def test_paper_order_waits_for_a_busy_name_and_surveys_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    stage.site.volumes["v"][1] = replace(stage.site.volumes["v"][1], tags=("busy",))

    def let_go() -> None:
        if stage.clock.monotonic() > 86400 + 60:
            stage.site.volumes["v"] = [replace(row, tags=()) for row in stage.site.volumes["v"]]
            stage.site.vms = [Vm(108, "web01"), Vm(7, "new")]

    stage.site.on_listing = let_go
    assert stage.night().exit is Exit.OK
    assert {step.vm.id for step in stage.site.asked if isinstance(step, Quiesce)} == {108, 7}
    assert not any(name.startswith("vmware_new") for name in stage.names())


def test_a_signal_ends_the_wait_for_a_busy_name(tmp_path: Path) -> None:
    for order in Order:
        stage = Stage(tmp_path / order, replace(PAPER, order=order))
        stage.site.volumes["v"][1] = replace(stage.site.volumes["v"][1], tags=("busy",))
        wait = stage.clock.wait

        def stops(seconds: float, until: Callable[[], bool], stage: Stage = stage, wait: object = wait) -> None:
            stage.stop = True

        stage.clock.wait = stops  # type: ignore[method-assign]
        report = stage.night()
        assert report.exit is (Exit.STOPPED if order is Order.PAPER else Exit.PARTIAL)
        assert kept(stage) == OLD
        assert stage.site.rows == []


def test_a_blocked_paper_run_plans_what_it_does(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    stage.site.volumes["v"][1] = replace(stage.site.volumes["v"][1], tags=("busy",))
    stage.night()
    stage.site.volumes["v"] = [replace(row, tags=()) for row in stage.site.volumes["v"]]
    pending = next(name for name in stage.names() if name not in CHAIN)
    stage.site.volumes["v"] = [
        replace(row, tags=("snapmirror",)) if row.name == pending else row for row in stage.site.volumes["v"]
    ]
    stage.events.clear()
    stage.night()
    assert "planned again" not in stage.warnings
    assert kept(stage) == OLD


# What an earlier run left


def test_outstanding_work_is_looked_at_again_at_the_end_of_the_run(stage: Stage) -> None:
    stage.site.fail(quiesce_of(110), once(lose))
    assert stage.night().exit is Exit.OUTSTANDING
    stage.clock.push(-86400)

    def passes(step: Step) -> None:
        if isinstance(step, Capture):
            stage.clock.push(2 * PACE.settle)

    stage.site.after = passes
    report = stage.night()
    assert (report.exit, report.outstanding) == (Exit.PARTIAL, ())
    assert stage.store.open_runs() == []


def test_snapshots_of_an_earlier_run_that_appear_during_the_run_are_released_at_its_end(stage: Stage) -> None:
    stage.site.fail(quiesce_of(110), once(lose))
    first = stage.night()
    stage.clock.push(-86400)

    def appears(step: Step) -> None:
        if isinstance(step, Capture):
            stage.site._act(Quiesce(Vm(110), f"Quiesce-{first.stamp}"))

    stage.site.after = appears
    assert stage.night().exit is Exit.PARTIAL
    assert stage.site.rows == []


def test_a_journal_that_cannot_be_read_costs_no_backup_but_is_an_alarm(stage: Stage) -> None:
    with stage.begun().path.open("a") as file:
        file.write("hello\n")
    report = stage.night()
    assert (report.exit, report.grade, report.published) == (Exit.OUTSTANDING, Grade.WHOLE, True)
    assert "line 2" in stage.failures[0]


def test_a_defect_while_settling_an_earlier_run_costs_no_backup_but_is_an_alarm(stage: Stage) -> None:
    def explode(step: Step, act: Act) -> Outcome:
        raise RuntimeError("a defect")

    stage.site.fail(release_of(110), explode)
    stage.night()
    stage.events.clear()
    report = stage.night()
    assert (report.exit, report.published) == (Exit.OUTSTANDING, True)
    assert "Traceback" in stage.failures[0]
    assert [row.vm for row in stage.site.rows] == [110]


def test_another_jobs_open_run_is_a_warning(stage: Stage) -> None:
    stage.begun(job=replace(JOB, name="vol2"))
    assert stage.night().exit is Exit.OK
    assert "an earlier run of job vol2 is unfinished: run `snapall recover vol2`" in stage.warnings


def test_a_running_run_of_another_job_gives_no_warning(stage: Stage) -> None:
    stage.begun(job=replace(JOB, name="vol2"))
    with hold(stage.store.state, "vol2", "run", stage.clock, lambda: False):
        assert stage.night().exit is Exit.OK
    assert "unfinished" not in stage.warnings


# The journal


def test_a_survey_that_cannot_be_written_down_stops_the_run_before_anything(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)

    def away() -> None:
        for path in stage.store.folder.glob("*.jsonl"):
            path.rename(path.with_suffix(".away"))

    def back(step: Step) -> None:
        raise AssertionError(f"{step} was sent")

    stage.site.on_look, stage.site.after = away, back
    assert stage.night().exit is Exit.FAILED
    assert stage.site.asked == []


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("when", range(1, 13))
def test_whenever_the_journal_breaks_every_vm_is_released_and_no_backup_is_lost(
    tmp_path: Path, order: Order, when: int
) -> None:
    stage = Stage(tmp_path, replace(PAPER, order=order), replace(PACE, parallel=1))

    def breaks(step: Step) -> None:
        if len(stage.site.asked) == when:
            for path in stage.store.folder.glob("*.jsonl"):
                path.rename(path.with_suffix(".away"))

    stage.site.after = breaks
    report = stage.night()
    assert stage.site.rows == []
    captured = stage.site.quiesced_at
    lost = set(OLD.values()) - set(stage.dates().values())
    assert lost <= ({OLD[S4]} if captured or order is Order.PAPER else set())
    assert report.exit is not Exit.OUTSTANDING
    assert (report.exit is Exit.FAILED) == (not captured)
    for path in stage.store.folder.glob("*.away"):
        path.rename(path.with_suffix(".jsonl"))
    stage.site.after = lambda step: None
    assert stage.recover() is Exit.OK
    assert stage.store.open_runs() == []
    assert stage.site.rows == []
    if captured:
        assert stage.dates()[R].startswith("born")
        assert lost | (set(OLD.values()) - set(stage.dates().values())) <= {OLD[S4]}


def test_old_journals_that_cannot_be_removed_are_a_warning(stage: Stage) -> None:
    stage.night()
    context = stage.context
    folder = stage.store.folder
    (path,) = folder.glob("*.jsonl")
    report = BackupRun(stage.job, stage.pace, context, stage.store, keep_journals=1).run()
    assert report.exit is Exit.OK
    assert not path.exists()


# The rotation


def test_a_rename_that_only_seemed_to_work_is_found_when_the_list_is_read_back(stage: Stage) -> None:
    stage.site.fail(lambda step: isinstance(step, Rename) and step.new == R, once(lambda step, act: Done()))
    report = stage.night()
    assert (report.exit, report.published) == (Exit.PARTIAL, False)
    assert report.name == f"vmware_new_{report.stamp}"
    assert "contradicts the filer's answers" in stage.failures[0]
    assert R not in stage.names()


def test_a_delete_without_an_answer_is_settled_by_looking(stage: Stage) -> None:
    stage.site.fail(lambda step: isinstance(step, Delete), act_unanswered)
    assert stage.night().exit is Exit.OK
    assert sum(isinstance(step, Delete) for step in stage.site.asked) == 1


def test_a_filer_that_dies_during_the_rotation_leaves_the_rest_to_the_next_command(stage: Stage) -> None:
    def dies(step: Step, act: Act) -> Outcome:
        stage.site.filer_down = True
        return Unknown("no answer")

    stage.site.fail(lambda step: isinstance(step, Rename) and step.old == P, once(dies))
    report = stage.night()
    assert (report.exit, report.published) == (Exit.PARTIAL, False)
    assert "the rotation was not finished" in stage.failures[0]
    stage.site.filer_down = False
    assert stage.recover() is Exit.OK
    assert kept(stage)[P] == OLD[R]


def test_a_refused_delete_leaves_the_chain_and_the_new_backup(stage: Stage) -> None:
    stage.site.fail(lambda step: isinstance(step, Delete), deny("Snapshot is busy because of LUN clone"))
    for _ in range(3):
        assert stage.night().exit is Exit.PARTIAL
        assert kept(stage) == OLD
    stage.site.faults.clear()
    assert stage.night().exit is Exit.OK
    assert set(stage.names()) == set(CHAIN)


# The certificate


def test_the_journals_certificate_matches_what_really_happened(stage: Stage) -> None:
    stage.site.fail(quiesce_of(110), refuse("not started"))
    report = stage.night()
    newest = stage.store.newest("vol1")
    assert newest is not None
    (certificate,) = (record.what for record in newest.records if isinstance(record.what, Certified))
    quiesced = {one.vm.id for one in certificate.verdicts if one.state == "quiesced"}
    assert quiesced == stage.site.quiesced_at[f"vmware_new_{report.stamp}"]
    assert not stage.state_of(newest).open


def test_a_create_that_fails_on_the_second_try_is_not_confirmed(stage: Stage) -> None:
    answers: Iterator[Outcome] = iter(
        [Unknown("no answer"), Unknown("No space left on device", "No space left on device", failed=True)]
    )
    stage.site.fail(capture_of(), lambda step, act: next(answers))
    assert stage.night().exit is Exit.FAILED
    assert stage.dates() == OLD
