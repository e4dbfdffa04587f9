"""The lock of a job: who gets it, who waits for whom, and what becomes of it when its holder dies."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from snapall.backup.holder import holder_of
from snapall.backup.lock import GRACE, LONGEST_USE, Use, at_work, hold, use_of, wanted
from snapall.backup.lockfile import Lock
from snapall.backup.steps import Child
from snapall.errors import Exit, JournalError, Locked, LockNotReleased, Stopped
from snapall.site import process
from tests.backup.holders import another_run, dead_note, held_though_dead
from tests.backup.simulated import SimulatedClock, Stage
from tests.platforms import loses_open_files, with_fork
from tests.unshared import on_windows, unshared, unshared_for_a_moment


def test_a_run_is_refused_while_another_runs_and_recover_is_waited_for(tmp_path: Path, clock: SimulatedClock) -> None:
    with hold(tmp_path, "vol1", "run", clock, lambda: False):
        with pytest.raises(Locked, match="another run"), hold(tmp_path, "vol1", "recover", clock, lambda: False):
            raise AssertionError("never held")
        with hold(tmp_path, "vol2", "run", clock, lambda: False):
            pass
    with hold(tmp_path, "vol1", "recover", clock, lambda: False):
        asked = iter([False, False, True])
        before = clock.monotonic()
        with pytest.raises(Stopped, match="recover"), hold(tmp_path, "vol1", "run", clock, lambda: next(asked)):
            raise AssertionError("never held")
        assert clock.monotonic() > before


def test_a_run_that_waits_for_the_lock_lets_its_holder_know(tmp_path: Path, clock: SimulatedClock) -> None:
    seen: list[bool] = []

    def stopped() -> bool:
        seen.append(wanted(tmp_path, "vol1"))
        return len(seen) > 1

    with hold(tmp_path, "vol1", "recover", clock, lambda: False):
        assert not wanted(tmp_path, "vol1")
        with pytest.raises(Stopped), hold(tmp_path, "vol1", "run", clock, stopped):
            pass
        assert all(seen)
        assert not wanted(tmp_path, "vol1")


def test_a_yielding_holder_gives_the_lock_to_the_run_first(tmp_path: Path, clock: SimulatedClock) -> None:
    wish = Lock(tmp_path / "vol1.wanted")
    assert wish.try_acquire()
    clock.due.append((3.0, wish.close))
    with hold(tmp_path, "vol1", "recover", clock, lambda: False, yielding=True):
        assert clock.monotonic() == 3


USES = ["mount", "unmount", "restore", "verification", "replication", "deletion"]


@pytest.mark.parametrize("role", USES)
def test_a_use_of_a_backup_is_waited_for_a_quarter_of_an_hour_and_no_longer(
    tmp_path: Path, clock: SimulatedClock, role: str
) -> None:
    said: list[tuple[str, ...]] = []
    with hold(tmp_path, "vol1", role, clock, lambda: False):
        refused = hold(tmp_path, "vol1", "run", clock, lambda: False, lambda *parts: said.append(parts))
        with pytest.raises(Locked, match=f"the {role} of job vol1.*process {os.getpid()}") as error, refused:
            raise AssertionError("never held")
        assert clock.monotonic() == LONGEST_USE
    assert error.value.exit is Exit.LOCKED
    assert f"process {os.getpid()}" in error.value.hint
    assert len(said) == 1
    assert "cleaning up" not in said[0][0]


def test_a_use_that_ends_in_time_makes_way(tmp_path: Path, clock: SimulatedClock) -> None:
    with ExitStack() as mount:
        mount.enter_context(hold(tmp_path, "vol1", "mount", clock, lambda: False))
        clock.later(LONGEST_USE - 1, mount.close)
        with hold(tmp_path, "vol1", "run", clock, lambda: False):
            assert clock.monotonic() == LONGEST_USE - 1


def test_recover_is_waited_for_however_long_it_takes(tmp_path: Path, clock: SimulatedClock) -> None:
    said: list[str] = []
    with ExitStack() as recover:
        recover.enter_context(hold(tmp_path, "vol1", "recover", clock, lambda: False))
        clock.later(LONGEST_USE * 4, recover.close)
        with hold(tmp_path, "vol1", "run", clock, lambda: False, lambda *parts: said.append(parts[0])):
            assert clock.monotonic() == LONGEST_USE * 4
    assert "which is cleaning up after an earlier run" in said[0]


def test_a_holder_without_a_name_is_given_a_moment(tmp_path: Path, clock: SimulatedClock) -> None:
    with hold(tmp_path, "vol1", "recover", clock, lambda: False):
        (tmp_path / "vol1.holder").write_text("not yet")
        before = clock.monotonic()
        with pytest.raises(Locked) as refused, hold(tmp_path, "vol1", "run", clock, lambda: False):
            raise AssertionError("never held")
        assert clock.monotonic() == before + 1
    assert "process 0" not in str(refused.value)
    assert f"{tmp_path / 'vol1.lock'}" in refused.value.hint  # the holder can be found by this


def test_a_signal_during_the_wait_for_a_holder_without_a_name_names_no_process_0(
    tmp_path: Path, clock: SimulatedClock
) -> None:
    with hold(tmp_path, "vol1", "recover", clock, lambda: False):
        (tmp_path / "vol1.holder").write_text("not yet")
        with pytest.raises(Stopped) as stopped, hold(tmp_path, "vol1", "run", clock, lambda: True):
            raise AssertionError("never held")
    assert "a process at work on job vol1 that has left no holder file" in str(stopped.value)
    assert "process 0" not in str(stopped.value)


@on_windows
def test_a_lock_that_another_program_has_open_for_a_moment_is_taken(tmp_path: Path, clock: SimulatedClock) -> None:
    lock = tmp_path / "vol1.lock"
    lock.touch()
    with unshared_for_a_moment(lock), hold(tmp_path, "vol1", "run", clock, lambda: False):
        assert use_of(tmp_path, "vol1") is Use.HELD


@on_windows
def test_a_lock_that_another_program_keeps_open_names_no_run_but_the_file_and_the_remedy(
    tmp_path: Path, clock: SimulatedClock
) -> None:
    lock = tmp_path / "vol1.lock"
    lock.touch()
    with unshared(lock), pytest.raises(JournalError) as refused, hold(tmp_path, "vol1", "run", clock, lambda: False):
        raise AssertionError("never held")
    assert str(lock) in refused.value.message
    assert "close the program that has the file open" in refused.value.hint


@on_windows
def test_a_holder_file_that_somebody_reads_goes_with_its_holder(tmp_path: Path, clock: SimulatedClock) -> None:
    """A living process that is done with this job would count as its holder."""
    with ExitStack() as reading:
        with hold(tmp_path, "vol1", "run", clock, lambda: False):
            reading.enter_context(unshared_for_a_moment(tmp_path / "vol1.holder"))
        assert not (tmp_path / "vol1.holder").exists()


def test_a_full_disk_does_not_stop_recover(tmp_path: Path, clock: SimulatedClock) -> None:
    (tmp_path / "vol1.holder").mkdir()  # so that the holder's note cannot be written
    with hold(tmp_path, "vol1", "recover", clock, lambda: False):
        assert (tmp_path / "vol1.lock").exists()
    with hold(tmp_path, "vol1", "run", clock, lambda: False):
        assert (tmp_path / "vol1.lock").exists()


def test_a_lock_that_cannot_be_made_is_named(tmp_path: Path, clock: SimulatedClock) -> None:
    (tmp_path / "vol1.lock").mkdir()
    with pytest.raises(JournalError, match="cannot be written"), hold(tmp_path, "vol1", "run", clock, lambda: False):
        raise AssertionError("never held")


def test_the_lock_dies_with_its_process(tmp_path: Path, clock: SimulatedClock) -> None:
    script = (
        "import os, sys; from pathlib import Path\n"
        "from snapall.backup.clock import SystemClock; from snapall.backup.lock import hold\n"
        f"with hold(Path({str(tmp_path)!r}), 'vol1', 'run', SystemClock(), lambda: False): os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode != 0
    with hold(tmp_path, "vol1", "run", clock, lambda: False):
        assert (tmp_path / "vol1.holder").exists()


# Another process


def test_a_living_run_in_another_process_is_another_run_however_long_it_lasts(
    tmp_path: Path, clock: SimulatedClock
) -> None:
    with another_run(tmp_path) as run:
        clock.push(GRACE * 100)
        with pytest.raises(Locked, match=f"process {run.pid}"), hold(tmp_path, "vol1", "run", clock, lambda: False):
            raise AssertionError("never held")
        assert at_work(tmp_path, "vol1", process)


@loses_open_files
def test_deleting_the_lock_of_a_living_run_gives_no_second_lock(tmp_path: Path, clock: SimulatedClock) -> None:
    with another_run(tmp_path) as run:
        (tmp_path / "vol1.lock").unlink()
        second = hold(tmp_path, "vol1", "run", clock, lambda: False, processes=process)
        with pytest.raises(Locked, match=f"process {run.pid}"), second:
            raise AssertionError("never held")
    with hold(tmp_path, "vol1", "run", clock, lambda: False, processes=process):
        pass


def test_a_holder_says_on_which_host_it_is_and_since_when_it_lives(tmp_path: Path) -> None:
    with another_run(tmp_path) as run:
        holder = holder_of(tmp_path, "vol1")
        assert (holder.role, holder.pid, holder.host) == ("run", run.pid, platform.node())
        assert process.alive(Child(holder.pid, holder.started))
    assert use_of(tmp_path, "vol1", process) is Use.FREE


@with_fork
@pytest.mark.parametrize("role", ["run", "recover"])
def test_a_lock_whose_holder_is_dead_is_named_after_ten_seconds(
    tmp_path: Path, clock: SimulatedClock, role: str
) -> None:
    with held_though_dead(tmp_path) as pid:
        waiting = hold(tmp_path, "vol1", role, clock, lambda: False, processes=process)
        with pytest.raises(LockNotReleased) as caught, waiting:
            raise AssertionError("never held")
    assert clock.monotonic() == GRACE
    assert caught.value.exit is Exit.OUTSTANDING
    assert f"{tmp_path / 'vol1.lock'} is still held although process {pid}, the run" in caught.value.message
    assert f"fuser -v {tmp_path / 'vol1.lock'}" in caught.value.hint


@with_fork
def test_a_signal_ends_the_wait_for_a_lock_whose_holder_is_dead(tmp_path: Path, clock: SimulatedClock) -> None:
    with held_though_dead(tmp_path):
        waiting = hold(tmp_path, "vol1", "run", clock, lambda: True, processes=process)
        with pytest.raises(Stopped), waiting:
            raise AssertionError("never held")
    assert clock.monotonic() == 0


def test_a_lock_that_is_let_go_within_ten_seconds_is_simply_taken(tmp_path: Path, clock: SimulatedClock) -> None:
    stranger = Lock(tmp_path / "vol1.lock")
    assert stranger.try_acquire()
    dead_note(tmp_path)
    clock.later(GRACE - 1, stranger.release)
    with hold(tmp_path, "vol1", "run", clock, lambda: False, processes=process):
        assert holder_of(tmp_path, "vol1").pid == os.getpid()
    stranger.close()


@pytest.mark.parametrize("but", [{"host": "another"}, {"host": ""}, {"started": 0.0}], ids=str)
def test_a_holder_that_cannot_be_checked_is_never_reported_as_dead(
    tmp_path: Path, clock: SimulatedClock, but: dict[str, object]
) -> None:
    stranger = Lock(tmp_path / "vol1.lock")
    assert stranger.try_acquire()
    dead_note(tmp_path, **but)
    clock.push(GRACE * 10)
    with pytest.raises(Locked), hold(tmp_path, "vol1", "run", clock, lambda: False, processes=process):
        raise AssertionError("never held")
    stranger.close()


@with_fork
def test_run_and_recover_exit_5_for_it_and_change_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path, processes=process)
    stage.begun()
    with held_though_dead(tmp_path):
        assert stage.recover() is Exit.OUTSTANDING
        assert "is still held although process" in stage.failures[0]
        with pytest.raises(LockNotReleased):
            stage.night()
    assert stage.site.asked == []


@with_fork
def test_a_lock_whose_holder_is_dead_means_that_no_run_is_active(tmp_path: Path) -> None:
    with held_though_dead(tmp_path):
        assert use_of(tmp_path, "vol1", process) is Use.ABANDONED
        assert not at_work(tmp_path, "vol1", process)
    assert use_of(tmp_path, "vol2", process) is Use.FREE
    assert not (tmp_path / "vol2.lock").exists()


# The file at its path


@loses_open_files
def test_a_lock_counts_only_while_its_file_is_the_one_at_its_path(tmp_path: Path, clock: SimulatedClock) -> None:
    (tmp_path / "state").mkdir()
    orphan = Lock(tmp_path / "state" / "vol1.lock")
    assert orphan.try_acquire()
    orphan.path.unlink()
    with hold(tmp_path / "state", "vol1", "run", clock, lambda: False):
        assert not orphan.in_place
        assert use_of(tmp_path / "state", "vol1") is Use.HELD
    orphan.close()


@loses_open_files
def test_a_lock_whose_file_is_replaced_while_it_is_taken_is_taken_again(
    tmp_path: Path, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = [True]
    try_acquire = Lock.try_acquire

    def replaced(lock: Lock) -> bool:
        if once:
            once.clear()
            lock.path.unlink()
        return try_acquire(lock)

    monkeypatch.setattr(Lock, "try_acquire", replaced)
    with hold(tmp_path, "vol1", "run", clock, lambda: False):
        assert use_of(tmp_path, "vol1") is Use.HELD


def test_a_file_system_on_which_the_lock_is_never_in_its_place_is_refused(
    tmp_path: Path, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lock, "in_place", False)
    with pytest.raises(JournalError, match="being replaced"), hold(tmp_path, "vol1", "run", clock, lambda: False):
        raise AssertionError("never held")


@loses_open_files
def test_an_opened_lock_is_had_again_though_the_state_folder_was_deleted(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with another_run(state) as run:
        guardian = Lock(state / "vol1.lock")
        assert not guardian.try_acquire()
        for path in (*state.iterdir(), state):
            path.rmdir() if path.is_dir() else path.unlink()
        assert not guardian.try_acquire()
        run.kill()
        run.wait()
        assert guardian.try_acquire()
        assert not guardian.in_place
    guardian.close()


def test_an_opened_lock_can_be_tried_and_released_again_and_again(tmp_path: Path) -> None:
    mine, other = Lock(tmp_path / "vol1.lock"), Lock(tmp_path / "vol1.lock")
    for _ in range(3):
        assert mine.try_acquire()
        assert mine.try_acquire()
        assert not other.try_acquire()
        mine.release()
        assert other.try_acquire()
        other.release()
    mine.close()
    other.close()


@loses_open_files
def test_the_holder_file_of_the_current_lock_is_left_alone(tmp_path: Path, clock: SimulatedClock) -> None:
    with hold(tmp_path, "vol1", "run", clock, lambda: False):
        (tmp_path / "vol1.lock").unlink()
        next_one = hold(tmp_path, "vol1", "recover", clock, lambda: False)
        next_one.__enter__()
    assert holder_of(tmp_path, "vol1").role == "recover"
    next_one.__exit__(None, None, None)
    assert not (tmp_path / "vol1.holder").exists()
