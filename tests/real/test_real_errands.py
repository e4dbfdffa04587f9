"""An administrator's own program, in real time: it is ended with all that it started when its time is over."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

import psutil
import pytest

from snapall.errors import SiteError
from snapall.site import errand

SLEEPER = "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], \
start_new_session={apart}); print(p.pid, flush=True); time.sleep(600)"


GONE = "(deleted)"  # how the system calls a file without a name


def test_what_it_prints_and_how_it_ends_is_told() -> None:
    ran = errand.run(["sh", "-c", "cat; echo err >&2; exit 3"], b"handed", os.environ, 30, lambda: False)
    assert (ran.code, ran.said) == (3, "handederr\n")


@pytest.mark.parametrize("apart", [False, True])
def test_when_its_time_is_over_it_is_ended_with_its_children(apart: bool) -> None:
    ran = errand.run([sys.executable, "-c", SLEEPER.format(apart=apart)], b"", os.environ, 2, lambda: False)
    assert ran.code is None
    assert ran.seconds < 30
    child = int(ran.said.split()[0])
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_a_signal_ends_it_at_once() -> None:
    ran = errand.run([sys.executable, "-c", SLEEPER.format(apart=False)], b"", os.environ, 600, lambda: True)
    assert ran.code is None
    assert ran.seconds < 30


def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="cannot be started"):
        errand.run([str(tmp_path / "none")], b"", {}, 5, lambda: False)


def test_what_it_left_in_the_background_is_ended_too() -> None:
    orphan = "(sleep 600 & echo $!); sleep 600"  # its parent is gone at once
    ran = errand.run(["sh", "-c", orphan], b"", os.environ, 2, lambda: False)
    assert ran.code is None
    sleeper = int(ran.said.split()[0])
    psutil.wait_procs([psutil.Process(sleeper)] if psutil.pid_exists(sleeper) else [], timeout=10)
    assert not psutil.pid_exists(sleeper) or psutil.Process(sleeper).status() == psutil.STATUS_ZOMBIE


def test_one_that_prints_without_end_takes_little_room_and_its_last_words_are_read() -> None:
    chatty = "import sys, time\nfor _ in range(400): print('x' * (1 << 19)); time.sleep(0.005)\nprint('the reason')"
    most = 0

    def look() -> bool:
        nonlocal most
        nameless = [fd for fd in Path("/proc/self/fd").iterdir() if fd.exists() and str(fd.readlink()).endswith(GONE)]
        most = max(most, *(fd.stat().st_blocks * 512 for fd in nameless))
        return False

    ran = errand.run([sys.executable, "-c", chatty], b"", os.environ, 60, look)
    assert ran.code == 0
    assert ran.said.endswith("the reason\n")
    assert len(ran.said) <= errand.CEILING
    assert 0 < most < 150 << 20  # of 200 MiB


def test_without_room_for_its_files_it_is_not_run() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(SiteError, match="cannot be started"):
            errand.run(["true"], b"handed", os.environ, 5, lambda: False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
