"""Other processes that hold a job's lock: one that lives, and one that is dead."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from snapall.backup.lock import Use, use_of
from tests.waiting import until

HOLDING = """
import os, sys
from pathlib import Path
from snapall.backup.clock import SystemClock
from snapall.backup.lock import hold
from snapall.site import process
with hold(Path(sys.argv[1]), "vol1", "run", SystemClock(), lambda: False, processes=process):
    if "heir" in sys.argv and (heir := os.fork()) == 0:  # it shares the open file of the lock
        os.read(0, 1)
        os._exit(0)
    print(heir if "heir" in sys.argv else "held", flush=True)
    os.read(0, 1)
"""


@contextmanager
def another_run(state: Path) -> Iterator[subprocess.Popen[str]]:
    """A run of the job in a process of its own, with the lock."""
    argv = [sys.executable, "-c", HOLDING, str(state)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "held\n"
        yield run
        run.kill()


@contextmanager
def held_though_dead(state: Path) -> Iterator[int]:
    """The lock of a run that was killed, kept by another process that shares its open file. Yields the run's pid."""
    argv = [sys.executable, "-c", HOLDING, str(state), "heir"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        heir = int(run.stdout.readline())
        run.kill()
        run.wait()
        try:
            yield run.pid
        finally:
            os.kill(heir, signal.SIGKILL)
            until(lambda: use_of(state, "vol1") is Use.FREE, "the end of whoever kept the lock")


def dead_note(state: Path, **but: object) -> None:
    """What a run that died a second ago says of itself."""
    with subprocess.Popen([sys.executable, "-c", ""]) as program:
        pass
    note = {"role": "run", "host": platform.node(), "pid": program.pid, "started": 1e9, "since": "2007"}
    (state / "vol1.holder").write_text(json.dumps(note | but))
