"""An administrator's own program, in real time: it is ended with all that it started when its time is over."""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from snapall.errors import SiteError
from snapall.site import hook_process
from tests.waiting import PATIENCE, until

# Its child writes down who it is, and sleeps.
CHILD = "import os, sys, time; open(sys.argv[1], 'w').write(f'{os.getpid()}\\n'); time.sleep(3600)"
SLEEPER = f"""import subprocess, sys, time
subprocess.Popen([sys.executable, '-c', {CHILD!r}, sys.argv[1]], start_new_session=sys.argv[2] == 'apart')
time.sleep(3600)"""

GONE = "(deleted)"  # how the system calls a file without a name


class Sleeper:
    """A program that a test's own clock gives time until its child sleeps."""

    def __init__(self, folder: Path) -> None:
        self.record = folder / "child"
        self._asked = 0

    def sleeps(self) -> bool:
        return self.record.exists() and self.record.read_text().endswith("\n")

    def now(self) -> float:
        """Seconds: none until the child sleeps, then all that were given."""
        self._asked += 1
        if self._asked > 1:
            until(self.sleeps, "a child that sleeps")
        return 0.0 if self._asked == 1 else 60.0

    def assert_ended(self) -> None:
        child = int(self.record.read_text())
        until(lambda: not psutil.pid_exists(child) or zombie(child), "the end of the child")


def zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def sleeper(tmp_path: Path) -> Sleeper:
    return Sleeper(tmp_path)


def test_its_output_and_its_exit_are_reported() -> None:
    ran = hook_process.run(["sh", "-c", "cat; echo err >&2; exit 3"], b"handed", os.environ, PATIENCE, lambda: False)
    assert (ran.code, ran.output) == (3, "handederr\n")


@pytest.mark.parametrize("how", ["beside", "apart"])
def test_when_its_time_is_over_it_is_ended_with_its_children(how: str, sleeper: Sleeper) -> None:
    argv = [sys.executable, "-c", SLEEPER, str(sleeper.record), how]
    ran = hook_process.run(argv, b"", os.environ, 60, lambda: False, sleeper.now)
    assert (ran.code, ran.seconds) == (None, 60)
    sleeper.assert_ended()


def test_a_signal_ends_it(sleeper: Sleeper) -> None:
    argv = [sys.executable, "-c", SLEEPER, str(sleeper.record), "beside"]
    ran = hook_process.run(argv, b"", os.environ, PATIENCE, sleeper.sleeps)
    assert ran.code is None
    sleeper.assert_ended()


def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="cannot be started"):
        hook_process.run([str(tmp_path / "none")], b"", {}, PATIENCE, lambda: False)


def test_its_background_children_are_ended_too(sleeper: Sleeper) -> None:
    orphan = f"(sleep 3600 & echo $! > {shlex.quote(str(sleeper.record))}); sleep 3600"  # its parent is gone at once
    ran = hook_process.run(["sh", "-c", orphan], b"", os.environ, 60, lambda: False, sleeper.now)
    assert ran.code is None
    sleeper.assert_ended()


def test_endless_output_takes_little_memory_and_its_end_is_read(tmp_path: Path) -> None:
    """It prints a tenth between two looks at what it has printed, however fast either of the two is."""
    chatty = (
        "import sys\ngo, done = open(sys.argv[1], 'rb', 0), open(sys.argv[2], 'wb', 0)\n"
        "for _ in range(10): go.read(1); print('x' * (20 << 20), flush=True); done.write(b'.')\n"
        "go.read(1); print('the reason')"
    )
    pipes = [tmp_path / "go", tmp_path / "done"]
    for pipe in pipes:
        os.mkfifo(pipe)
    go, done = (os.open(pipe, os.O_RDWR | os.O_NONBLOCK) for pipe in pipes)
    os.write(done, b".")
    most = found = 0

    def look() -> bool:
        nonlocal most, found
        nameless = [fd for fd in Path("/proc/self/fd").iterdir() if fd.exists() and str(fd.readlink()).endswith(GONE)]
        found = max(found, len(nameless))
        most = max(most, *(fd.stat().st_blocks * 512 for fd in nameless))
        with suppress(BlockingIOError):
            os.write(go, os.read(done, 1))
        return False

    ran = hook_process.run([sys.executable, "-c", chatty, *map(str, pipes)], b"", os.environ, PATIENCE, look)
    os.close(go)
    os.close(done)
    assert ran.code == 0
    assert ran.output.endswith("the reason\n")
    assert len(ran.output) <= hook_process.CEILING
    assert found >= 2  # what it is given, and what it prints
    assert most < 50 << 20  # of 200 MiB


def test_without_room_for_its_files_it_is_not_run() -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(SiteError, match="cannot be started"):
            hook_process.run(["true"], b"handed", os.environ, PATIENCE, lambda: False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
