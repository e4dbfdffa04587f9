"""An administrator's own program on every system: nothing of ours reaches it, and it ends with all that it started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from snapall.site import hook_process
from tests.platforms import windows
from tests.waiting import PATIENCE, until

# Starts a program that starts a sleeper and ends, so that nobody is the sleeper's parent; writes down who that is.
LEAVES = """
import subprocess, sys, time
sleeper = "import time; time.sleep(3600)"
middle = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {sleeper!r}], stdout=2).pid)"
said = subprocess.run([sys.executable, "-c", middle], stdout=subprocess.PIPE, text=True, check=True).stdout
open(sys.argv[1], "w").write(said.strip() + ".")
time.sleep(3600)
"""


def test_at_its_timeout_it_ends_with_a_child_whose_parent_has_ended(tmp_path: Path) -> None:
    record = tmp_path / "sleeper"
    begun = False

    def now() -> float:
        nonlocal begun
        if begun:
            until(lambda: record.exists() and record.read_text().endswith("."), "the sleeper")
            return 60.0
        begun = True
        return 0.0

    ran = hook_process.run([sys.executable, "-c", LEAVES, str(record)], b"", os.environ, 60, lambda: False, now)
    assert ran.code is None
    sleeper = int(record.read_text().rstrip("."))
    until(lambda: not _runs(sleeper), "the sleeper's end")


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_it_reads_what_it_is_handed_and_reports_what_it_prints() -> None:
    code = "import sys; print(sys.stdin.read().upper()); print('err', file=sys.stderr); sys.exit(3)"
    ran = hook_process.run([sys.executable, "-c", code], b"handed", os.environ, PATIENCE, lambda: False)
    assert (ran.code, sorted(ran.output.split())) == (3, ["HANDED", "err"])  # Windows flushes the two in its own order


# In a console of its own: types Ctrl-C into it while the child waits, and lets the child go once we have got it.
OURS = """
import os, signal, sys, time, win32api
from snapall.site import hook_process, process
how, gate = sys.argv[1:]
got = []
signal.signal(signal.SIGINT, lambda *_: got.append(1))
child = "import os, sys, time\\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)\\nprint('unharmed')"
argv = [sys.executable, "-c", child, gate]

def interrupt(*_):
    if not got:
        win32api.GenerateConsoleCtrlEvent(0, 0)
        while not got:
            time.sleep(0.01)
        open(gate, "w").close()
    return False

if how == "hook":
    ran = hook_process.run(argv, b"", os.environ, 300, interrupt)
    print(ran.code, ran.output)
else:
    ran = process.run(argv, 300, interrupt)
    print(ran.code, ran.stdout, ran.stderr)
"""


@windows("elsewhere they are in sessions of their own")
@pytest.mark.parametrize("how", ["hook", "vcbsnapshot"])
def test_ctrl_c_in_our_console_reaches_no_child(tmp_path: Path, how: str) -> None:
    if sys.platform == "win32":
        argv, flags = [sys.executable, "-c", OURS, how, str(tmp_path / "gate")], subprocess.CREATE_NO_WINDOW
        ended = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=PATIENCE, creationflags=flags)
        assert ended.stdout.split() == ["0", "unharmed"], ended.stderr
