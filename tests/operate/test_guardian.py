"""The guardian with real processes: runs that die, stop, or end well, and what is left of them.

What it makes of its time and of a journal is in test_guardian_decisions.py, by a simulated clock.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from snapall.app.output import Output
from snapall.app.run import run
from snapall.config.load import load
from snapall.errors import Exit
from snapall.lab.faults import Fault, FaultKind
from snapall.operate.launcher import GuardianLauncher
from tests.lab import external_actors
from tests.lab.atlab import CHAIN, AtLab
from tests.lab.calls import end_calls, processes, vcbsnapshot_of
from tests.operate.guardians import (
    BEATS,
    EVER,
    Make,
    are_quiesced,
    descriptors,
    end_of_guardians,
    guarded,
    guardians,
    journal,
    journal_of,
    kinds,
    log,
    removed,
    running,
    slow,
    slow_removal,
    wait_for_quiesced,
    wait_for_removal,
)
from tests.platforms import loses_open_files, posix, with_fork, with_signals
from tests.waiting import PATIENCE, until


def test_after_kill_9_while_quiescing_every_vm_is_released_and_the_log_explains_it(at_lab: Make) -> None:
    night = guarded(at_lab)
    slow(night)
    with running(night) as run:
        wait_for_quiesced(night, 2)
        run.kill()
        end_of_guardians(night)
    night.assert_nothing_is_quiesced()
    night.assert_no_backup_is_lost()
    assert not night.ledger.captures
    facts = journal(night)
    (taken,) = (fact for fact in facts if fact["is"] == "TakenOver")
    assert taken["by"] == "guardian"
    assert f"process {run.pid} died" in str(taken["why"])
    assert facts[-1]["is"] == "Ended"
    assert facts[-1]["open"] is False
    told = log(night)
    assert f"process {run.pid} died in the middle of the run" in told[0]
    assert [line for line in told if line.startswith("Removing snapshot for vmid=110")]
    assert "no work is outstanding any more" in told[-1]
    assert night("recover").code == 0


def test_after_kill_9_behind_the_capture_the_vms_are_free_and_the_backup_enters_the_chain(at_lab: Make) -> None:
    night = guarded(at_lab)
    slow_removal(night)
    with running(night) as run:
        wait_for_removal(night)
        run.kill()
        end_of_guardians(night)
    night.assert_nothing_is_quiesced()
    night.assert_shifted_by_one()
    assert "quiesced 3/3" in night("list").out


HEIR = """
import os, signal
from snapall.backup.lockfile import Lock
try_acquire = Lock.try_acquire
def leaking(lock):
    if (ours := try_acquire(lock)) and lock.path.name == "vol1.lock":
        if (heir := os.fork()) == 0:
            signal.pause()
        Path({file!r}).write_text(str(heir))
    return ours
Lock.try_acquire = leaking
"""


@with_fork
def test_a_lock_kept_after_the_run_died_raises_alarms_and_is_finally_settled(at_lab: Make, tmp_path: Path) -> None:
    night = guarded(at_lab)
    slow(night)
    with running(night, prelude=HEIR.format(file=str(tmp_path / "heir"))) as run:
        wait_for_quiesced(night, 2)
        run.kill()
        run.wait()
        try:
            recovered, status = night("recover"), night("status", "--nagios")
            until(lambda: log(night), "a word of the guardian")
            assert are_quiesced(night, 2)
        finally:
            os.kill(int((tmp_path / "heir").read_text()), signal.SIGKILL)
        end_of_guardians(night)
    stuck = f"vol1.lock is still held although process {run.pid}, the run that it names, is dead"
    assert (recovered.code, status.code) == (5, 2)
    for told in (recovered.err, status.out, log(night)[0]):
        assert stuck in told
    assert sum(stuck in line for line in log(night)) == 1
    assert "no work is outstanding any more" in log(night)[-1]
    night.assert_nothing_is_quiesced()


@with_signals
def test_a_run_that_is_stopped_is_ended_once_it_is_overdue_and_its_vm_released(at_lab: Make) -> None:
    night = guarded(at_lab)
    night.limits(settle=PATIENCE)  # the guardian may be quicker than the first quiesce
    slow(night, vm=108)
    with running(night, limit=1) as run:
        until(lambda: run.poll() is not None or are_quiesced(night, 1), "a VM quiesced")
        if run.poll() is None:
            run.send_signal(signal.SIGSTOP)
        assert run.wait(PATIENCE) == -signal.SIGKILL
        end_of_guardians(night)
    night.assert_nothing_is_quiesced()
    assert "began no release within 1 s of its first quiesce, and was ended" in log(night)[0]


def test_after_a_whole_run_it_ends_silently(at_lab: Make) -> None:
    night = guarded(at_lab)
    slow_removal(night)
    with running(night) as run:
        wait_for_removal(night)
        assert guardians(night)
        end_calls(night)  # the answer is lost; the database shows the release
        assert run.wait(PATIENCE) == 0
        end_of_guardians(night)
    assert log(night) == []
    assert "TakenOver" not in kinds(night)


def test_it_settles_what_a_run_could_not_settle_by_itself(at_lab: Make) -> None:
    night = guarded(at_lab)
    night.limits(settle=PATIENCE)
    night.fault(Fault("vcbsnapshot create", FaultKind.HANG, vm=110))
    with running(night) as run:
        assert run.wait(PATIENCE) in {3, 5}
        assert guardians(night)
        (name,) = (entry.argv[-1] for entry in night.ledger if "moref:vm-110" in entry.argv)
        external_actors.make_vm_snapshot(night.world, 110, name)  # VirtualCenter is late
        end_of_guardians(night)
    night.assert_nothing_is_quiesced()
    assert [entry.verb for entry in night.ledger if "moref:vm-110" in entry.argv] == ["create", "delete"]
    assert "but left outstanding work" in log(night)[0]


BROKEN = {
    "no such program": ("/nonexistent/python", PATIENCE),
    "one that dies": (shutil.which("false"), PATIENCE),
    "one that says something else": (shutil.which("echo"), PATIENCE),
    "one that says nothing": (None, 0.0),
}


@pytest.mark.parametrize("how", BROKEN)
def test_until_the_guardian_reports_nothing_is_quiesced(
    at_lab: Make, how: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    night = guarded(at_lab)
    sleeper = tmp_path / "sleeper"
    sleeper.write_text("#!/bin/sh\nexec sleep 3600\n")
    sleeper.chmod(0o755)
    program, patience = BROKEN[how]
    monkeypatch.setattr(sys, "executable", program or str(sleeper))
    settings = load(night.config)
    ended = run(
        settings, list(settings.jobs.values()), Output(), launcher=GuardianLauncher(settings, patience=patience)
    )
    told = capsys.readouterr().err
    assert ended is Exit.FAILED
    assert "the guardian did not start" in told
    assert "nothing was quiesced" in told
    assert night.changes == []
    night.assert_no_backup_is_lost()
    assert kinds(night)[-1] == "Ended"


@pytest.mark.parametrize("command", ["run", "recover"])
def test_the_next_command_waits_for_an_active_guardian(at_lab: Make, command: str) -> None:
    night = guarded(at_lab)
    slow(night)
    slow_removal(night)
    with running(night) as run:
        wait_for_quiesced(night, 2)
        run.kill()
        wait_for_removal(night)
        argv = [sys.executable, "-m", "snapall", command, "--config", str(night.config)]
        with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as following:
            assert following.stderr is not None
            told = []
            for line in following.stderr:
                told.append(line)
                if "waiting for the guardian of job vol1" in line:
                    end_calls(night)
        assert following.returncode == 0, told
        assert "waiting for the guardian of job vol1" in "".join(told)
        end_of_guardians(night)
    night.assert_nothing_is_quiesced()
    assert len(removed(night)) == len(set(removed(night)))  # nothing was removed twice
    if command == "run":
        night.assert_shifted_by_one()


def test_a_guardian_that_only_waits_yields_to_a_run_and_settles_the_rest_behind_it(at_lab: Make) -> None:
    night = guarded(at_lab, parallel=3)
    night.limits(settle=EVER)
    night.fault(Fault("vcbsnapshot create", FaultKind.HANG, seconds=EVER, vm=1226))
    with running(night) as run:
        wait_for_quiesced(night, 2)
        until(lambda: kinds(night).count("Answered") == 2, "the answers of the other two")
        run.kill()
        until(lambda: not are_quiesced(night, 1), "the release of the other two")
        night.world.clear_faults()
        following = night("run")
        assert following.code == 5, following.err
        assert "waiting for the guardian of job vol1" in following.err
        assert "sql01 (vm-1226)" in following.err
        assert night.ledger.captures[-1].quiesced.keys() == {108, 110}
        until(lambda: len(settled_again(night)) == 2, "the guardian at work behind the run")
        (name,) = (entry.argv[-1] for entry in night.ledger if "moref:vm-1226" in entry.argv)
        external_actors.make_vm_snapshot(night.world, 1226, name)  # VirtualCenter is late
        end_of_guardians(night)
    night.assert_nothing_is_quiesced()
    night.assert_shifted_by_one()
    assert any("a run is waiting for the lock: it goes first" in line for line in log(night))
    assert "no work is outstanding any more" in log(night)[-1]


def settled_again(night: AtLab) -> list[str]:
    return [line for line in log(night) if "finishing its outstanding work" in line]


@pytest.mark.parametrize("options", [["--order", "paper"], ["--keep", "before_update"]], ids=" ".join)
def test_it_knows_the_command_line_options_of_the_run(at_lab: Make, options: list[str]) -> None:
    night = guarded(at_lab)
    slow(night)
    argv = [sys.executable, "-m", "snapall", "run", *options, "--config", str(night.config)]
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as run:
        wait_for_quiesced(night, 2)
        run.kill()
        end_of_guardians(night)
    end_calls(night)
    night.assert_nothing_is_quiesced()
    kept = [night.dates[name] for name in night.dates if name != "vmware_snap4"]
    assert list(night.chain().values())[:3] == kept  # paper order: what had made room is renamed back
    assert journal(night)[-1]["open"] is False


@posix("made of a terminal")
def test_a_terminal_that_closes_reaches_the_run_and_not_the_guardian(at_lab: Make) -> None:
    night = guarded(at_lab)
    slow(night)
    slow_removal(night)
    import pty

    controller, terminal = pty.openpty()
    prelude = (
        "import fcntl, signal, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)"
    )
    ends = {"stdin": terminal, "stdout": terminal, "stderr": terminal, "start_new_session": True}
    with running(night, prelude=prelude, **ends) as run:
        os.close(terminal)
        wait_for_quiesced(night, 2)
        os.close(controller)  # the system sends SIGHUP to the session
        wait_for_removal(night)  # by the run
        assert len(guardians(night)) == 1
        run.kill()
        end_of_guardians(night)
    night.assert_nothing_is_quiesced()
    assert "no work is outstanding any more" in log(night)[-1]


@posix("read from /proc")
def test_it_hangs_on_nothing_of_the_run(at_lab: Make) -> None:
    """It keeps none of terminal, lock, session and output: a process that waits for them waits for the run alone."""
    night = guarded(at_lab)
    slow(night)
    slow_removal(night)
    with running(night) as run:
        wait_for_quiesced(night, 2)
        (guardian,) = guardians(night)
        assert os.getsid(guardian.pid) == guardian.pid
        assert guardian.ppid() == run.pid
        opened = descriptors(guardian.pid)
        assert {opened[str(n)] for n in range(3)} == {"/dev/null"}
        assert not [path for path in opened.values() if path.startswith(("pipe:", "socket:", "/dev/pts", "/dev/tty"))]
        run.kill()
        assert run.communicate(timeout=PATIENCE)  # nobody else has its standard error
        wait_for_removal(night)
        assert guardians(night) == [guardian]  # it is at work until its call ends
        end_calls(night)
        end_of_guardians(night)
    night.assert_nothing_is_quiesced()


def test_neither_it_nor_vcbsnapshot_has_a_password_in_its_environment(
    at_lab: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = guarded(at_lab)
    password = night.world.settings.vc_password
    monkeypatch.setenv("VCPWORD", password)
    night.edit('password    = { file = "vc.secret" }', 'password    = { env = "VCPWORD" }')
    slow(night)
    with running(night) as run:
        wait_for_quiesced(night, 2)
        assert psutil.Process(run.pid).environ()["VCPWORD"] == password
        program = vcbsnapshot_of(night)
        calls = processes(lambda argv: argv[: len(program)] == program)
        assert calls
        for child in (*guardians(night), *calls):
            environ = child.environ()
            assert "PATH" in environ
            assert "VCPWORD" not in environ
            assert password not in environ.values()
        run.kill()
        end_calls(night)
        end_of_guardians(night)
    night.assert_nothing_is_quiesced()


@pytest.mark.parametrize("transport", ["ssh", "rsh"])
def test_it_needs_neither_configuration_nor_secrets_any_more(at_lab: Make, transport: str) -> None:
    night = guarded(at_lab, transport=transport)
    night.fault(
        Fault("snap create", FaultKind.SLOW, seconds=EVER)
    )  # taken at once, never answered: only the list shows it
    with running(night) as run:
        until(lambda: night.ledger.captures, "the capture")
        run.kill()
        for name in ("snapall.toml", "vc.secret", "filer.secret", "id_rsa", "known_hosts"):
            (night.lab.directory / name).unlink(missing_ok=True)
        end_of_guardians(night)
    night.assert_nothing_is_quiesced()
    # Whether the new backup is published depends on how many VMs were released after the list had shown it.
    assert {night.dates[name] for name in CHAIN[:-1]} <= set(night.chain().values())
    facts = journal(night)
    behind = facts[kinds(night).index("TakenOver") :]
    assert [fact["is"] for fact in behind].count("Confirmed") == 1  # it logged in to the filer
    assert behind[-1]["open"] is False


@loses_open_files
def test_after_the_state_folder_was_deleted_and_kill_9_the_vms_are_released(at_lab: Make) -> None:
    night = guarded(at_lab)
    slow(night)
    with running(night) as run:
        wait_for_quiesced(night, 2)
        shutil.rmtree(night.lab.directory / "snapall.state")
        run.kill()
        end_of_guardians(night)
    night.assert_nothing_is_quiesced()
    night.assert_no_backup_is_lost()
    assert not (night.lab.directory / "snapall.state").exists()
    assert "from the records that were read before its journal was lost" in log(night)[0]
    assert "no work is outstanding any more" in log(night)[-1]


@loses_open_files
def test_a_run_whose_state_folder_is_deleted_releases_its_vms_and_begins_nothing_new(at_lab: Make) -> None:
    night = guarded(at_lab)
    slow(night)
    with running(night) as run:
        wait_for_quiesced(night, 2)
        asked = len(night.world.quiesced())
        shutil.rmtree(night.lab.directory / "snapall.state")
        end_calls(night)
        assert run.wait(PATIENCE) == 1
        end_of_guardians(night)
    night.assert_nothing_is_quiesced()
    night.assert_no_backup_is_lost()
    assert not night.ledger.captures
    assert [entry.verb for entry in night.ledger].count("create") + len(night.foreign) == asked
    assert not (night.lab.directory / "snapall.state").exists()


@with_signals
def test_a_run_that_is_stopped_at_its_first_removal_is_ended_and_its_vms_released(at_lab: Make) -> None:
    night = guarded(at_lab, parallel=1)
    slow_removal(night)
    with running(night, silence=5, prelude=BEATS) as run:
        wait_for_removal(night)
        if run.poll() is None:  # a busy machine may have kept it from giving signs of life
            run.send_signal(signal.SIGSTOP)
        assert run.wait(PATIENCE) == -signal.SIGKILL
        end_of_guardians(night)
    night.assert_nothing_is_quiesced()
    assert "had no heartbeat for 5 s, and was ended" in log(night)[0]


def test_a_run_that_waits_for_a_call_gives_signs_of_life_and_is_left_alone(at_lab: Make) -> None:
    night = guarded(at_lab)
    slow_removal(night)
    with running(night, prelude=BEATS) as run:
        wait_for_removal(night)
        path, seen = journal_of(night), set()

        def beaten() -> bool:
            about = path.stat()
            seen.add((about.st_size, about.st_mtime_ns))
            return len(seen) > 1 + len({size for size, _ in seen}) + 5

        until(beaten, "signs of life beside the records")
        end_calls(night)
        assert run.wait(PATIENCE) == 0
        end_of_guardians(night)
    assert log(night) == []
    assert "TakenOver" not in kinds(night)
    night.assert_nothing_is_quiesced()
    night.assert_shifted_by_one()


@with_signals
def test_sigterm_makes_it_settle_without_waiting_and_sigint_is_not_for_it(at_lab: Make) -> None:
    night = guarded(at_lab)
    night.limits(settle=PATIENCE)
    night.fault(Fault("vcbsnapshot create", FaultKind.HANG, seconds=EVER, vm=110))
    with running(night) as run:
        until(lambda: kinds(night).count("Started") == 2, "a quiesce that hangs")
        (guardian,) = guardians(night)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            guardian.send_signal(number)
        run.kill()  # one that died of those signals settles nothing
        end_of_guardians(night)
    night.assert_nothing_is_quiesced()
    assert journal(night)[-1]["open"] is True
    assert "some work is still outstanding" in log(night)[-1]


def test_two_jobs_of_one_call_have_a_guardian_each(at_lab: Make) -> None:
    night = guarded(at_lab)
    text = night.config.read_text()
    job = text[text.index("[jobs.vol1]") :].replace("vol1]", "vol2]").replace('"vmware"', '"other"')
    night.config.write_text(f"{text}\n{job}")
    night.fault(Fault("vcbsnapshot create", FaultKind.SLOW, seconds=EVER, nth=5))
    with running(night) as run:
        journals = night.lab.directory / "snapall.state" / "journals"
        until(lambda: len(list(journals.glob("*"))) == 2 and are_quiesced(night, 2), "the second job quiescing")
        until(lambda: len(guardians(night)) == 1, "the end of the first job's guardian")
        run.kill()
        end_of_guardians(night)
    night.assert_nothing_is_quiesced()
    assert ["TakenOver" in path.read_text() for path in sorted(journals.glob("*"))] == [False, True]
