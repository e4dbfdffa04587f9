"""Runs one command in a Wine prefix, ends what it leaves there, and writes down the CPU seconds of all of it.

`python measured.py FILE COMMAND...`: Wine starts each process by a fork of a fork, so nobody waits for them, and none
is counted. A subreaper (prctl(2)) becomes the parent of all of them.
"""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
PATIENCE = 10  # seconds for what the prefix's end leaves


def main(file: str, *command: str) -> int:
    """Run it; its exit code."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    os.umask(0o077)  # Wine makes access lists of modes, and on Windows a user's folders are for that user alone
    code = subprocess.call(command)
    subprocess.run(["wineserver", "-k"], check=False)  # or what is left keeps our output open
    end = time.monotonic() + PATIENCE
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0] or time.monotonic() < end:
            time.sleep(0.01)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    Path(file).write_text(f"{used.ru_utime + used.ru_stime:.2f}", encoding="ascii")
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
