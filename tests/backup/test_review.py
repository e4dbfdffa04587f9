"""Faults that a close reading of the core has found, each tried on the in-memory site."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from errno import ENOSPC
from pathlib import Path

import pytest

from snapall.backup import record
from snapall.backup.actions import Decision, Policy, Send
from snapall.backup.decide import decide
from snapall.backup.facts import Answered, Ended, Found, Intent, Surveyed, TakenOver
from snapall.backup.looks import conclude
from snapall.backup.model import FilerSnapshot, Grade, Order, Pace, Policies, Survey, Vm, VmPolicy, VmSnapshot
from snapall.backup.outcome import Origin
from snapall.backup.record import Record, What
from snapall.backup.runstate import RunState
from snapall.backup.sight import VmsListed
from snapall.backup.state import fold
from snapall.backup.steps import Delete, Done, Outcome, Quiesce, Release, Rename, Step, Unknown
from snapall.errors import Exit
from tests.backup.samples import AT, BEGAN
from tests.backup.simulated import (
    JOB,
    PACE,
    Act,
    Killed,
    SimulatedClock,
    Stage,
    capture_of,
    deny,
    lose,
    once,
    quiesce_of,
)

PAPER = replace(JOB, order=Order.PAPER)
VM = Vm(108, "web01", "esx1")


@pytest.mark.parametrize("took", [0.7, 2.0, 3.0])
def test_a_run_ends_although_a_list_was_under_way_when_a_lost_capture_could_act_no_more(
    stage: Stage, took: float
) -> None:
    stage.site.fail(capture_of(), once(lose))
    stage.site.on_listing = lambda: stage.clock.push(took)
    stage.clock.wait = _bounded(stage.clock)  # type: ignore[method-assign,assignment]
    assert stage.night().exit is Exit.OK


@pytest.mark.parametrize("took", [2.0, 7.0])
def test_a_create_is_settled_although_a_look_was_under_way_when_it_could_act_no_more(stage: Stage, took: float) -> None:
    stage.site.fail(quiesce_of(108), lose)
    stage.night()
    stage.site.on_look = lambda: stage.clock.push(took)
    assert stage.recover() is Exit.OK


def test_a_run_whose_journal_was_still_empty_at_the_first_look_owns_its_vms(stage: Stage) -> None:
    claims = stage.store.claims(stage.begun().path, "vc01")
    stamp = "20070322T030001Z"
    empty = stage.store.path("other", stamp)
    empty.touch(0o600)  # another process is about to write its header
    with claims([VM.id]) as taken:
        assert taken == {}
    empty.unlink()
    stage.begun(Intent(1, Quiesce(VM, f"Quiesce-{stamp}")), job=replace(JOB, name="other"), stamp=stamp)
    with claims([VM.id]) as taken:
        assert list(taken) == [VM.id]


@pytest.mark.parametrize("answer", ["there is no such snapshot", ""])
def test_in_paper_order_an_id_that_never_was_hides_no_snapshot(tmp_path: Path, answer: str) -> None:
    stage = Stage(tmp_path, PAPER)

    def misprinted(step: Step, act: Act) -> Outcome:
        act(step)
        return Done("SsId:snapshot-9", "snapshot-9")

    stage.site.fail(quiesce_of(VM.id), misprinted)
    wrong = Release(VM, "snapshot-9")
    stage.site.fail(lambda step: step == wrong, deny(answer) if answer else lose)
    night, recovered = stage.night().exit, stage.recover()
    assert stage.site.rows == [] or (night, recovered) == (Exit.OUTSTANDING, Exit.OUTSTANDING)
    assert stage.site.rows == [] or not answer


def test_of_three_runs_of_a_job_the_newest_moves_no_name_that_the_oldest_may_move_yet(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    recent, previous, third, fourth = JOB.chain
    stage.begun(Intent(1, Rename("v", recent, previous)), stamp="20070322T030000Z")
    stage.begun(Intent(1, Rename("v", previous, third)), stamp="20070323T030000Z")
    made: list[Step] = [Delete("v", fourth), Rename("v", third, fourth)]
    sent = [Intent(n, step) for n, step in enumerate(made, 1)]
    answers = [Answered(n, Done("done"), 1.0) for n, _ in enumerate(made, 1)]
    stage.begun(*sent, *answers, stamp="20070324T030000Z")
    stage.site.volumes["v"] = [FilerSnapshot(name, "old") for name in (recent, fourth)]
    at: list[float] = []
    stage.site.after = lambda _: at.append(stage.clock.seconds)
    stage.recover()
    assert at, "nothing was renamed back"
    assert min(at) >= stage.pace.filer_timeout


def test_recover_says_that_it_could_not_write_down_what_it_did(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.begun(Intent(1, Quiesce(VM, "Quiesce-x")), Answered(1, Done("SsId:snapshot-5", "snapshot-5"), 1.0))
    stage.site.rows.append(VmSnapshot("snapshot-5", VM.id, "Quiesce-x"))

    def full(_descriptor: int, _data: bytes) -> None:
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr("snapall.backup.journal._write_all", full)
    stage.recover()
    assert stage.site.rows == []
    assert "No space left on device" in stage.warnings


def test_after_a_takeover_what_appears_late_waits_for_no_slow_removal_either() -> None:
    other, name = Vm(110, "sql01", "esx1"), f"Quiesce-{BEGAN.stamp}"
    began = replace(BEGAN, pace=Pace(parallel=1))
    known = Answered(1, Done("SsId:snapshot-5", "snapshot-5"), 1.0)
    state = _told(began, Intent(1, Quiesce(VM, name)), known, Intent(2, Quiesce(other, name)))
    state = _told(TakenOver("guardian", "the run died"), Intent(3, Release(VM, "snapshot-5")), state=state)
    state = _told(Found(other.id, "snapshot-6"), state=state)
    row = VmSnapshot("snapshot-6", other.id, name)
    state = _told(VmsListed(frozenset({other.id}), (row,), frozenset({other.id}), state.version), state=state)
    actions = decide(state, AT + timedelta(seconds=state.version), Policy(wait=True)).actions
    assert Send(record.Stage.RELEASE, Release(other, "snapshot-6")) in actions


def test_a_defect_in_one_runs_decisions_keeps_no_other_runs_vm_quiesced(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n, (vm, job) in enumerate([(VM, replace(JOB, name="a")), (Vm(110, "sql01", "esx1"), JOB)]):
        row = VmSnapshot(f"snapshot-{n}", vm.id, "Quiesce-x")
        stage.site.rows.append(row)
        stage.begun(Intent(1, Quiesce(vm, row.name)), Answered(1, Done(f"SsId:{row.ssid}", row.ssid), 1.0), job=job)

    def defective(state: RunState, now: datetime, policy: Policy) -> Decision:
        if state.header.job.name == "a":
            raise ZeroDivisionError
        return decide(state, now, policy)

    monkeypatch.setattr("snapall.backup.engine.decide", defective)
    assert stage.recover() is Exit.OUTSTANDING
    assert [row.vm for row in stage.site.rows] == [VM.id]
    assert any("ZeroDivisionError" in text for text in stage.failures)


def test_a_defect_in_one_jobs_rotation_keeps_no_other_job_from_its_own(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.site.fail(lambda step: isinstance(step, Rename), deny("busy"))
    assert stage.night().exit is Exit.PARTIAL
    stage.site.faults.clear()
    first = replace(JOB, name="a", volumes=("nowhere",))
    known = Origin("nowhere", "vmware_new_x", "d", "20070322T030000Z", Grade.WHOLE, 1, 1)
    survey = Surveyed((), (), (), (), (known,), capture="vmware_new_x")
    stage.begun(survey, Ended(0, open=False, text=""), job=first)  # its volume makes the site raise a KeyError
    assert stage.recover(jobs=[first, JOB]) is Exit.PARTIAL
    assert stage.names()[0] == JOB.newest
    assert any("KeyError" in text for text in stage.failures)


def test_a_removal_of_an_id_that_never_was_releases_no_vm_that_still_has_another(stage: Stage) -> None:
    def misprinted(step: Step, act: Act) -> Outcome:
        act(step)
        return Done("SsId:snapshot-9", "snapshot-9")

    def fails(_step: Step, _act: Act) -> Outcome:
        stage.site.database_down = True
        return Unknown("it failed", "it failed", failed=True)

    stage.site.fail(quiesce_of(VM.id), misprinted)
    stage.site.fail(lambda step: isinstance(step, Release) and step.vm == VM and step.ssid != "snapshot-9", fails)
    report = stage.night()
    assert [row.vm for row in stage.site.rows] == [VM.id]
    assert report.exit is Exit.OUTSTANDING
    assert VM.label in " ".join(report.outstanding)


def test_a_vm_that_is_watched_costs_the_whole_success_though_the_job_has_it_no_more(stage: Stage) -> None:
    gone = Vm(999, "gone01")
    stage.site.vms.append(gone)
    survey = stage.site.survey
    stage.site.survey = lambda: replace(survey(), vms=tuple(vm for vm in stage.site.vms if vm != gone))  # type: ignore[method-assign]
    journal = stage.begun(Intent(1, Quiesce(gone, "Quiesce-20070322T030000Z")))
    stage.clock.push(86400 - 10)
    journal.append([Answered(1, Unknown("it failed", "it failed", failed=True), 1.0)])
    journal.leave()
    stage.clock.push(10 - 86400)
    report = stage.night()
    assert gone.label in " ".join(report.watched)
    assert report.exit is Exit.PARTIAL


def test_a_vm_that_is_not_listed_while_its_create_is_under_way_is_not_given_up() -> None:
    state = _told(BEGAN, Intent(1, Quiesce(VM, f"Quiesce-{BEGAN.stamp}")))
    seen = VmsListed(frozenset({VM.id}), (), frozenset(), state.version)
    state = _told(seen, state=state)
    state = _told(*conclude(state, seen, AT), Answered(1, Done("SsId:snapshot-5", "snapshot-5"), 1.0), state=state)
    assert state.vms[VM.id].ids == ("snapshot-5",)
    assert state.open


def test_a_refused_login_is_named_with_its_remedy_though_every_vm_was_asked_for_at_once(tmp_path: Path) -> None:
    stage = Stage(tmp_path, pace=replace(PACE, parallel=4))
    why = "VirtualCenter refused the login"
    stage.site.fail(quiesce_of(), lambda _step, _act: Unknown(why, why, failed=True, login=True))
    stage.night()
    assert sum(why in text for text in stage.failures) == 1


def test_a_vm_that_must_be_quiesced_and_that_another_run_has_is_named_with_that_reason(tmp_path: Path) -> None:
    stage = Stage(tmp_path, replace(JOB, policies=Policies(((VM.label.split()[0], VmPolicy.MUST),))))
    survey = stage.site.survey

    def claimed_meanwhile() -> Survey:
        found = survey()
        stage.begun(Intent(1, Quiesce(VM, "Quiesce-20070322T030000Z")), job=replace(JOB, name="other"))
        return found

    stage.site.survey = claimed_meanwhile  # type: ignore[method-assign]
    assert stage.night().exit is Exit.FAILED
    assert any("of job other" in text for text in stage.failures)


def _bounded(clock: SimulatedClock) -> Callable[[float, Callable[[], bool]], None]:
    """Waiting, which fails the test once two days have gone by."""
    wait = clock.wait

    def bounded(seconds: float, until: Callable[[], bool]) -> None:
        if clock.seconds > 2 * 86400:
            raise Killed
        wait(seconds, until)

    return bounded


def _told(*whats: What, state: RunState | None = None) -> RunState:
    """The state after these records, one a second."""
    began = state.version if state is not None else 0
    return fold([Record(AT + timedelta(seconds=began + n), what) for n, what in enumerate(whats)], state)


def test_an_id_that_another_vm_of_the_run_has_is_not_believed(stage: Stage) -> None:
    def repeats(step: Step, act: Act) -> Outcome:
        act(step)
        (ssid,) = (row.ssid for row in stage.site.rows if row.vm == VM.id)
        return Done(f"SsId:{ssid}", ssid)

    stage.site.fail(quiesce_of(110), repeats)
    assert stage.night().exit is Exit.OK
    removed = [step for step in stage.site.asked if isinstance(step, Release)]
    assert len({step.ssid for step in removed}) == len(removed) == 3
    assert stage.site.rows == []


def test_in_paper_order_a_snapshot_that_was_mistaken_for_ours_and_vanished_hides_no_late_one(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    others = VmSnapshot("snapshot-7", VM.id, "Quiesce")

    def fails(step: Step, act: Act) -> Outcome:
        stage.site.rows.append(others)
        stage.clock.later(PACE.settle / 2, lambda: act(step))
        return Unknown("it failed", failed=True)

    def vanishes(step: Step, act: Act) -> Outcome:
        stage.site.rows.remove(others)
        return act(step)

    stage.site.fail(quiesce_of(VM.id), fails)
    stage.site.fail(capture_of(), vanishes)
    assert stage.night().exit is not Exit.OK
    assert stage.recover() in {Exit.OK, Exit.OUTSTANDING}
    assert stage.site.rows == []
    assert stage.recover() is Exit.OK
    assert not stage.store.open_runs()


def test_a_pending_backup_that_is_replaced_goes_from_every_volume(tmp_path: Path) -> None:
    stage = crash_consistent_nights(tmp_path, 2)
    stage.night()
    assert pending(stage, "v") == pending(stage, "w")
    assert len(pending(stage, "v")) == 1


@pytest.mark.parametrize("settled", ["by recover", "by the next run"])
def test_the_rest_of_a_replaced_backup_goes_after_a_kill_between_its_volumes(tmp_path: Path, settled: str) -> None:
    stage = crash_consistent_nights(tmp_path, 2)
    deletions: list[What] = []

    def between(what: What) -> bool:
        deletions.extend([what] if isinstance(what, Intent) and isinstance(what.step, Delete) else [])
        return len(deletions) > 1

    stage.killed(stage.night, between)
    assert len(pending(stage, "v")) < len(pending(stage, "w"))
    assert stage.recover() in {Exit.OK, Exit.PARTIAL} if settled == "by recover" else stage.night()
    assert pending(stage, "v") == pending(stage, "w")


def crash_consistent_nights(folder: Path, count: int) -> Stage:
    """Nights on two volumes in which no VM can be quiesced: what they capture stays pending."""
    stage = Stage(folder, replace(JOB, volumes=("v", "w")))
    stage.site.fail(quiesce_of(), deny("the VM is busy"))
    for _ in range(count):
        stage.night()
    return stage


def pending(stage: Stage, volume: str) -> list[str]:
    return [name for name in stage.names(volume) if "_new_" in name]
