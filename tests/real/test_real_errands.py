"""An administrator's own program, in real time: it is ended with all that it started when its time is over."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import pytest

from snapall.errors import SiteError
from snapall.site import errand

SLEEPER = "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); \
print(p.pid, flush=True); time.sleep(600)"


def test_what_it_prints_and_how_it_ends_is_told() -> None:
    ran = errand.run(["sh", "-c", "cat; echo err >&2; exit 3"], b"handed", os.environ, 30, lambda: False)
    assert (ran.code, ran.said) == (3, "handederr\n")


def test_when_its_time_is_over_it_is_ended_with_its_children() -> None:
    ran = errand.run([sys.executable, "-c", SLEEPER], b"", os.environ, 2, lambda: False)
    assert ran.code is None
    assert ran.seconds < 30
    child = int(ran.said.split()[0])
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_a_signal_ends_it_at_once() -> None:
    ran = errand.run([sys.executable, "-c", SLEEPER], b"", os.environ, 600, lambda: True)
    assert ran.code is None
    assert ran.seconds < 30


def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="cannot be started"):
        errand.run([str(tmp_path / "none")], b"", {}, 5, lambda: False)
