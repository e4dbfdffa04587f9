"""What a guardian makes of a run's journal, its lock and its time; with a clock that jumps when it is told to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from snapall.backup.events import Failed, Guarded, Happening
from snapall.backup.facts import Answered, Began, Ended, Intent, Releasing, Surveyed, TakenUp
from snapall.backup.journal import Journal, is_open
from snapall.backup.lock import hold
from snapall.backup.means import Means, unguarded
from snapall.backup.memory import Memory
from snapall.backup.recover import Recovery
from snapall.backup.steps import Child, Quiesce, Refusal, Release
from snapall.config import load
from snapall.errors import Exit, Stopped
from snapall.operate.guardian import LONGEST_TICK, LONGEST_WAIT, ROLE, Guardian
from snapall.operate.post import Charge, Post
from snapall.site import process
from snapall.site.process import Watched, itself
from tests.atlab import AtLab
from tests.backup.holders import dead_note
from tests.backup.pretended import JOB, PACE, PretendedClock, PretendedSite
from tests.waiting import PATIENCE

PATIENT = replace(PACE, filer_timeout=300)
BEGAN = Began(JOB, "20070322T030000Z", "vc01", "filer1", PATIENT, "0.1.0")
SLACK = 60.0
LIMIT = JOB.max_quiesced + PATIENT.filer_timeout + SLACK


class Watch:
    """A guardian of a run that this test plays: it holds the lock, and lives until it is killed."""

    def __init__(self, folder: Path) -> None:
        self.clock = TickingClock(self.tick)
        self.site = PretendedSite(self.clock)
        self.memory = Memory(folder, self.clock, process)
        self.path = self.memory.path(JOB.name, BEGAN.stamp)
        self.told: list[Happening] = []
        self.at: list[tuple[float, Callable[[], object]]] = []  # what happens when
        self.pid = os.getpid()
        self.lives = True
        self.refusal = ""
        self.killed_at: float | None = None
        self.lock: AbstractContextManager[None] = hold(folder, JOB.name, "run", self.clock, lambda: False)
        self.lock.__enter__()

    def tick(self) -> None:
        due = [what for when, what in self.at if when <= self.clock.seconds]
        self.at = [one for one in self.at if one[0] > self.clock.seconds]
        for what in due:
            what()

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

    def quiesce(self) -> Journal:
        """The run has quiesced one VM, and says no more."""
        journal = self.memory.begin(BEGAN)
        step = Quiesce(self.site.vms[0], JOB.vm_snapshot_of(journal.began.stamp))
        n = journal.intend(step)
        outcome = self.site.perform(step, lambda _: None)
        journal.note(Answered(n, outcome, 1.0))
        return journal

    def watch(self, longest_wait: float = LONGEST_WAIT) -> None:
        means = Means(self.site, self.clock, lambda event: self.told.append(event.what), lambda: False)
        recovery = Recovery(self.memory, lambda _: means, self.told.append, lambda: False, wait=True)
        Guardian(recovery, JOB, self.path, self, SLACK).watch(longest_wait)

    @property
    def texts(self) -> list[str]:
        return [one.text for one in self.told if isinstance(one, Guarded)]


class TickingClock(PretendedClock):
    """Tells of every wait. One lasts `least` seconds, for a day has many ticks."""

    def __init__(self, ticked: Callable[[], None]) -> None:
        super().__init__()
        self.least = LONGEST_TICK / 2
        self._ticked = ticked

    def wait(self, seconds: float, until: Callable[[], bool]) -> None:
        super().wait(max(seconds, self.least), until)
        self._ticked()


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    return Watch(tmp_path)


def test_a_run_that_is_stuck_is_killed_at_its_time_and_its_vm_released(watch: Watch) -> None:
    watch.quiesce()
    watch.watch()
    assert watch.killed_at is not None
    assert LIMIT <= watch.killed_at < LIMIT + 2 * LONGEST_TICK
    assert watch.site.rows == []
    assert not is_open(watch.path)
    assert "began no release within" in watch.texts[0]
    assert "nothing is owed any more" in watch.texts[-1]


def test_when_a_run_dies_its_vms_are_released_at_the_next_look(watch: Watch) -> None:
    watch.clock.least = 0.0
    watch.quiesce()
    released: list[float] = []
    watch.site.after = lambda step: released.append(watch.clock.seconds) if isinstance(step, Release) else None
    watch.at.append((3.0, watch.die))
    watch.watch()
    (at,) = released
    assert 3.0 <= at <= 4.0
    assert watch.site.rows == []


def test_a_run_whose_report_is_written_needs_no_guardian_whoever_holds_the_lock(watch: Watch) -> None:
    journal = watch.memory.begin(BEGAN)
    watch.memory.close(journal, Exit.OK, "")
    watch.at = [(60, watch.die)]
    watch.watch()
    assert watch.lives
    assert (watch.killed_at, watch.told) == (None, [])


@pytest.mark.parametrize(
    "fact",
    [Intent(9, Release(PretendedSite(PretendedClock()).vms[0], "snapshot-1228")), Releasing(), Ended(5, True, "")],
    ids=["a removal sent", "ids looked for", "the report written"],
)
def test_a_run_that_has_begun_its_release_is_never_killed(watch: Watch, fact: object) -> None:
    watch.quiesce().note(fact)  # type: ignore[arg-type]
    watch.at.append((LIMIT * 3, watch.die))
    watch.watch()
    assert watch.killed_at is None
    assert watch.site.rows == []


def test_a_run_that_has_quiesced_nothing_is_never_killed(watch: Watch) -> None:
    journal = watch.memory.begin(BEGAN)
    journal.note(Answered(journal.intend(Quiesce(watch.site.vms[0], "x")), Refusal("not started"), 0.1))
    watch.at.append((LIMIT * 3, watch.die))
    watch.watch()
    assert watch.killed_at is None
    assert not is_open(watch.path)


def test_the_time_counts_from_the_first_quiesce_and_not_from_the_start(watch: Watch) -> None:
    journal = watch.memory.begin(BEGAN)
    journal.write(Surveyed((), (), (), (), ()))
    later = 5000.0
    watch.at.append((later, lambda: journal.intend(Quiesce(watch.site.vms[0], "x"))))
    watch.watch()
    assert watch.killed_at == pytest.approx(later + LIMIT, abs=2 * LONGEST_TICK)


def test_what_a_suspended_machine_sleeps_through_does_not_count(watch: Watch) -> None:
    watch.quiesce()
    watch.at.append((10.0, lambda: watch.clock.push(86400)))
    watch.watch()
    assert watch.killed_at == pytest.approx(86400 + LIMIT, abs=3 * LONGEST_TICK)


def test_another_holder_of_the_lock_is_never_killed(watch: Watch) -> None:
    watch.quiesce()
    watch.pid += 1  # the run that is guarded is not the one whose name stands beside the lock
    watch.at.append((LIMIT * 3, watch.die))
    watch.watch()
    assert watch.killed_at is None
    assert watch.site.rows == []


def test_a_run_that_may_not_be_killed_is_named_and_waited_for(watch: Watch) -> None:
    watch.quiesce()
    watch.refusal = "operation not permitted"
    watch.at.append((LIMIT * 3, watch.die))
    watch.watch()
    (failed,) = (one for one in watch.told if isinstance(one, Failed))
    assert str(watch.pid) in failed.text
    assert "not permitted" in failed.text
    assert str(watch.pid) in failed.hint
    assert watch.site.rows == []


def test_a_run_that_died_before_it_had_a_journal_leaves_nothing_to_do(watch: Watch) -> None:
    watch.at.append((3.0, watch.die))
    watch.watch()
    assert watch.told == []
    assert not watch.path.exists()


def test_what_a_next_run_has_settled_is_not_settled_again(watch: Watch) -> None:
    journal = watch.quiesce()

    def next_run() -> None:
        watch.die()
        watch.lock = hold(watch.memory.state, JOB.name, "run", watch.clock, lambda: False)
        watch.lock.__enter__()
        means = Means(watch.site, watch.clock, lambda _: None, lambda: False)
        Recovery(watch.memory, lambda _: means, lambda _: None, lambda: False, wait=False).finish(journal.path, JOB)

    watch.at.append((3.0, next_run))
    watch.watch()
    assert watch.told == []
    assert not any(isinstance(noted.fact, TakenUp) for noted in watch.memory.open(watch.path).facts)
    watch.release()


def test_a_lock_that_others_keep_is_not_waited_for_beyond_the_longest_wait(watch: Watch) -> None:
    watch.quiesce()
    watch.clock.least = LONGEST_TICK
    watch.at.append((3.0, lambda: setattr(watch, "lives", False)))
    watch.watch(longest_wait=600)
    assert 600 <= watch.clock.seconds < 630
    assert is_open(watch.path)
    assert watch.told == []
    watch.release()


def test_a_lock_that_is_held_though_the_run_is_dead_is_told_once_and_tried_on(watch: Watch) -> None:
    watch.quiesce()

    def killed() -> None:
        dead_note(watch.memory.state)  # the lock stays with whoever shares its open file
        watch.lives = False

    watch.at.append((3.0, killed))
    watch.at.append((500.0, watch.release))
    watch.watch()
    (failed,) = (one for one in watch.told if isinstance(one, Failed))
    assert f"the lock {watch.memory.state / 'vol1.lock'} is still held although process" in failed.text
    assert "fuser" in failed.hint
    assert watch.site.rows == []
    assert not is_open(watch.path)


def test_a_journal_that_cannot_be_read_kills_nobody_and_is_told(watch: Watch) -> None:
    watch.quiesce()
    with watch.path.open("a") as file:
        file.write("{}\n")
    watch.at.append((LIMIT * 3, watch.die))
    watch.watch()
    assert watch.killed_at is None
    assert any(isinstance(one, Failed) and "line" in one.text for one in watch.told)
    assert "not all is settled" in watch.texts[-1]


def test_a_site_that_answers_nothing_leaves_the_journal_open_and_ends(watch: Watch) -> None:
    journal = watch.quiesce()
    watch.site.database_down = watch.site.filer_down = True
    watch.site.fail(lambda step: isinstance(step, Release), lambda step, act: Refusal("no VirtualCenter"))
    watch.at.append((3.0, watch.die))
    watch.watch()
    assert is_open(journal.path)
    assert watch.clock.seconds < 3 + 10 * PACE.settle
    assert "not all is settled" in watch.texts[-1]


def test_a_run_waits_for_a_guardian_and_says_so_once(tmp_path: Path) -> None:
    clock = PretendedClock()
    said: list[str] = []
    working = hold(tmp_path, "vol1", ROLE, clock, lambda: False)
    with working:
        stops = iter([False, False, False, True, True])
        waiting = hold(tmp_path, "vol1", "run", clock, lambda: next(stops), said.append)
        with pytest.raises(Stopped, match="guardian"), waiting:
            pass
    assert len(said) == 1
    assert "waiting for the guardian" in said[0]


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
    assert Post(settings).guard_of(settings.jobs["vol1"], lambda: False) is unguarded
    assert Post(settings).guard_of(replace(settings.jobs["vol1"], guardian=True), lambda: False) is not unguarded


def test_a_charge_that_was_cut_off_is_none() -> None:
    with pytest.raises(ValueError, match="handed over"):
        Charge.from_bytes(b"")
