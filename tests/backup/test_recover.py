"""Recover: every open journal of the state folder, whatever else is broken; and orphans on the operator's word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from snapall.backup.context import RunContext
from snapall.backup.facts import Answered, Confirmed, Fact, Found, Intent, Left, Surveyed
from snapall.backup.lock import Use, hold, use_of
from snapall.backup.lockfile import Lock
from snapall.backup.model import FilerSnapshot, Grade, Job, Order, Vm, VmSnapshot
from snapall.backup.outcome import Report
from snapall.backup.record import OutstandingFound, What
from snapall.backup.recover import Recovery
from snapall.backup.run import BackupRun
from snapall.backup.steps import Capture, Done, Outcome, Quiesce, Rename, Step, Unknown
from snapall.errors import Exit
from tests.backup.simulated import (
    CHAIN,
    JOB,
    PACE,
    Act,
    Stage,
    lose,
    quiesce_of,
    release_of,
)
from tests.platforms import posix

R, P, S3, S4 = CHAIN
VM = Vm(110, "sql01", "esx1")
NAME = "Quiesce-20070322T030000Z"
ROW = VmSnapshot("snapshot-1228", 110, NAME)
SURVEYED = Surveyed((), (VM,), (), (), ())
QUIESCED: tuple[Fact, ...] = (SURVEYED, Intent(1, Quiesce(VM, NAME)), Answered(1, Done(ssid=ROW.ssid), 1.0))
PAPER = replace(JOB, order=Order.PAPER, publish=Grade.CRASH_CONSISTENT)


def owing(stage: Stage, vm: Vm, job: Job, stamp: str, *, answered: bool) -> None:
    """A run that died with this VM quiesced, or with no answer about it."""
    name = f"Quiesce-{stamp}"
    facts: list[Fact] = [replace(SURVEYED, targets=(vm,)), Intent(1, Quiesce(vm, name))]
    if answered:
        facts.append(Answered(1, Done(ssid=f"snapshot-{stamp}"), 1.0))
        stage.site.rows.append(VmSnapshot(f"snapshot-{stamp}", vm.id, name))
    stage.begun(*facts, job=job, stamp=stamp)


def test_with_nothing_to_recover_nothing_is_contacted(stage: Stage) -> None:
    stage.site.filer_down = stage.site.database_down = True
    assert stage.recover() is Exit.OK
    assert list(stage.state.iterdir()) == []


def test_all_vms_with_known_ids_are_released_before_anything_is_waited_for(stage: Stage) -> None:
    owing(stage, Vm(108), replace(JOB, name="a"), "20070322T030000Z", answered=False)
    owing(stage, Vm(110), replace(JOB, name="b"), "20070322T030001Z", answered=True)
    owing(stage, Vm(1226), replace(JOB, name="b"), "20070322T030002Z", answered=False)
    owing(stage, Vm(1226), replace(JOB, name="c"), "20070322T030003Z", answered=True)
    released: list[float] = []
    stage.site.after = lambda step: released.append(stage.clock.monotonic())
    assert stage.recover(jobs=[replace(JOB, name="a")]) is Exit.OK
    assert released == [0.0, 0.0]
    assert stage.clock.monotonic() >= stage.pace.settle
    assert stage.site.rows == []
    assert stage.store.open_runs() == []
    assert sum(isinstance(what, OutstandingFound) for what in stage.events) == 4


def test_a_job_that_is_no_longer_configured_is_settled_as_its_header_says(stage: Stage) -> None:
    gone = replace(JOB, name="gone", volumes=("w",))
    owing(stage, VM, gone, "20070322T030000Z", answered=True)
    asked: list[str] = []

    def context_for(job: Job) -> RunContext:
        asked.append(job.name)
        assert job in (gone, JOB)
        return stage.context

    recovery = Recovery(stage.store, context_for, stage.context.publish, lambda: False, wait=True)
    assert recovery.recover([JOB]) is Exit.OK
    assert set(asked) == {"gone"}
    assert stage.site.rows == []


@posix("Windows opens no folder to see what it is")
def test_one_broken_journal_keeps_no_other_from_being_settled(stage: Stage) -> None:
    owing(stage, Vm(108), JOB, "20070322T030000Z", answered=True)
    with stage.begun(stamp="20070322T030001Z").path.open("a") as file:
        file.write("hello\n")
    owing(stage, Vm(110), JOB, "20070322T030002Z", answered=True)
    (stage.store.folder / "vol1-20070322T030003Z.jsonl").mkdir()
    assert stage.recover() is Exit.OUTSTANDING
    assert stage.site.rows == []
    assert len(stage.store.open_runs()) == 2
    assert "line 2" in stage.failures[0]
    assert "no regular file" in stage.failures[1]


def test_a_defect_while_settling_one_run_keeps_no_other_from_it(stage: Stage) -> None:
    owing(stage, Vm(108), JOB, "20070322T030000Z", answered=True)
    owing(stage, Vm(110), JOB, "20070322T030001Z", answered=True)

    def explode(step: Step, act: Act) -> Outcome:
        raise RuntimeError("a defect")

    stage.site.fail(release_of(108), explode)
    assert stage.recover() is Exit.OUTSTANDING
    assert [row.vm for row in stage.site.rows] == [108]
    assert "Traceback" in " ".join(stage.failures)
    assert stage.recover() is Exit.OUTSTANDING
    stage.site.faults.clear()
    assert stage.recover() is Exit.OK


def test_a_torn_header_is_of_a_run_that_did_nothing(stage: Stage) -> None:
    stage.store.folder.mkdir(parents=True)
    (stage.store.folder / "vol1-20070322T030000Z.jsonl").write_text('{"at": "2007')
    (stage.store.folder / "vol1-20070322T030001Z.jsonl").write_text("")
    assert stage.recover() is Exit.OK
    assert stage.night().exit is Exit.OK


def test_recover_waits_for_another_recover_and_refuses_beside_a_run(stage: Stage) -> None:
    owing(stage, VM, JOB, "20070322T030000Z", answered=True)
    with hold(stage.state, "vol1", "run", stage.clock, lambda: False):
        assert stage.recover() is Exit.LOCKED
        assert [row.vm for row in stage.site.rows] == [110]
    holder = hold(stage.state, "vol1", "recover", stage.clock, lambda: False)
    holder.__enter__()
    wait = stage.clock.wait

    def ends(seconds: float, until: Callable[[], bool]) -> None:
        wait(seconds, until)
        if stage.clock.monotonic() >= 5:
            holder.__exit__(None, None, None)

    stage.clock.wait = ends  # type: ignore[method-assign]
    assert stage.recover() is Exit.OK
    assert stage.clock.monotonic() == 5
    assert stage.site.rows == []


def test_a_waiting_recover_yields_to_a_run_and_continues_after_it(stage: Stage) -> None:
    owing(stage, VM, JOB, "20070322T030000Z", answered=False)
    wish = Lock(stage.state / "vol1.wanted")
    nights: list[Report] = []
    wait = stage.clock.wait

    def a_run_comes(seconds: float, until: Callable[[], bool]) -> None:
        wait(seconds, until)
        if stage.clock.monotonic() >= 5 and not nights and not wish.try_acquire():
            raise AssertionError("somebody else wants it")
        if use_of(stage.state, "vol1") is Use.FREE and wish.held:
            wish.close()
            nights.append(BackupRun(JOB, PACE, stage.context, stage.store, token="").run())

    stage.clock.wait = a_run_comes  # type: ignore[method-assign]
    assert stage.recover() is Exit.OK
    assert [report.exit for report in nights] == [Exit.OUTSTANDING]
    assert nights[0].outstanding == ("sql01 (vm-110): Quiesce-20070322T030000Z, whose id is not known yet",)
    assert stage.site.rows == []
    assert not stage.store.open_runs()


def test_recover_does_not_yield_while_it_has_something_to_do(stage: Stage) -> None:
    owing(stage, VM, JOB, "20070322T030000Z", answered=True)
    wish = Lock(stage.state / "vol1.wanted")
    assert wish.try_acquire()
    assert stage.recover() is Exit.OK
    assert stage.site.rows == []
    wish.close()


def test_a_signal_still_releases_what_can_be_released_and_exits_5_for_the_rest(stage: Stage) -> None:
    owing(stage, Vm(108), JOB, "20070322T030000Z", answered=True)
    stage.stop = True
    assert stage.recover() is Exit.STOPPED
    assert stage.site.rows == []
    stage.stop = False
    owing(stage, VM, JOB, "20070322T030001Z", answered=False)
    stage.stop = True
    assert stage.recover() is Exit.OUTSTANDING
    assert stage.clock.monotonic() == 0


def test_a_create_that_said_it_failed_is_watched_without_an_alarm(stage: Stage) -> None:
    failed = Answered(1, Unknown("the VM is busy", failed=True), 1.0)
    stage.begun(SURVEYED, Intent(1, Quiesce(VM, NAME)), failed)
    assert stage.recover(wait=False) is Exit.PARTIAL
    assert stage.failures == []
    assert "sql01 (vm-110)" in stage.warnings
    assert stage.recover() is Exit.OK
    assert stage.store.open_runs() == []


def test_a_vm_that_virtualcenter_no_longer_knows_is_named_once_with_its_remedy(stage: Stage) -> None:
    stage.site.rows = [ROW]
    stage.begun(*QUIESCED)
    stage.site.unregister(110)
    assert stage.recover() is Exit.OUTSTANDING
    assert "sql01 (vm-110): no longer registered" in stage.failures[-1]
    stage.events.clear()
    assert stage.recover() is Exit.OK
    assert stage.failures == []


def test_a_folder_that_cannot_be_locked_leaves_an_alarm(stage: Stage) -> None:
    owing(stage, VM, JOB, "20070322T030000Z", answered=True)
    (stage.state / "vol1.lock").mkdir()
    assert stage.recover() is Exit.OUTSTANDING
    assert "cannot be written" in stage.failures[0]


def test_a_pending_backup_is_published_by_recover_and_nothing_else_is_touched(stage: Stage) -> None:
    stage.site.volumes["v"][1] = replace(stage.site.volumes["v"][1], tags=("busy",))
    assert not stage.night().published
    assert stage.recover() is Exit.PARTIAL
    assert "is not published yet" in stage.failures[-1]
    stage.site.filer_down = True
    assert stage.recover() is Exit.FAILED
    stage.site.filer_down = False
    stage.site.volumes["v"] = [replace(row, tags=()) for row in stage.site.volumes["v"]]
    assert stage.recover() is Exit.OK
    assert stage.dates()[P] == f"old {R}"
    assert stage.store.open_runs() == []
    asked = len(stage.site.asked)
    assert stage.recover() is Exit.OK
    assert len(stage.site.asked) == asked


def test_a_pending_backup_below_publish_is_left_pending_by_recover(stage: Stage) -> None:
    stage.site.fail(quiesce_of(), lambda step, act: Unknown("down", failed=True))
    stage.night()
    stage.clock.push(2 * PACE.settle)
    before = stage.dates()
    assert stage.recover() is Exit.OK
    assert stage.dates() == before


def test_a_paper_run_that_publishes_an_older_backup_does_not_count_as_making_room(tmp_path: Path) -> None:
    stage = Stage(tmp_path, PAPER)
    stage.site.volumes["v"][1] = replace(stage.site.volumes["v"][1], tags=("busy",))
    stage.night()
    stage.site.fail(lambda step: isinstance(step, Capture), lose)
    stage.night()  # surveyed, then nothing captured
    stage.site.faults.clear()
    stage.site.volumes["v"] = [replace(row, tags=()) for row in stage.site.volumes["v"]]
    assert stage.recover() is Exit.OK
    assert stage.dates()[R].startswith("born")
    assert stage.store.open_runs() == []


def test_a_killed_runs_confirmed_backup_is_graded_by_its_journal(stage: Stage) -> None:
    new = "vmware_new_20070322T030000Z"
    stage.site.volumes["v"].insert(0, FilerSnapshot(new, "now"))
    stage.site.rows = [ROW]
    surveyed = replace(SURVEYED, left=(Left(Vm(108), "it is full"),))
    capture = (Intent(2, Capture("v", new)), Answered(2, Done(), 1.0), Confirmed("v", new, "now"))
    stage.begun(surveyed, *QUIESCED[1:], *capture)
    assert stage.recover() is Exit.OK
    assert stage.dates()[R] == "now"
    (origin,) = stage.store.known("vol1")
    assert (origin.label, origin.name) == ("partial 1/2", R)


def test_a_killed_run_whose_vm_had_lost_its_snapshot_is_not_whole(stage: Stage) -> None:
    new = "vmware_new_20070322T030000Z"
    stage.site.volumes["v"].insert(0, FilerSnapshot(new, "now"))
    capture = (Intent(2, Capture("v", new)), Answered(2, Done(), 1.0), Confirmed("v", new, "now"))
    stage.begun(*QUIESCED, Found(110, ROW.ssid), *capture)
    assert stage.recover() is Exit.OK
    assert stage.store.known("vol1")[0].label == "crash-consistent"
    assert stage.names() == [new, *CHAIN]


def test_a_journal_stays_open_while_a_rotation_of_recover_is_killed(stage: Stage) -> None:
    stage.site.volumes["v"][1] = replace(stage.site.volumes["v"][1], tags=("busy",))
    stage.night()
    stage.site.volumes["v"] = [replace(row, tags=()) for row in stage.site.volumes["v"]]

    def renamed(what: What) -> bool:
        return isinstance(what, Intent) and what.step == Rename("v", P, S3)

    stage.killed(stage.recover, renamed)
    assert len(stage.store.open_runs()) == 1
    assert stage.recover() is Exit.OK
    assert [date.split()[0] for date in map(stage.dates().get, CHAIN) if date] == ["born", "old", "old", "old"]
