"""The drill's processes: workers, sites and commands that are forked, and the guardians that are about."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil

from snapall.drill import NotOnWindows
from snapall.errors import Exit


def fork(target: Callable[..., object], *arguments: object) -> BaseProcess:
    """Start a process that shares everything loaded so far. The caller must have no threads."""
    if sys.platform == "win32":
        raise NotOnWindows
    process = multiprocessing.get_context("fork").Process(target=target, args=arguments)
    process.start()
    return process


def fork_with_pipe(target: Callable[..., object], *arguments: object) -> tuple[BaseProcess, Connection[Any, Any]]:
    """The same, with a pipe: our end; the target gets the other one as its first argument.

    Ctrl-C is for us alone: the target ends when it finds our end closed, or by SIGTERM.
    """
    if sys.platform == "win32":
        raise NotOnWindows
    ours, theirs = multiprocessing.Pipe()

    def begin() -> None:
        ours.close()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        target(theirs, *arguments)

    process = fork(begin)
    theirs.close()
    return process, ours


def become(command: Callable[[], Exit], log: Path) -> None:
    """Make this forked process the command, with its output appended to `log`. Never returns."""
    if sys.platform == "win32":
        raise NotOnWindows
    code = 70  # no exit code of ours
    try:
        output = os.open(log, os.O_WRONLY | os.O_APPEND)
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        code = int(command())
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else code
    except BaseException:  # noqa: BLE001 - printed, and the process ends
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def guardians() -> list[list[str]]:
    """The command lines of those that live now."""
    found = []
    for process in psutil.process_iter():
        try:
            argv = process.cmdline()
        except psutil.Error:
            continue
        if "snapall.app.guardian" in argv:
            found.append(argv)
    return found
