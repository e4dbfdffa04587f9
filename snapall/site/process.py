"""The only subprocess of the tool: start a program, wait for it with patience, never kill it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

import psutil

from snapall.backup.steps import Child
from snapall.errors import SiteError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OUTPUT_CEILING = 1 << 20
"""How many bytes of each stream are read; what a program writes beyond them is ignored."""

_SAME_START = 2.0
"""Seconds by which a start time may differ: the system computes it from a clock that may be set meanwhile."""


class NotStarted(SiteError):
    """The program never ran."""


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended. `code` is None when the time was over: it goes on. The argv may hold a password."""

    argv: tuple[str, ...] = field(repr=False)
    code: int | None
    stdout: str
    stderr: str
    seconds: float


def run(argv: Sequence[str], timeout: float, on_start: Callable[[Child], None]) -> Completed:
    """Run a program without a shell and wait `timeout` seconds for it; `on_start` learns of it at once.

    The program is in a process group of its own, so that the terminal's Ctrl-C does not reach it, and writes into
    files without a name, so that it lives on unharmed when we stop waiting or die. It is never killed.
    Raises NotStarted. What `on_start` raises is passed on, and the program goes on.
    """
    begun = time.monotonic()
    with _file() as out, _file() as err:
        program = _start(argv, out, err)
        try:
            on_start(Child(program.pid, _started(program.pid)))
            code = _wait(program, begun + timeout)
        finally:
            _leave(program)
        return Completed(tuple(argv), code, _text(out), _text(err), time.monotonic() - begun)


def alive(child: Child) -> bool:
    """Whether this very program still runs. A zombie does not, nor does another one that got the same pid."""
    try:
        process = psutil.Process(child.pid)
        same = abs(process.create_time() - child.started) < _SAME_START
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        # Somebody is there whom we may not look at: the careful answer is that it may still act.
        return True


def _start(argv: Sequence[str], out: IO[bytes], err: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        if sys.platform == "win32":
            return subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                creationflags=subprocess.CREATE_NEW_PROCESS_GROUP,
            )
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True)
    except (OSError, ValueError) as error:
        # ValueError: an argument holds a NUL. Its text, like that of OSError, never shows the other arguments.
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise NotStarted(
            f"{argv[0]} cannot be started: {reason}",
            hint="set `vcbsnapshot` in [vcenter] to the program's full path, as a list with its leading arguments",
        ) from error


def _started(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        # Some systems tell nothing of a program that has ended already; nobody will find it alive either.
        return time.time()


def _file() -> IO[bytes]:
    """Where a program writes. Where no file can be made its words are lost, but a VM can still be released."""
    try:
        return tempfile.TemporaryFile()
    except OSError:
        return Path(os.devnull).open("w+b")


def _wait(program: subprocess.Popen[bytes], deadline: float) -> int | None:
    try:
        return program.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return program.poll()


def _leave(program: subprocess.Popen[bytes]) -> None:
    """See to it that a program which outlives our patience leaves no zombie when it ends."""
    if program.poll() is None:
        threading.Thread(target=program.wait, name=f"reaper-{program.pid}", daemon=True).start()


def _text(file: IO[bytes]) -> str:
    """What the program wrote. Windows programs write in code pages: a byte that is not UTF-8 becomes a mark."""
    file.seek(0)
    return file.read(OUTPUT_CEILING).decode("utf-8", "replace").replace("\r\n", "\n")
