"""Job objects of Windows: a guardian leaves one that lets it, and where it cannot, that is known."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from snapall.site.detached import would_be_confined
from snapall.site.jobobject import is_confined
from tests.config.test_config import PLAIN
from tests.waiting import PATIENCE, until

on_windows = pytest.mark.skipif(sys.platform != "win32", reason="only Windows has job objects")

BREAKAWAY_OK = 0x800  # winnt.h


@pytest.mark.skipif(sys.platform == "win32", reason="there it depends on who started the tests")
def test_elsewhere_nothing_is_confined() -> None:
    assert (would_be_confined(), is_confined(os.getpid())) == (False, False)


# Starts us in a job object with these limits, ends that when we have spoken, and prints what we said.
IN_A_JOB = """
import subprocess, sys, win32job, win32api, win32con
job = win32job.CreateJobObject(None, "")
about = win32job.QueryInformationJobObject(job, win32job.JobObjectExtendedLimitInformation)
about["BasicLimitInformation"]["LimitFlags"] = int(sys.argv[1])
win32job.SetInformationJobObject(job, win32job.JobObjectExtendedLimitInformation, about)
ours = subprocess.Popen([sys.executable, "-c", *sys.argv[2:]], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
win32job.AssignProcessToJobObject(job, win32api.OpenProcess(win32con.PROCESS_ALL_ACCESS, False, ours.pid))
ours.stdin.write("go\\n"); ours.stdin.flush()
print(ours.stdout.readline(), end="", flush=True)
win32job.TerminateJobObject(job, 7)
ours.wait()
"""
# Starts a program that is to outlive us, and says whether it would.
OURS = """
import sys
sys.stdin.readline()
from pathlib import Path
from snapall.site.detached import DetachedProcess, would_be_confined
program = "import time; print('ready', flush=True); time.sleep(3600)"
one = DetachedProcess([sys.executable, "-c", program], b"", "ready", Path.cwd())
assert one.ready(300, lambda: False)
print(one._program.pid, one.confined, would_be_confined(), flush=True)
sys.stdin.readline()
"""


def in_a_job(limits: int, *ours: str) -> tuple[int, list[str]]:
    """Run ours in such a job object, which is ended then: the pid of the guardian that it starts, and what it says."""
    argv = [sys.executable, "-c", IN_A_JOB, str(limits), *(ours or (OURS,))]
    ended = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=PATIENCE)
    pid, *said = ended.stdout.split()
    return int(pid), said


@on_windows
def test_a_guardian_leaves_a_job_object_that_lets_it() -> None:
    pid, said = in_a_job(BREAKAWAY_OK)
    guardian = psutil.Process(pid)
    try:
        assert guardian.is_running()
        assert said == ["False", "False"]
    finally:
        guardian.kill()


@on_windows
def test_a_guardian_that_ends_with_the_job_object_is_known_before_and_when_it_is_started() -> None:
    pid, said = in_a_job(0)  # Wine 8's server dies of JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
    assert said == ["True", "True"]
    until(lambda: not psutil.pid_exists(pid), "the guardian's end")


LAUNCHES = """
import sys
sys.stdin.readline()
from pathlib import Path
from snapall.config.load import parse
from snapall.operate.launcher import GuardianLauncher
here = Path(sys.argv[1])
settings = parse(sys.argv[2], here / "snapall.toml", {"VCPWORD": "vcpw"})
launcher, codes = GuardianLauncher(settings), []
launcher.guard_of(settings.jobs["vol1"], lambda: False, lambda *parts: codes.append(parts[2]))(here / "none")
print(0, *codes, flush=True)
sys.stdin.readline()
"""


@on_windows
@pytest.mark.parametrize(("limits", "codes"), [(0, ["SA-1952"]), (BREAKAWAY_OK, [])])
def test_a_run_whose_guardian_ends_with_the_job_object_says_so(tmp_path: Path, limits: int, codes: list[str]) -> None:
    (tmp_path / "id_rsa").write_text("a key")
    assert in_a_job(limits, LAUNCHES, str(tmp_path), PLAIN) == (0, codes)
