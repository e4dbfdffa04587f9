"""The processes around a cell: a command in one of its own, and the guardians that are about."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import psutil

from snapall.drill import NotHere
from snapall.errors import Exit


def guardians() -> list[list[str]]:
    """The command lines of those that live now."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if "snapall.app.guardian" in words:
            found.append(words)
    return found


def become(command: Callable[[], Exit], log: Path) -> None:
    """The forked process: never comes back."""
    if sys.platform == "win32":
        raise NotHere
    code = 70
    try:
        output = os.open(log, os.O_WRONLY | os.O_APPEND)
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        code = int(command())
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 70
    except BaseException:  # noqa: BLE001 - it is told, and the process ends
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
