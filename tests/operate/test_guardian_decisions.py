"""What a guardian makes of a run's journal, its lock and its time; with a clock that the test moves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from snapall.backup.context import RunContext, unguarded
from snapall.backup.facts import FORMAT, Answered, Began, Ended, Failed, Intent, ReleaseBegan, Surveyed, TakenOver
from snapall.backup.journal import Journal, is_open
from snapall.backup.lock import hold
from snapall.backup.record import Guarded, What
from snapall.backup.recover import Recovery
from snapall.backup.steps import Child, Quiesce, Refusal, Release
from snapall.backup.store import JournalStore
from snapall.config.load import load
from snapall.errors import JournalError, Stopped
from snapall.operate.guardian import LONGEST_TICK, LONGEST_WAIT, ROLE, Guardian, StuckLimits
from snapall.operate.launcher import GuardianConfig, GuardianLauncher
from snapall.site import process
from snapall.site.process import Watched, itself
from tests.backup.holders import dead_note
from tests.backup.simulated import JOB, PACE, SimulatedClock, SimulatedSite
from tests.lab.atlab import AtLab
from tests.platforms import loses_open_files, with_signals
from tests.waiting import PATIENCE

PATIENT = replace(PACE, filer_timeout=300)
BEGAN = Began(JOB, "20070322T030000Z", "vc01", "filer1", PATIENT, "0.1.0", format=FORMAT)
LIMITS = StuckLimits()
LIMIT = JOB.max_quiesced + PATIENT.filer_timeout + LIMITS.slack


class Watch:
    """A guardian of a run that this test plays: it holds the lock, and lives until it is killed."""

    def __init__(self, folder: Path) -> None:
        self.clock = TickingClock(self.tick)
        self.site = SimulatedSite(self.clock)
        self.store = JournalStore(folder, self.clock, process)
        self.path = self.store.path(JOB.name, BEGAN.stamp)
        self.events: list[What] = []
        self.at: list[tuple[float, Callable[[], object]]] = []  # what happens when
        self.pid = os.getpid()
        self.lives = True
        self.beats = True
        self.refusal = ""
        self.killed_at: float | None = None
        self.stack = ExitStack()
        self.file: int | None = None  # the journal, to give signs of life by the simulated clock
        self.lock = self.hold("run")

    def hold(self, role: str) -> AbstractContextManager[None]:
        lock = hold(self.store.state, JOB.name, role, self.clock, lambda: False, processes=process)
        lock.__enter__()
        return lock

    def tick(self) -> None:
        due = [what for when, what in self.at if when <= self.clock.seconds]
        self.at = [one for one in self.at if one[0] > self.clock.seconds]
        for what in due:
            what()
        if self.lives and self.beats and self.file is not None:
            moment = round(self.clock.seconds * 1e9)
            os.utime(self.file if os.utime in os.supports_fd else self.path, ns=(moment, moment))

    def kill(self) -> str:
        if not self.refusal:
            self.killed_at = self.clock.seconds
            self.die()
        return self.refusal

    def die(self) -> None:
        self.lives = False
        self.release()

    def release(self) -> None:
        self.lock.__exit__(None, None, None)

    def begin(self) -> Journal:
        journal = self.store.begin(BEGAN)
        self.stack.callback(journal.leave)
        self.file = os.open(self.path, os.O_RDWR)
        self.stack.callback(os.close, self.file)
        return journal

    def quiesce(self, journal: Journal | None = None) -> Journal:
        """The run has quiesced one VM, and says no more."""
        journal = self.begin() if journal is None else journal
        n = self.intend(journal)
        step = Quiesce(self.site.vms[0], JOB.vm_snapshot_of(BEGAN.stamp))
        journal.append([Answered(n, self.site.perform(step, lambda _: None), 1.0)])
        return journal

    def intend(self, journal: Journal) -> int:
        n = journal.number()
        journal.append([Intent(n, Quiesce(self.site.vms[0], JOB.vm_snapshot_of(BEGAN.stamp)))])
        return n

    def delete_state(self) -> None:
        shutil.rmtree(self.store.state)

    @property
    def recovery(self) -> Recovery:
        context = RunContext(self.site, self.clock, lambda record: self.events.append(record.what), lambda: False)
        return Recovery(self.store, lambda _: context, self.events.append, lambda: False, wait=True)

    @property
    def guardian(self) -> Guardian:
        guardian = Guardian(self.recovery, JOB, self.path, self, LIMITS)
        self.stack.callback(guardian.close)
        return guardian

    def watch(self, longest_wait: float = LONGEST_WAIT) -> None:
        self.guardian.watch(longest_wait)

    @property
    def texts(self) -> list[str]:
        return [one.text for one in self.events if isinstance(one, Guarded)]

    @property
    def failures(self) -> list[Failed]:
        return [one for one in self.events if isinstance(one, Failed)]

    def released(self) -> list[float]:
        """Records when VMs are released."""
        found: list[float] = []
        self.site.after = lambda step: found.append(self.clock.seconds) if isinstance(step, Release) else None
        return found


class TickingClock(SimulatedClock):
    """Counts every wait. One lasts `least` seconds, for a day has many ticks."""

    def __init__(self, ticked: Callable[[], None]) -> None:
        super().__init__()
        self.least = LONGEST_TICK / 2
        self._ticked = ticked

    def wait(self, seconds: float, until: Callable[[], bool]) -> None:
        super().wait(max(seconds, self.least), until)
        self._ticked()


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    watch = Watch(tmp_path / "state")
    with watch.stack:
        yield watch


def test_a_run_that_begins_no_release_is_ended_at_its_time_and_its_vm_released(watch: Watch) -> None:
    watch.quiesce()
    watch.watch()
    assert watch.killed_at is not None
    assert LIMIT <= watch.killed_at < LIMIT + 2 * LONGEST_TICK
    assert watch.site.rows == []
    assert not is_open(watch.path)
    assert "began no release within" in watch.texts[0]
    assert "no work is outstanding any more" in watch.texts[-1]


@pytest.mark.parametrize("facts", [(), (ReleaseBegan("the capture is confirmed"),)], ids=["quiescing", "releasing"])
def test_a_run_that_gives_no_sign_of_life_is_ended_and_its_vm_released(
    watch: Watch, facts: tuple[ReleaseBegan]
) -> None:
    watch.quiesce().append(facts)
    watch.at.append((50.0, lambda: setattr(watch, "beats", False)))
    watch.watch()
    assert watch.killed_at == pytest.approx(50 + LIMITS.silence, abs=2 * LONGEST_TICK)
    assert watch.site.rows == []
    assert "had no heartbeat for 120 s, and was ended" in watch.texts[0]


def test_when_a_run_dies_its_vms_are_released_at_the_next_look(watch: Watch) -> None:
    watch.clock.least = 0.0
    watch.quiesce()
    released = watch.released()
    watch.at.append((3.0, watch.die))
    watch.watch()
    (at,) = released
    assert 3.0 <= at <= 4.0
    assert watch.site.rows == []


def test_a_run_with_a_written_report_needs_no_guardian_whoever_holds_the_lock(watch: Watch) -> None:
    watch.begin().append([Ended(0, open=False, text="")])
    watch.at = [(60, watch.die)]
    watch.watch()
    assert watch.lives
    assert (watch.killed_at, watch.events) == (None, [])


def test_a_run_that_lives_and_has_begun_its_release_is_never_ended(watch: Watch) -> None:
    watch.quiesce().append([ReleaseBegan("the capture is confirmed")])
    watch.at.append((LIMIT * 3, watch.die))
    watch.watch()
    assert watch.killed_at is None
    assert watch.site.rows == []


@pytest.mark.parametrize("beats", [True, False])
def test_a_run_that_has_quiesced_nothing_is_never_ended(watch: Watch, beats: bool) -> None:
    journal = watch.begin()
    journal.append([Answered(watch.intend(journal), Refusal("not started"), 0.1)])
    watch.beats = beats
    watch.at.append((LIMIT * 3, watch.die))
    watch.watch()
    assert watch.killed_at is None
    assert not is_open(watch.path)


def test_a_run_that_is_over_is_never_ended_though_work_of_it_stays_outstanding(watch: Watch) -> None:
    """The process has other jobs, and another process has this job's lock."""
    journal = watch.quiesce()

    def over() -> None:
        journal.append([Ended(5, open=True, text="")])
        watch.release()
        dead_note(watch.store.state)
        watch.lock = watch.hold("recover")
        watch.pid += 1  # the holder is another process

    watch.beats = False
    watch.at += [(3.0, over), (LIMIT * 3, watch.release)]
    guardian = watch.guardian
    watch.at.append((LIMIT * 4, watch.die))
    guardian.watch()
    assert watch.killed_at is None


def test_the_time_counts_from_the_first_quiesce_and_not_from_the_start(watch: Watch) -> None:
    journal = watch.begin()
    journal.append([Surveyed((), (), (), (), ())])
    later = 5000.0
    watch.at.append((later, lambda: watch.intend(journal)))
    watch.watch()
    assert watch.killed_at == pytest.approx(later + LIMIT, abs=2 * LONGEST_TICK)


@pytest.mark.parametrize(("beats", "limit"), [(True, LIMIT), (False, LIMITS.silence)])
def test_time_during_which_the_machine_is_suspended_does_not_count(watch: Watch, beats: bool, limit: float) -> None:
    watch.quiesce()
    watch.beats = beats
    watch.at.append((10.0, lambda: watch.clock.push(86400)))
    watch.watch()
    assert watch.killed_at == pytest.approx(86400 + limit, abs=3 * LONGEST_TICK)


@pytest.mark.parametrize("beats", [True, False])
def test_another_holder_of_the_lock_is_never_ended(watch: Watch, beats: bool) -> None:
    watch.quiesce()
    watch.beats = beats
    watch.pid += 1  # the run that is guarded is not the one whose name stands beside the lock
    watch.at.append((LIMIT * 3, watch.die))
    watch.watch()
    assert watch.killed_at is None
    assert watch.site.rows == []


def test_a_run_that_may_not_be_ended_is_named_once_and_waited_for(watch: Watch) -> None:
    watch.quiesce()
    watch.refusal = "operation not permitted"
    watch.at.append((LIMIT * 3, watch.die))
    watch.watch()
    (failed,) = watch.failures
    assert str(watch.pid) in failed.text
    assert "not permitted" in failed.text
    assert str(watch.pid) in failed.hint
    assert watch.site.rows == []


def test_without_a_journal_there_is_nothing_to_guard(watch: Watch) -> None:
    with pytest.raises(JournalError, match="cannot be read"):
        watch.watch()


def test_a_lock_that_excludes_no_one_makes_no_guardian(watch: Watch) -> None:
    watch.quiesce()
    watch.release()
    with pytest.raises(JournalError, match=f"is free although process {watch.pid} holds it"):
        watch.watch()


def test_work_settled_by_the_next_run_is_not_settled_again(watch: Watch) -> None:
    journal = watch.quiesce()

    def next_run() -> None:
        watch.die()
        watch.lock = watch.hold("run")
        taken_over = TakenOver("the next run", "the run had left it open")
        watch.recovery.finish(watch.store.open(journal.path), JOB, taken_over, alone=True)
        watch.events.clear()

    watch.at.append((3.0, next_run))
    watch.watch()
    assert watch.events == []
    assert [taken.by for _, taken in watch.store.read(watch.path).takeovers] == ["the next run"]
    watch.release()


def test_a_lock_that_others_keep_is_not_waited_for_beyond_the_longest_wait(watch: Watch) -> None:
    watch.quiesce()
    watch.clock.least = LONGEST_TICK
    watch.at.append((3.0, lambda: setattr(watch, "lives", False)))
    watch.watch(longest_wait=600)
    assert 600 <= watch.clock.seconds < 630
    assert is_open(watch.path)
    assert watch.events == []
    watch.release()


def test_a_lock_held_after_the_run_died_is_reported_once_and_retried(watch: Watch) -> None:
    watch.quiesce()

    def killed() -> None:
        dead_note(watch.store.state)  # the lock stays with the process that shares its open file
        watch.lives = False

    watch.at.append((3.0, killed))
    watch.at.append((500.0, watch.release))
    watch.watch()
    (failed,) = watch.failures
    assert f"the lock {watch.store.state / 'vol1.lock'} is still held although process" in failed.text
    assert ("handle" if sys.platform == "win32" else "fuser") in failed.hint
    assert watch.site.rows == []
    assert not is_open(watch.path)


def test_a_damaged_journal_ends_no_process_and_what_was_read_before_is_settled(watch: Watch) -> None:
    watch.quiesce()
    guardian = watch.guardian
    with watch.path.open("a") as file:
        file.write("{}\n")
    watch.at.append((LIMIT * 3, watch.die))
    guardian.watch()
    assert watch.killed_at is None
    (failed,) = watch.failures
    assert "line" in failed.text
    assert watch.site.rows == []
    assert is_open(watch.path)  # it is as it was


def test_a_journal_damaged_from_the_start_is_reported(watch: Watch) -> None:
    watch.quiesce()
    watch.path.write_text("{}\n")
    watch.at.append((LIMIT * 3, watch.die))
    watch.watch()
    assert watch.killed_at is None
    assert "line 1" in watch.failures[0].text
    assert "some work is still outstanding" in watch.texts[-1]


def test_a_site_that_answers_nothing_leaves_the_journal_open_and_ends(watch: Watch) -> None:
    journal = watch.quiesce()
    watch.site.database_down = watch.site.filer_down = True
    watch.site.fail(lambda step: isinstance(step, Release), lambda step, act: Refusal("no VirtualCenter"))
    watch.at.append((3.0, watch.die))
    watch.watch()
    assert is_open(journal.path)
    assert watch.clock.seconds < 3 + 10 * PACE.settle
    assert "some work is still outstanding: run `snapall recover`" in watch.texts[-1]


# The state folder disappears


@loses_open_files
def test_when_the_state_folder_is_gone_a_dead_run_is_settled_by_what_was_read(watch: Watch) -> None:
    watch.quiesce()
    released = watch.released()
    watch.at += [(3.0, watch.delete_state), (500.0, watch.die)]
    watch.watch()
    (at,) = released
    assert 500 <= at <= 500 + 2 * LONGEST_TICK  # never beside a run that lives
    assert watch.site.rows == []
    assert not watch.store.state.exists()
    assert "from the records that were read" in watch.texts[0]
    assert "no work is outstanding any more" in watch.texts[-1]
    assert watch.killed_at is None


@loses_open_files
def test_when_the_state_folder_is_gone_a_run_that_gives_no_sign_of_life_is_ended(watch: Watch) -> None:
    watch.quiesce()
    watch.at.append((3.0, watch.delete_state))
    watch.beats = False
    watch.watch()
    assert watch.killed_at == pytest.approx(LIMITS.silence, abs=2 * LONGEST_TICK)
    assert watch.site.rows == []


@loses_open_files
def test_an_unlinked_lock_does_not_permit_work_beside_a_living_run(watch: Watch) -> None:
    watch.quiesce().append([ReleaseBegan("a signal")])
    released = watch.released()
    watch.at += [(3.0, watch.delete_state), (3.0, watch.release), (60.0, lambda: setattr(watch, "lives", False))]
    watch.watch()
    (at,) = released
    assert at >= 60


@loses_open_files
def test_the_holder_of_the_lock_of_a_new_state_folder_is_waited_for(watch: Watch) -> None:
    watch.quiesce()
    released = watch.released()

    def next_run() -> None:
        watch.delete_state()
        watch.die()
        watch.lock = watch.hold("run")

    watch.at += [(3.0, next_run), (600.0, watch.release)]
    watch.watch()
    (at,) = released
    assert 600 <= at <= 600 + 2 * LONGEST_TICK
    assert watch.site.rows == []


@loses_open_files
def test_work_without_a_journal_gets_a_remedy_that_needs_none(watch: Watch) -> None:
    watch.quiesce()
    watch.site.fail(lambda step: isinstance(step, Release), lambda step, act: Refusal("no VirtualCenter"))
    watch.site.faults *= 9
    watch.at += [(3.0, watch.delete_state), (3.0, watch.die)]
    watch.watch()
    assert any("snapall recover --adopt" in failed.hint for failed in watch.failures)
    assert watch.texts[-1] == "some work is still outstanding"


def test_a_run_waits_for_a_guardian_and_says_so_once(tmp_path: Path) -> None:
    clock = SimulatedClock()
    output: list[str] = []
    working = hold(tmp_path, "vol1", ROLE, clock, lambda: False)
    with working:
        stops = iter([False, False, False, True, True])
        waiting = hold(tmp_path, "vol1", "run", clock, lambda: next(stops), lambda *parts: output.append(parts[0]))
        with pytest.raises(Stopped, match="guardian"), waiting:
            pass
    assert len(output) == 1
    assert "waiting for the guardian" in output[0]


def test_a_process_is_known_by_its_start_too() -> None:
    me = itself()
    assert Watched(me).lives
    assert not Watched(Child(me.pid, me.started - 3600)).lives  # somebody else had this pid an hour ago
    program = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    watched = Watched(Child(program.pid, me.started + 3600))
    assert watched.kill() == ""
    assert program.poll() is None  # it is not the one that was meant
    program.kill()
    program.communicate()


@with_signals
def test_a_program_that_is_stopped_is_ended_all_the_same() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as program:
        try:
            program.send_signal(signal.SIGSTOP)
            assert Watched(Child(program.pid, psutil.Process(program.pid).create_time())).kill() == ""
            assert program.wait(PATIENCE) == -signal.SIGKILL
        finally:
            program.kill()


def test_a_job_that_wants_no_guardian_has_none(at_lab: Callable[..., AtLab]) -> None:
    night = at_lab(guardian=False)
    settings = load(night.config)
    assert GuardianLauncher(settings).guard_of(settings.jobs["vol1"], lambda: False) is unguarded
    assert (
        GuardianLauncher(settings).guard_of(replace(settings.jobs["vol1"], guardian=True), lambda: False)
        is not unguarded
    )


def test_a_truncated_configuration_is_rejected() -> None:
    with pytest.raises(ValueError, match="no configuration arrived"):
        GuardianConfig.from_bytes(b"")
