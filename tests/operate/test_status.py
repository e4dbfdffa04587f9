"""The status of a job in the morning, by its journals alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from snapall.backup.facts import FORMAT, Answered, Began, Intent, ReleaseBegan, Surveyed, TakenOver
from snapall.backup.lock import hold
from snapall.backup.lockfile import Lock
from snapall.backup.model import Grade, Vm
from snapall.backup.private import arrange
from snapall.backup.steps import Quiesce
from snapall.config.load import load
from snapall.errors import Exit, JournalError
from snapall.operate.history import known_of
from snapall.operate.status import JobStatus, Level, removed_job_status
from snapall.site import process
from tests.backup.holders import dead_note, held_though_dead
from tests.backup.simulated import Stage, capture_of, lose, quiesce_of, refuse, release_of
from tests.lab.atlab import AtLab
from tests.operate.slow_runs import job_status_of, slow_stage
from tests.platforms import posix, with_fork, with_modes

SQL = Vm(110, "sql01", "esx1")
SURVEYED = Surveyed((), (SQL,), (), (), ())
BEGUN = (SURVEYED, Intent(1, Quiesce(SQL, "Quiesce-20070322T030000Z")))


def told(found: JobStatus) -> str:
    return "; ".join(one.text for one in found.findings)


def test_a_whole_run_is_ok(stage: Stage) -> None:
    stage.night()
    found = job_status_of(stage, hours=5)
    assert (found.level, found.findings, found.left) == (Level.OK, (), ())
    assert found.age == pytest.approx(5 * 3600, abs=60)


def test_without_a_run_it_is_critical(stage: Stage) -> None:
    found = job_status_of(stage)
    assert (found.level, told(found)) == (Level.CRITICAL, "no run is on record")


@pytest.mark.parametrize(("hours", "level"), [(25, Level.OK), (27, Level.WARNING), (53, Level.CRITICAL)])
def test_a_backup_grows_too_old(stage: Stage, hours: float, level: Level) -> None:
    stage.job = replace(stage.job, max_age=26 * 3600)
    stage.night()
    assert job_status_of(stage, hours).level is level


def test_a_failed_run_warns_while_the_last_good_backup_is_young(stage: Stage) -> None:
    first = stage.night()
    stage.site.fail(capture_of(), refuse("No space left on device"))
    stage.night()
    found = job_status_of(stage)
    assert found.level is Level.WARNING
    assert "No space left on device" in told(found)
    assert found.backup is not None
    assert found.backup.stamp == first.stamp


def test_after_a_good_recover_a_run_that_left_a_vm_quiesced_is_ok(stage: Stage) -> None:
    stage.site.fail(release_of(110), lose)
    assert stage.night().exit is Exit.OUTSTANDING
    assert job_status_of(stage, 0).level is Level.CRITICAL
    stage.site.faults.clear()
    assert stage.recover() is Exit.OK
    found = job_status_of(stage)
    assert (found.level, told(found)) == (Level.OK, "")


def test_after_a_good_recover_a_run_that_was_killed_after_its_capture_is_ok(stage: Stage) -> None:
    stage.killed(stage.night, lambda what: isinstance(what, ReleaseBegan))
    assert job_status_of(stage, 0).level is Level.CRITICAL
    assert stage.recover() is Exit.OK
    found = job_status_of(stage)
    assert (found.level, told(found)) == (Level.OK, "")


def test_after_a_good_recover_a_run_without_a_backup_still_warns(stage: Stage) -> None:
    stage.night()
    stage.killed(stage.night, lambda what: isinstance(what, Answered))
    assert stage.recover() is Exit.OK
    found = job_status_of(stage)
    assert (found.level, told(found)) == (Level.WARNING, "the last run died before its report")


def test_a_recover_that_did_not_finish_leaves_the_warning(stage: Stage) -> None:
    stage.site.fail(release_of(110), lose)
    stage.night()
    assert stage.recover(wait=False) is Exit.OUTSTANDING
    assert job_status_of(stage, 0).level is Level.CRITICAL


def test_a_vm_that_recover_found_lost_is_still_warned_of(stage: Stage) -> None:
    stage.site.fail(release_of(110), lose)
    stage.night()
    stage.site.unregister(110)
    assert stage.recover() is Exit.OUTSTANDING
    assert "the last run may have left VMs quiesced" in told(job_status_of(stage, 0))


def test_every_finding_has_a_code_of_its_own_message(stage: Stage) -> None:
    codes = {one.code for one in job_status_of(stage).findings}
    stage.site.fail(quiesce_of(110), refuse("too many snapshots"))
    stage.night()
    codes |= {one.code for one in job_status_of(stage, 100).findings}
    assert codes == {"SA-5454", "SA-5457", "SA-5461"}


def test_a_partial_run_warns(stage: Stage) -> None:
    stage.site.fail(quiesce_of(110), refuse("too many snapshots"))
    stage.night()
    found = job_status_of(stage)
    assert (found.level, told(found)) == (Level.WARNING, "the last backup is partial")


def test_a_backup_below_its_jobs_grade_gives_no_age(stage: Stage) -> None:
    stage.job = replace(stage.job, publish=Grade.WHOLE)
    stage.site.fail(quiesce_of(110), refuse("too many snapshots"))
    stage.night()
    found = job_status_of(stage)
    assert (found.level, found.age, found.pending) == (Level.CRITICAL, None, 1)


def test_vms_that_a_dead_run_left_are_critical_and_named(stage: Stage) -> None:
    stage.night()
    stage.clock.push(86400)
    stage.begun(*BEGUN, stamp="20070324T030000Z")
    found = job_status_of(stage)
    assert found.level is Level.CRITICAL
    assert found.left == ("sql01 (vm-110)",)
    assert "snapall recover" in told(found)


@pytest.mark.parametrize(("count", "says"), [(5, "vm-4)"), (6, "vm-4) and 1 more"), (9, "vm-4) and 4 more")])
def test_of_many_vms_only_the_first_few_are_named(stage: Stage, count: int, says: str) -> None:
    vms = [Vm(number, "web", "esx1") for number in range(count)]
    asked = [Intent(vm.id + 1, Quiesce(vm, "Quiesce-20070322T030000Z")) for vm in vms]
    stage.begun(Surveyed((), tuple(vms), (), (), ()), *asked)
    found = job_status_of(stage)
    assert f"{count} VMs may be left quiesced: web (vm-0), " in told(found)
    assert f"{says}; run `snapall recover`" in told(found)


def test_while_another_process_settles_them_status_only_warns(stage: Stage) -> None:
    stage.night()
    stage.clock.push(86400)
    stage.begun(*BEGUN, TakenOver("guardian", "the run died"), stamp="20070324T030000Z")
    with hold(stage.store.state, "vol1", "guardian", stage.clock, lambda: False):
        found = job_status_of(stage)
    assert found.level is Level.WARNING
    assert "a guardian is at work on it" in told(found)
    assert job_status_of(stage, 0).level is Level.CRITICAL


def test_a_run_in_progress_may_keep_its_vms_quiesced(stage: Stage) -> None:
    stage.night()
    stage.clock.push(86400)
    stage.begun(*BEGUN, stamp="20070324T030000Z")
    with hold(stage.store.state, "vol1", "run", stage.clock, lambda: False):
        found = job_status_of(stage)
    assert (found.level, found.left) == (Level.OK, ())
    assert found.running is not None


@pytest.mark.parametrize(("seconds", "level"), [(170, Level.OK), (600, Level.CRITICAL)])
def test_a_run_at_work_that_gives_no_sign_of_life_is_stuck(stage: Stage, seconds: float, level: Level) -> None:
    stage.night()
    stage.clock.push(86400)
    stage.begun(*BEGUN, stamp="20070324T030000Z")
    last = stage.clock.utc().timestamp() - seconds
    os.utime(stage.store.folder / "vol1-20070324T030000Z.jsonl", (last, last))
    with hold(stage.store.state, "vol1", "run", stage.clock, lambda: False):
        found = job_status_of(stage, 0)
    assert found.level is level
    assert ("no heartbeat for 10 min; VMs may be quiesced: sql01 (vm-110)" in told(found)) == (seconds == 600)


def test_the_very_first_run_in_progress_raises_no_alarm(stage: Stage) -> None:
    stage.begun(*BEGUN)
    with hold(stage.store.state, "vol1", "run", stage.clock, lambda: False):
        found = job_status_of(stage)
    assert (found.level, told(found)) == (Level.WARNING, "no backup is on record")
    assert job_status_of(stage, 0).level is Level.CRITICAL


def test_a_backup_whose_run_left_a_vm_is_a_backup(stage: Stage) -> None:
    stage.site.fail(release_of(110), lose)
    assert stage.night().exit == 5
    found = job_status_of(stage)
    assert (found.level, found.left) == (Level.CRITICAL, ("sql01 (vm-110)",))
    assert "the last run may have left VMs quiesced" in told(found)


def test_a_killed_run_that_was_settled_still_counts_as_failed(stage: Stage) -> None:
    stage.night()
    stage.clock.push(86400)
    stage.begun(*BEGUN, stamp="20070324T030000Z")
    stage.recover()
    found = job_status_of(stage)
    assert (found.level, told(found)) == (Level.WARNING, "the last run died before its report")
    assert found.last is not None
    assert found.last.exit is None


def test_a_run_stopped_by_a_signal_warns(stage: Stage) -> None:
    stage.stop = True
    stage.night()
    assert "stopped by a signal" in told(job_status_of(stage))


def test_a_job_removed_from_the_configuration_is_reported_while_a_run_of_it_is_open(stage: Stage) -> None:
    stage.night()
    assert removed_job_status("vol1", known_of(stage.store, "vol1"), stage.clock.utc()) is None
    stage.clock.push(86400)
    stage.begun(*BEGUN, stamp="20070324T030000Z")
    found = removed_job_status("vol1", known_of(stage.store, "vol1"), stage.clock.utc())
    assert found is not None
    assert (found.level, found.left) == (Level.CRITICAL, ("sql01 (vm-110)",))
    assert "no longer in the configuration" in told(found)


def test_a_removed_job_whose_open_run_cannot_be_read_is_still_reported(stage: Stage) -> None:
    journal = stage.begun(*BEGUN)
    journal.path.write_text("no journal\nneither is this\n")
    found = removed_job_status("vol1", known_of(stage.store, "vol1"), stage.clock.utc())
    assert found is not None
    assert (found.job.name, found.level) == ("vol1", Level.CRITICAL)
    assert "unreadable: " in told(found)


def test_a_named_backup_in_progress_may_keep_its_vms_quiesced_too(stage: Stage) -> None:
    stage.night()
    header = Began(
        stage.job, "20070324T030000Z", "vc01", "filer1", stage.pace, "0.2.0", keep="before-upgrade", format=FORMAT
    )
    journal = stage.store.begin(header)
    for fact in BEGUN:
        journal.append([fact])
    journal.leave()
    with hold(stage.store.state, "vol1", "run", stage.clock, lambda: False):
        found = job_status_of(stage)
    assert (found.level, found.left, found.at_work) == (Level.OK, (), "a run")
    assert job_status_of(stage, 0).left == ("sql01 (vm-110)",)


def test_a_backup_of_the_future_does_not_stay_young_in_silence(stage: Stage) -> None:
    stage.night()
    assert job_status_of(stage, hours=-0.05).level is Level.OK
    found = job_status_of(stage, hours=-24 * 365)
    assert (found.level, found.age) == (Level.WARNING, 0.0)
    assert "dated in the future" in told(found)


def test_only_backups_left_pending_by_the_last_run_are_counted(stage: Stage) -> None:
    stage.site.fail(quiesce_of(), refuse("VirtualCenter is down"))
    stage.night()
    stage.night()  # of those that must not enter the chain the newest alone is kept
    found = job_status_of(stage)
    temporary = [name for name in stage.names() if "_new_" in name]
    assert (found.pending, len(temporary)) == (1, 1)


def test_a_whole_backup_of_a_run_that_was_not_is_not_called_partial(stage: Stage) -> None:
    stage.night()
    stage.site.on_preconnect = lambda: setattr(stage.site, "database_down", True)  # from the capture on
    report = stage.night()
    assert (report.exit, report.grade, report.published) == (3, Grade.WHOLE, True)
    found = job_status_of(stage)
    assert found.level is Level.WARNING
    assert "the last backup is whole, but its run had other problems" in told(found)
    assert (found.left, found.watched) == ((), ("web01 (vm-108)", "sql01 (vm-110)", "app01 (vm-1226)"))
    assert "to be checked again: web01 (vm-108)" in told(found)
    stage.night()  # the database is down still: no look, no alarm, and no new backup
    assert job_status_of(stage).left == ()


@posix("made of the process 1")
@pytest.mark.parametrize(("pid", "since", "held"), [(1, 60.0, True), (1, -1e9, False), (2**30, 0.0, False)])
def test_of_another_users_lock_only_the_living_holder_is_trusted(
    in_sight: Path, pid: int, since: float, held: bool
) -> None:
    """A killed run leaves its holder file; without access to the lock it must not count as a running run."""
    stage = slow_stage(in_sight / "state")
    stage.night()
    began = datetime.fromtimestamp(psutil.Process(1).create_time() + since, UTC)
    if os.geteuid() == 0:
        arrange(stage.state, 65534)
    holder = {"role": "run", "pid": pid, "since": began.isoformat(timespec="seconds")}
    (stage.store.state / "vol1.holder").write_text(json.dumps(holder))
    (stage.store.state / "vol1.lock").chmod(0o444)  # which keeps out everybody but root, who becomes somebody else
    script = (
        "import os, sys; from pathlib import Path; from snapall.backup.clock import SystemClock;"
        "from snapall.backup.store import JournalStore; from snapall.operate.history import at_work;"
        "os.geteuid() or (os.setgroups([]), os.setgid(65534), os.setuid(65534));"
        "print(at_work(JournalStore(Path(sys.argv[1]), SystemClock()), 'vol1'))"
    )
    words = [sys.executable, "-c", script, str(stage.store.state)]
    ended = subprocess.run(words, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == ("a run" if held else "")


@with_fork
def test_a_lock_whose_holder_is_dead_is_critical_and_named(stage: Stage) -> None:
    stage.night()
    stage.clock.push(86400)
    stage.begun(*BEGUN, stamp="20070324T030000Z")
    stage.processes = process
    with held_though_dead(stage.state) as pid:
        found = job_status_of(stage)
        lost = removed_job_status("vol1", known_of(stage.store, "vol1"), stage.clock.utc())
    for one in (found, lost):
        assert one is not None
        assert (one.level, one.left, one.at_work) == (Level.CRITICAL, ("sql01 (vm-110)",), "")
        assert f"the lock {stage.state / 'vol1.lock'} is still held although process {pid}" in told(one)


@with_fork
def test_it_is_critical_even_where_nothing_is_outstanding_for_no_run_can_begin(stage: Stage) -> None:
    stage.night()
    stage.processes = process
    with held_though_dead(stage.state):
        assert job_status_of(stage).level is Level.CRITICAL
    assert job_status_of(stage, 0).level is Level.OK


def test_a_process_that_only_checks_that_lock_raises_no_alarm(stage: Stage) -> None:
    stage.night()
    stage.processes = process
    dead_note(stage.state)
    looking = Lock(stage.state / "vol1.lock")
    assert looking.try_acquire()
    stage.clock.later(3600.5, looking.release)  # half a second after the look has begun
    assert job_status_of(stage).level is Level.OK
    looking.close()


@with_modes
def test_state_that_others_could_have_written_is_not_believed(at_lab: Callable[..., AtLab]) -> None:
    night = at_lab()
    assert night("run").code == 0
    state = load(night.config).state
    state.chmod(0o777)
    for command in ("status", "run", "recover"):
        ended = night(command)
        assert ended.code == 5, command
        assert f"users other than its owner can write {state} (mode 0777)" in ended.err
        assert f"chmod go-w {state}" in ended.err
    assert len(night.ledger.captures) == 1
    assert night("status", "--nagios").code == Level.UNKNOWN
    state.chmod(0o700)
    assert night("status").code == 0


@posix("Windows says of what is below a file that it is not there")
def test_a_state_path_that_is_not_a_folder_gets_no_remedy_about_permissions(stage: Stage) -> None:
    stage.state.rmdir()
    stage.state.write_text("something else")
    with pytest.raises(JournalError) as refused:
        known_of(stage.store, "vol1")
    assert "readers" not in refused.value.hint
