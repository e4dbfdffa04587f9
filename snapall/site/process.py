"""The only subprocess of the tool: a program that is waited for with patience and never killed, and one let go."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import psutil

from snapall.backup.steps import Child
from snapall.errors import SiteError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OUTPUT_CEILING = 1 << 20
"""How many bytes of each stream are read; what a program writes beyond them is ignored."""

_SAME_START = 2.0
"""Seconds by which a start time may differ: the system computes it from a clock that may be set meanwhile."""


_END = 10.0
"""Seconds to wait for a killed program's end: one that is stuck in the kernel takes its time."""


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


class Detached:
    """A program that is to outlive us: in a session of its own, out of reach of our terminal and its signals.

    It hears by the end of its standard input that we have ended, and says one line on its standard output.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        """Start it. NotStarted: that is impossible."""
        try:
            self._program = _start_detached(argv)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise NotStarted(f"{argv[0]} cannot be started: {reason}", "see whether Python can be run there") from error
        self._said: list[bytes] = []
        self._reader = threading.Thread(target=self._read, name="first-word", daemon=True)
        self._reader.start()

    def first_line(self, timeout: float) -> bytes:
        """What it says first; nothing if it ends or so many seconds pass without a word."""
        self._reader.join(timeout)
        return self._said[0] if self._said else b""

    def let_go(self) -> None:
        """Let it hear that we have ended."""
        with suppress(OSError):
            cast("IO[bytes]", self._program.stdin).close()

    def wait(self, timeout: float) -> bool:
        """Give it so many seconds to end; whether it did."""
        try:
            self._program.wait(timeout)
        except subprocess.TimeoutExpired:
            self._program.returncode = 0  # it lives on, and that is no mistake that Popen should warn of
            return False
        return True

    def _read(self) -> None:
        with cast("IO[bytes]", self._program.stdout) as stream:
            self._said.append(stream.readline())


def this_process() -> Child:
    """We, as another process can know us again."""
    return Child(os.getpid(), _started(os.getpid()))


def end(child: Child) -> bool:
    """Kill this very program, whatever it is stuck in; whether it is certain that it has ended."""
    try:
        process = psutil.Process(child.pid)
        if abs(process.create_time() - child.started) < _SAME_START:
            process.kill()
            process.wait(_END)
    except psutil.NoSuchProcess:
        return True
    except (psutil.AccessDenied, psutil.TimeoutExpired):
        return not alive(child)
    return True


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


def _start_detached(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    if sys.platform == "win32":
        apart = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
        try:  # a scheduler's job object ends all that is in it: a guardian had better not be
            return _piped(argv, creationflags=apart | subprocess.CREATE_BREAKAWAY_FROM_JOB)
        except PermissionError:  # a job that lets nobody leave
            return _piped(argv, creationflags=apart)
    return _piped(argv, start_new_session=True)


def _piped(argv: Sequence[str], *, creationflags: int = 0, start_new_session: bool = False) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        creationflags=creationflags,
        start_new_session=start_new_session,
    )


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
