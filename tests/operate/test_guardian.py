"""The guardian with real processes and real time: runs that die, stop, or end well, and what is left of them."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from snapall.lab.faults import Fault, Kind
from tests.atlab import AtLab

Make = Callable[..., AtLab]

RUN = """\
import sys
from pathlib import Path
from snapall import conduct
from snapall.config import load
from snapall.operate.post import Post
{prelude}
settings = load(Path({config!r}))
jobs = list(settings.jobs.values())
sys.exit(int(conduct.run(settings, jobs, conduct.Telling(), post=Post(settings, slack={slack}, patience={patience}))))
"""


def guarded(at_lab: Make, **options: object) -> AtLab:
    night = at_lab(guardian=True, **options)
    night.edit("timeout     = 20 ", "timeout     = 3 ")
    return night


def within(seconds: float, holds: Callable[[], object], what: str) -> None:
    """Wait until it holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.02)


@contextmanager
def running(
    night: AtLab, slack: float = 60, prelude: str = "", patience: float = 60, **popen: object
) -> Iterator[subprocess.Popen[str]]:
    """A run of all jobs in a process of its own; whatever is left of it and of its guardians is ended in the end."""
    script = RUN.format(prelude=prelude, config=str(night.config), slack=slack, patience=patience)
    out = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True} | popen
    with subprocess.Popen([sys.executable, "-c", script], **out) as run:  # type: ignore[call-overload]
        try:
            yield run
        finally:
            run.kill()
            for one in guardians(night):
                one.kill()


def guardians(night: AtLab) -> list[psutil.Process]:
    """The guardians of this lab's runs that live."""
    found = []
    for process in psutil.process_iter():
        try:
            argv = process.cmdline()
            if "snapall.guarding" in argv and argv[-1].startswith(str(night.lab.directory)):
                found.append(process)
        except psutil.Error:
            continue
    return [one for one in found if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def gone(night: AtLab) -> bool:
    return not guardians(night)


def held(night: AtLab, count: int) -> bool:
    return len(night.world.quiesced()) - len(night.foreign) >= count


def free(night: AtLab) -> bool:
    return dict(night.world.quiesced()) == night.foreign


def journal(night: AtLab) -> list[dict[str, object]]:
    """The facts of the last run, so far as they are written."""
    paths = sorted((night.lab.directory / "snapall.state" / "journals").glob("*.jsonl"))
    text = paths[-1].read_text() if paths else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def kinds(night: AtLab) -> list[object]:
    return [fact["is"] for fact in journal(night)]


def log(night: AtLab) -> list[str]:
    """The guardian's lines of the log."""
    lines = (night.lab.directory / "snapall.log").read_text().splitlines()
    return [line.removeprefix("guardian: ") for line in lines if line.startswith("guardian: ")]


def descriptors(pid: int) -> dict[str, str]:
    """What a process holds open."""
    found = {}
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # the lock and the journal are opened for a moment only
            found[one.name] = str(one.readlink())
    return found


def slow(night: AtLab, vm: int = 110) -> None:
    """One VM is quiesced at once, and vcbsnapshot keeps its answer."""
    night.fault(Fault("vcbsnapshot create", Kind.SLOW, seconds=30, vm=vm))


def test_after_kill_9_while_quiescing_every_vm_is_released_and_the_story_is_told(at_lab: Make) -> None:
    night = guarded(at_lab)
    slow(night)
    with running(night) as run:
        within(10, lambda: held(night, 2), "two VMs quiesced")
        run.kill()
        within(8, lambda: free(night), "all VMs released")
        within(8, lambda: gone(night), "the guardian has ended")
    night.assert_no_backup_is_lost()
    assert not night.ledger.captures
    facts = journal(night)
    (taken,) = (fact for fact in facts if fact["is"] == "TakenUp")
    assert taken["by"] == "guardian"
    assert f"process {run.pid} died" in str(taken["why"])
    assert facts[-1]["is"] == "Ended"
    assert facts[-1]["open"] is False
    told = log(night)
    assert f"process {run.pid} died in the middle of the run" in told[0]
    assert [line for line in told if line.startswith("Removing snapshot for vmid=110")]
    assert "nothing is owed any more" in told[-1]


def test_after_kill_9_behind_the_capture_the_vms_are_free_and_the_backup_enters_the_chain(at_lab: Make) -> None:
    night = guarded(at_lab)
    night.fault(Fault("vcbsnapshot delete", Kind.SLOW, seconds=30))
    with running(night) as run:
        within(10, lambda: any(entry.verb == "delete" for entry in night.ledger), "a removal sent")
        run.kill()
        within(8, lambda: gone(night), "the guardian has ended")
    night.assert_nothing_is_quiesced()
    night.assert_shifted_by_one()
    assert "quiesced 3/3" in night("list").out


def test_a_stopped_run_is_killed_when_it_is_overdue_and_not_before(at_lab: Make) -> None:
    night = guarded(at_lab)
    night.edit("max_quiesced = 120", "max_quiesced = 1")
    night.edit("timeout   = 2", "timeout   = 1")
    slow(night)
    with running(night, slack=2) as run:
        within(10, lambda: "Started" in kinds(night) and held(night, 1), "a VM quiesced")
        os.kill(run.pid, signal.SIGSTOP)
        stopped = time.monotonic()
        while time.monotonic() < stopped + 2.5:  # max_quiesced, the filer's time-out and the slack are 4 s
            assert run.poll() is None
            assert "TakenUp" not in kinds(night)
            time.sleep(0.05)
        within(6, lambda: run.poll() is not None, "the stopped run killed")
        assert run.returncode == -signal.SIGKILL
        assert time.monotonic() - stopped > 3
        within(8, lambda: gone(night), "the guardian has ended")
    night.assert_nothing_is_quiesced()
    assert "began no release within 4 s of its first quiesce, and was ended" in log(night)[0]


def test_a_run_that_is_slow_to_release_is_let_alone(at_lab: Make) -> None:
    night = guarded(at_lab)
    night.edit("max_quiesced = 120", "max_quiesced = 1")
    night.edit("timeout   = 2", "timeout   = 1")
    night.fault(Fault("vcbsnapshot delete", Kind.SLOW, seconds=4))
    with running(night, slack=0.5) as run:
        assert run.wait(15) == 0
        within(5, lambda: gone(night), "the guardian has ended")
    night.assert_shifted_by_one()
    assert log(night) == []


def test_a_run_whose_quiesces_all_hang_is_let_alone(at_lab: Make) -> None:
    """No id is known, so no removal is sent: that the release began stands in the journal all the same."""
    night = guarded(at_lab)
    night.edit("max_quiesced = 120", "max_quiesced = 1")
    night.edit("timeout   = 2", "timeout   = 1")
    night.fault(Fault("vcbsnapshot create", Kind.HANG, seconds=20, times=0))
    with running(night, slack=1) as run:
        within(10, lambda: run.poll() is not None, "the run has ended")
        assert run.returncode in {3, 5}
        within(10, lambda: gone(night), "the guardian has ended")
    night.assert_nothing_is_quiesced()
    assert "Releasing" in kinds(night)


def test_after_a_whole_run_it_ends_at_once_and_says_nothing(at_lab: Make) -> None:
    night = guarded(at_lab)
    with running(night) as run:
        within(10, lambda: guardians(night), "a guardian")
        assert run.wait(15) == 0
        within(1.5, lambda: gone(night), "the guardian has ended")
    assert log(night) == []
    assert "TakenUp" not in kinds(night)


def test_it_settles_what_a_run_could_not_settle_by_itself(at_lab: Make) -> None:
    night = guarded(at_lab)
    night.edit("settle      = 0 ", "settle      = 3 ")
    night.fault(Fault("vcbsnapshot create", Kind.ACT_LATE, seconds=2, vm=110))
    with running(night) as run:
        assert run.wait(15) in {3, 5}
        within(8, lambda: gone(night), "the guardian has ended")
    assert [entry.effect.vm for entry in night.ledger if entry.of is not None and entry.effect is not None] == [110]
    night.assert_nothing_is_quiesced()
    assert "could not settle all by itself" in log(night)[0]


def test_without_a_guardian_in_the_configuration_there_is_none(at_lab: Make) -> None:
    night = guarded(at_lab)
    night.config.write_text(night.config.read_text() + "guardian = false\n")
    slow(night)
    with running(night) as run:
        within(10, lambda: held(night, 2), "two VMs quiesced")
        assert guardians(night) == []
        run.kill()
        run.wait()
    assert held(night, 2)
    assert night("recover").code == 0
    night.assert_nothing_is_quiesced()


BROKEN = {
    "no such program": "sys.executable = '/nonexistent/python'",
    "one that dies": "sys.executable = '/bin/false'",
    "one that says something else": "sys.executable = '/bin/echo'",
    "one that says nothing": "sys.executable = {sleeper!r}",
}


@pytest.mark.parametrize("how", BROKEN)
def test_without_the_guardians_word_nothing_is_quiesced(at_lab: Make, how: str, tmp_path: Path) -> None:
    night = guarded(at_lab)
    sleeper = tmp_path / "sleeper"
    sleeper.write_text("#!/bin/sh\nexec sleep 60\n")
    sleeper.chmod(0o755)
    with running(night, prelude=BROKEN[how].format(sleeper=str(sleeper)), patience=1.5) as run:
        _, told = run.communicate(timeout=15)
    assert run.returncode == 1
    assert "the guardian did not come up" in told
    assert "remedy: nothing was quiesced" in told
    assert night.changes == []
    night.assert_no_backup_is_lost()
    assert kinds(night)[-1] == "Ended"


def test_a_next_run_waits_for_a_guardian_at_work(at_lab: Make) -> None:
    night = guarded(at_lab)
    slow(night)
    night.fault(Fault("vcbsnapshot delete", Kind.SLOW, seconds=2))
    with running(night) as run:
        within(10, lambda: held(night, 2), "two VMs quiesced")
        run.kill()
        within(8, lambda: any(entry.verb == "delete" for entry in night.ledger), "the guardian's removal sent")
        ended = night("run")
        assert ended.code == 0, ended.err
        assert "waiting for the guardian of job vol1" in ended.err
        within(5, lambda: gone(night), "the guardians have ended")
    night.assert_nothing_is_quiesced()
    night.assert_shifted_by_one()
    removed = [entry.argv[-1] for entry in night.ledger if entry.verb == "delete"]
    assert len(removed) == len(set(removed))  # nothing was removed twice


def test_a_recover_beside_it_waits_and_finds_nothing_left_to_do(at_lab: Make) -> None:
    night = guarded(at_lab)
    slow(night)
    night.fault(Fault("vcbsnapshot delete", Kind.SLOW, seconds=2))
    with running(night) as run:
        within(10, lambda: held(night, 2), "two VMs quiesced")
        run.kill()
        within(8, lambda: any(entry.verb == "delete" for entry in night.ledger), "the guardian's removal sent")
        ended = night("recover")
        assert ended.code == 0, ended.err
        assert "waiting for the guardian of job vol1" in ended.err
    night.assert_nothing_is_quiesced()
    removed = [entry.argv[-1] for entry in night.ledger if entry.verb == "delete"]
    assert len(removed) == len(set(removed))


@pytest.mark.parametrize("options", [["--order", "paper"], ["--keep", "before_update"]], ids=" ".join)
def test_it_knows_what_was_asked_of_the_run_beyond_the_configuration(at_lab: Make, options: list[str]) -> None:
    night = guarded(at_lab)
    slow(night)
    argv = [sys.executable, "-m", "snapall", "run", *options, "--config", str(night.config)]
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as run:
        within(10, lambda: held(night, 2), "two VMs quiesced")
        run.kill()
        within(8, lambda: gone(night), "the guardian has ended")
    night.assert_nothing_is_quiesced()
    kept = [night.dates[name] for name in night.dates if name != "vmware_snap4"]
    assert list(night.chain().values())[:3] == kept  # paper order: what had made room is renamed back
    assert journal(night)[-1]["open"] is False


def test_a_terminal_that_closes_reaches_the_run_and_not_the_guardian(at_lab: Make) -> None:
    night = guarded(at_lab)
    slow(night)
    night.fault(Fault("vcbsnapshot delete", Kind.SLOW, seconds=30))
    controller, terminal = pty.openpty()
    prelude = (
        "import fcntl, signal, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)"
    )
    ends = {"stdin": terminal, "stdout": terminal, "stderr": terminal, "start_new_session": True}
    with running(night, prelude=prelude, **ends) as run:
        os.close(terminal)
        within(10, lambda: held(night, 2), "two VMs quiesced")
        os.close(controller)  # the system sends SIGHUP to the session
        within(8, lambda: any(entry.verb == "delete" for entry in night.ledger), "the run releases, as it was told")
        assert len(guardians(night)) == 1
        run.kill()
        within(8, lambda: free(night), "all VMs released")
        within(5, lambda: gone(night), "the guardian has ended")
    assert "nothing is owed any more" in log(night)[-1]


def test_it_hangs_on_nothing_of_the_run(at_lab: Make) -> None:
    """Neither its terminal nor its lock, its session or its output: whoever waits for them waits for the run alone."""
    night = guarded(at_lab)
    slow(night)
    with running(night) as run:
        within(10, lambda: held(night, 2), "two VMs quiesced")
        (guardian,) = guardians(night)
        assert os.getsid(guardian.pid) == guardian.pid
        assert guardian.ppid() == run.pid
        opened = descriptors(guardian.pid)
        assert {opened[str(n)] for n in range(3)} == {"/dev/null"}
        assert not [path for path in opened.values() if path.startswith(("pipe:", "socket:", "/dev/pts", "/dev/tty"))]
        run.kill()
        assert run.communicate(timeout=3)  # nobody else has its standard error
        within(8, lambda: gone(night), "the guardian has ended")
    night.assert_nothing_is_quiesced()


@pytest.mark.parametrize("transport", ["ssh", "rsh"])
def test_it_needs_neither_configuration_nor_secrets_any_more(at_lab: Make, transport: str) -> None:
    night = guarded(at_lab, transport=transport)
    night.fault(Fault("snap create", Kind.SLOW, seconds=3))  # taken at once, answered late: only the list tells
    with running(night) as run:
        within(10, lambda: night.ledger.captures, "the capture")
        run.kill()
        for name in ("snapall.toml", "vc.secret", "filer.secret", "id_rsa", "known_hosts"):
            (night.lab.directory / name).unlink(missing_ok=True)
        within(8, lambda: gone(night), "the guardian has ended")
    night.assert_nothing_is_quiesced()
    night.assert_no_backup_is_lost()
    facts = journal(night)
    behind = facts[kinds(night).index("TakenUp") :]
    assert [fact["late"] for fact in behind if fact["is"] == "Proven"] == [True]  # it logged in to the filer
    assert behind[-1]["open"] is False


def test_a_guardian_whose_site_vanishes_ends_and_leaves_nothing(at_lab: Make) -> None:
    night = guarded(at_lab)
    slow(night)
    with running(night) as run:
        within(10, lambda: held(night, 2), "two VMs quiesced")
        shutil.rmtree(night.lab.directory / "snapall.state")
        run.kill()
        within(5, lambda: gone(night), "the guardian has ended")
    assert not (night.lab.directory / "snapall.state").exists()


def test_sigterm_makes_it_settle_without_waiting_and_sigint_is_not_for_it(at_lab: Make) -> None:
    night = guarded(at_lab)
    night.edit("settle      = 0 ", "settle      = 60 ")
    night.fault(Fault("vcbsnapshot create", Kind.HANG, seconds=30, vm=110))
    with running(night) as run:
        within(10, lambda: night.ledger and "Started" in kinds(night), "a quiesce that hangs")
        within(10, lambda: held(night, 1), "a VM quiesced")
        (guardian,) = guardians(night)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            guardian.send_signal(number)
        time.sleep(0.3)  # were it to die of them, it would by now
        assert not gone(night)
        run.kill()
        within(8, lambda: gone(night), "the guardian has ended")
    night.assert_nothing_is_quiesced()
    assert journal(night)[-1]["open"] is True
    assert "not all is settled" in log(night)[-1]


def test_two_jobs_of_one_call_have_a_guardian_each(at_lab: Make) -> None:
    night = guarded(at_lab)
    text = night.config.read_text()
    job = text[text.index("[jobs.vol1]") :].replace("vol1]", "vol2]").replace('"vmware"', '"other"')
    night.config.write_text(f"{text}\n{job}")
    night.fault(Fault("vcbsnapshot create", Kind.SLOW, seconds=30, nth=5))
    with running(night) as run:
        journals = night.lab.directory / "snapall.state" / "journals"
        within(15, lambda: len(list(journals.glob("*"))) == 2 and held(night, 2), "the second job quiescing")
        within(2, lambda: len(guardians(night)) == 1, "the first job's guardian has ended")
        run.kill()
        within(8, lambda: gone(night), "the second one, too")
    night.assert_nothing_is_quiesced()
    assert ["TakenUp" in path.read_text() for path in sorted(journals.glob("*"))] == [False, True]
