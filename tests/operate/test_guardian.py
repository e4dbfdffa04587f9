"""The guardian at work: real processes, real kills, real time; the lab's world tells what it did."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.backup.clock import SystemClock
from snapall.backup.facts import Began, Fact, Intent, Noted
from snapall.backup.journal import is_open, journals
from snapall.backup.means import Means
from snapall.backup.memory import Memory
from snapall.backup.model import Pace, Vm
from snapall.backup.run import Night
from snapall.backup.steps import Capture, Child, Quiesce, Release, Step
from snapall.config import load
from snapall.errors import Exit
from snapall.lab.faults import Fault, Kind
from snapall.operate.guard import Guard
from snapall.operate.guardian import Guardian, Patience
from snapall.site import OpenSite
from tests.atlab import AtLab
from tests.backup.pretended import JOB

Make = Callable[..., AtLab]
PATIENCE = 30.0  # seconds until a test gives up; each waits for far less


def until(true: Callable[[], bool], what: str) -> None:
    """Come back as soon as it is true."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"not within {PATIENCE:g} s: {what}"
        time.sleep(0.02)


class Guarded:
    """A lab whose job has a guardian, and a run of it in a process of its own."""

    def __init__(self, night: AtLab) -> None:
        self.night = night
        self.log = night.lab.directory / "snapall.log"
        night.edit("guardian    = false", "guardian    = true")
        self.children: list[subprocess.Popen[bytes]] = []

    def run(self, *args: str) -> subprocess.Popen[bytes]:
        """Start a run, in a session of its own as a terminal or a scheduler gives it one."""
        argv = [sys.executable, "-m", "snapall", "run", *args, "--config", str(self.night.config)]
        child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self.children.append(child)
        return child

    def held(self) -> set[int]:
        """The VMs that are quiesced by snapall."""
        return set(self.night.world.quiesced()) - set(self.night.foreign)

    def guardians(self) -> list[psutil.Process]:
        """The guardians of this lab."""
        found = []
        for process in psutil.process_iter():
            try:
                words = process.cmdline()
            except psutil.Error:
                continue
            if "snapall.operate.guardian" in words and str(self.night.config) in words:
                found.append(process)
        return found

    @property
    def journal(self) -> Path:
        return journals(self.night.lab.directory / "snapall.state" / "journals", "vol1")[-1]

    def until_quiesced(self, count: int) -> None:
        until(lambda: len(self.held()) >= count, f"{count} VMs are quiesced")

    def until_it_is_over(self) -> None:
        until(lambda: not self.guardians(), "the guardian has ended")

    def assert_settled(self) -> None:
        """Nothing of the run is left, and the journal says so."""
        self.until_it_is_over()
        self.night.assert_nothing_is_quiesced()
        assert not is_open(self.journal)


@pytest.fixture
def guarded(at_lab: Make) -> Iterator[Callable[..., Guarded]]:
    made: list[Guarded] = []

    def make(**options: object) -> Guarded:
        made.append(Guarded(at_lab(**options)))
        return made[-1]

    yield make
    for one in made:
        for child in one.children:
            if child.poll() is None:
                child.kill()
            child.wait()
        for process in one.guardians():
            process.kill()


def slow_capture(one: Guarded) -> None:
    """Let the filer take its time, so that there is a moment in which all VMs are held."""
    one.night.fault(Fault("snap create", Kind.SLOW, seconds=8))


@pytest.mark.parametrize("order", ["safe", "paper"])
def test_a_run_that_is_killed_with_its_vms_held_is_settled_by_its_guardian(
    guarded: Callable[..., Guarded], order: str
) -> None:
    one = guarded(order=order)
    slow_capture(one)
    run = one.run()
    one.until_quiesced(3)
    assert len(one.guardians()) == 1
    run.kill()
    one.assert_settled()
    log = one.log.read_text()
    assert f"guardian: run {one.journal.stem} ended before it was settled" in log
    assert "guardian: nothing is owed" in log
    assert log.count("Removing snapshot for vmid=") == 3
    assert "settled by guardian" in one.journal.read_text()
    kept = {row.date for row in one.night.world.listing("vmvol1")}
    oldest = {one.night.dates["vmware_snap4"]} if order == "paper" else set()
    assert set(one.night.dates.values()) - kept <= oldest


def test_after_a_whole_run_the_guardian_ends_with_it_and_says_nothing(guarded: Callable[..., Guarded]) -> None:
    one = guarded()
    assert one.run().wait(PATIENCE) == 0
    assert not one.guardians()
    assert "guardian" not in one.log.read_text() + one.journal.read_text().replace('"guardian": true', "")
    one.night.assert_shifted_by_one()


def test_a_job_can_do_without_a_guardian(guarded: Callable[..., Guarded]) -> None:
    one = guarded()
    one.night.edit("guardian    = true", "guardian    = false")
    slow_capture(one)
    run = one.run()
    one.until_quiesced(3)
    assert not one.guardians()
    run.kill()
    run.wait()
    assert one.held()
    assert one.night("recover").code == 0
    one.night.assert_nothing_is_quiesced()


def test_the_guardian_needs_nothing_of_the_files_that_it_has_read(guarded: Callable[..., Guarded]) -> None:
    one = guarded()
    slow_capture(one)
    run = one.run()
    one.until_quiesced(3)
    one.night.config.unlink()
    (one.night.lab.directory / "vc.secret").unlink()
    run.kill()
    one.assert_settled()


def test_the_guardian_is_out_of_reach_of_its_runs_terminal(guarded: Callable[..., Guarded]) -> None:
    one = guarded()
    slow_capture(one)
    run = one.run()
    one.until_quiesced(3)
    (guardian,) = one.guardians()
    assert os.getsid(guardian.pid) == guardian.pid != os.getsid(run.pid)
    os.killpg(run.pid, signal.SIGKILL)
    one.assert_settled()


def test_the_lock_goes_with_the_run_though_the_guardian_lives(guarded: Callable[..., Guarded]) -> None:
    one = guarded()
    slow_capture(one)
    run = one.run()
    one.until_quiesced(1)
    (guardian,) = one.guardians()
    lock = one.night.lab.directory / "snapall.state" / "vol1.lock"
    assert str(lock) not in {file.path for file in guardian.open_files()}
    run.kill()
    one.assert_settled()


def test_the_next_run_and_the_guardian_of_a_killed_one_do_not_harm_each_other(
    guarded: Callable[..., Guarded],
) -> None:
    one = guarded()
    slow_capture(one)
    first = one.run()
    one.until_quiesced(3)
    first.kill()
    second = one.run()
    assert second.wait(PATIENCE) == 0
    one.until_it_is_over()
    one.night.assert_nothing_is_quiesced()
    assert not any(map(is_open, journals(one.journal.parent)))


def test_a_quiesce_that_acts_after_its_run_was_killed_is_released_by_the_guardian(
    guarded: Callable[..., Guarded],
) -> None:
    one = guarded()
    one.night.edit("settle      = 0 ", "settle      = 4 ")
    one.night.fault(Fault("vcbsnapshot create", Kind.ACT_LATE, nth=2, seconds=2, hold=1))
    run = one.run()
    one.until_quiesced(1)
    run.kill()
    one.assert_settled()
    assert "never listed" not in one.journal.read_text()


def test_a_whole_backup_that_was_killed_before_its_rotation_enters_the_chain(guarded: Callable[..., Guarded]) -> None:
    one = guarded()
    one.night.fault(Fault("vcbsnapshot delete", Kind.SLOW, nth=3, seconds=8))
    run = one.run()
    until(lambda: one.night.ledger.captures != () and len(one.held()) == 0, "all are released")
    run.kill()
    one.assert_settled()
    one.night.assert_shifted_by_one()


def test_without_a_guardians_word_nothing_is_quiesced(at_lab: Make) -> None:
    night = at_lab()
    settings = load(night.config)
    job = settings.jobs["vol1"]
    told: list[str] = []
    means = Means(OpenSite(job, settings), SystemClock(), lambda event: told.append(str(event.what)), lambda: False)
    elsewhere = replace(settings, path=night.config.with_name("elsewhere.toml"))
    with Guard(elsewhere) as guard:
        report = Night(job, Pace(), means, Memory(settings.state, means.clock), guard).run()
    assert report.exit is Exit.FAILED
    assert night.changes == []
    (failed,) = [text for text in told if text.startswith("Failed")]
    assert "the guardian did not start" in failed
    assert "elsewhere.toml" in failed
    assert "guardian = false" in failed


class Hurried(SystemClock):
    """A clock on which an hour has passed since the first look."""

    def __init__(self) -> None:
        self.looks = 0

    def monotonic(self) -> float:
        self.looks += 1
        return super().monotonic() + 3600 * (self.looks > 1)


def test_a_run_that_is_stuck_with_its_vms_is_ended_and_settled(guarded: Callable[..., Guarded]) -> None:
    one = guarded()
    one.night.edit("guardian    = true", "guardian    = false")
    slow_capture(one)
    run = one.run()
    one.until_quiesced(3)
    os.kill(run.pid, signal.SIGSTOP)
    settings = load(one.night.config)
    told: list[str] = []
    holder = Child(run.pid, psutil.Process(run.pid).create_time())
    guardian = Guardian(settings, one.journal, holder, Hurried(), lambda event: told.append(str(event.what)))
    guardian.watch(lambda _: None, lambda: False)
    assert not psutil.pid_exists(run.pid)
    one.assert_settled()
    assert any("was stuck with its VMs" in text for text in told)


def test_another_process_with_the_runs_number_is_left_alone(guarded: Callable[..., Guarded]) -> None:
    one = guarded()
    one.night.edit("guardian    = true", "guardian    = false")
    slow_capture(one)
    run = one.run()
    one.until_quiesced(3)
    os.kill(run.pid, signal.SIGSTOP)
    earlier = Child(run.pid, psutil.Process(run.pid).create_time() - 3600)
    looks = iter(range(4))
    guardian = Guardian(load(one.night.config), one.journal, earlier, Hurried(), lambda _: None)
    guardian.watch(lambda _: None, lambda: next(looks, None) is None)
    assert run.poll() is None
    os.kill(run.pid, signal.SIGCONT)
    assert run.wait(PATIENCE) == 0


# ---- when a run is overdue

AT = datetime(2007, 3, 22, 3, tzinfo=UTC)
VM = Vm(108, "dc01", "esx1")
LIMIT = JOB.max_quiesced + Pace().filer_timeout + 60


def noted(*steps: Step) -> list[Noted]:
    facts: list[Fact] = [Began(JOB, "20070322T030000Z", "vc01", "filer1", Pace(), "1")]
    facts += [Intent(n, step) for n, step in enumerate(steps, 1)]
    return [Noted(AT, fact) for fact in facts]


@given(st.floats(0, 2 * LIMIT))
def test_a_run_is_overdue_only_when_its_limits_and_a_minute_have_passed_since_its_first_quiesce(after: float) -> None:
    patience = Patience()
    assert not patience.overdue(noted(), 50)
    assert not patience.overdue(noted(Quiesce(VM, "Quiesce")), 100)
    assert patience.overdue(noted(Quiesce(VM, "Quiesce"), Capture("v", "x")), 100 + after) is (after >= LIMIT)


@given(st.floats(0, 10 * LIMIT))
def test_a_run_that_has_begun_to_release_is_never_overdue(after: float) -> None:
    patience = Patience()
    assert not patience.overdue(noted(Quiesce(VM, "Quiesce")), 100)
    assert not patience.overdue(noted(Quiesce(VM, "Quiesce"), Release(VM, "snapshot-1")), 100 + after)
    assert patience.over
