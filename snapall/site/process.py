"""The only subprocess of the tool: start a program and wait for it, never killing it; or one that outlives us."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
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


_NEW_GROUP: int = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)  # of Windows, which ignores `start_new_session`


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
    except (psutil.NoSuchProcess, ValueError):  # ValueError: a number that no process can have
        return False
    except psutil.AccessDenied:
        # Somebody is there whom we may not look at: the careful answer is that it may still act.
        return True


def was_there(pid: int, at: float) -> bool:
    """Whether a process runs that may have had this pid at that time (seconds since 1970) already."""
    try:
        return psutil.Process(pid).create_time() < at + _SAME_START
    except psutil.Error:  # of one that we may not look at only its being there is known
        return psutil.pid_exists(pid)
    except (ValueError, OverflowError):  # a number that no process can have
        return False


def itself() -> Child:
    """This very process."""
    return Child(os.getpid(), _started(os.getpid()))


class Watched:
    """Another process that is kept in view: one that gets its pid later is not taken for it, whatever clocks do."""

    def __init__(self, child: Child) -> None:
        self.pid = child.pid
        self._process: psutil.Process | None = None
        with suppress(psutil.Error):
            process = psutil.Process(child.pid)
            if abs(process.create_time() - child.started) < _SAME_START:
                self._process = process

    @property
    def lives(self) -> bool:
        """Whether it still runs. A zombie does not."""
        try:
            return (
                self._process is not None
                and self._process.is_running()
                and self._process.status() != psutil.STATUS_ZOMBIE
            )
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:
            return True

    def kill(self) -> str:
        """End it at once, stopped or not. Answers why that may not be done; "" when it is done, or was over."""
        try:
            if self._process is not None:
                self._process.kill()
        except psutil.NoSuchProcess:
            return ""
        except (psutil.Error, OSError) as error:
            return str(error)
        return ""


class DetachedProcess:
    """A program of ours that is to outlive us. It is handed some bytes, says one word, and is left alone."""

    def __init__(self, argv: Sequence[str], handed: bytes, word: str, folder: Path) -> None:
        """Start it in `folder`, with nothing of ours but two pipes. Raises NotStarted."""
        self.output = ""  # what it said before that word, or instead
        self._word = word
        self._heard = threading.Event()
        self._ready = False
        try:
            self._program = _start_apart(argv, folder)
        except (OSError, ValueError) as error:
            raise NotStarted(f"{argv[0]} cannot be started: {error}", code="SA-3007") from error
        threading.Thread(target=self._attend, args=(handed,), name=f"apart-{self._program.pid}", daemon=True).start()

    def ready(self, seconds: float, given_up: Callable[[], bool]) -> bool:
        """Wait for its word, so many seconds at most, and not beyond `given_up`."""
        end = time.monotonic() + seconds
        while not self._heard.wait(0.05) and not given_up() and time.monotonic() < end:
            pass
        return self._ready

    def end(self, seconds: float, grace: float = 0.0) -> None:
        """Let it end by itself for `grace` seconds, then ask it to, wait so many seconds, and kill it."""
        for ask, patience in ((None, grace), (self._program.terminate, seconds), (self._program.kill, seconds)):
            if ask is not None and self._program.poll() is None:
                ask()
            with suppress(subprocess.TimeoutExpired):
                self._program.wait(patience)

    def _attend(self, handed: bytes) -> None:
        """Hand over, listen until the word or the end, and leave no zombie while we live."""
        stdin, stdout = self._program.stdin, self._program.stdout
        assert stdin is not None  # both are pipes  # noqa: S101
        assert stdout is not None  # noqa: S101
        with suppress(OSError), stdin:  # one that has died is heard below
            stdin.write(handed)
        with suppress(OSError, ValueError), stdout:
            for line in stdout:
                text = line.decode("utf-8", "replace").strip()
                if text == self._word:
                    self._ready = True
                    break
                self.output = text or self.output
        self._heard.set()
        self._program.wait()


def _start_apart(argv: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    """In a session of its own: neither a closed terminal nor its Ctrl-C reaches it. No descriptor of ours goes along.

    The job's lock hangs on one of them, and must die with us alone.
    """

    def start(flags: int = 0) -> subprocess.Popen[bytes]:
        pipe, both = subprocess.PIPE, subprocess.STDOUT
        return subprocess.Popen(
            argv, stdin=pipe, stdout=pipe, stderr=both, cwd=folder, start_new_session=True, creationflags=flags
        )

    if sys.platform == "win32":
        own = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
        with suppress(PermissionError):  # the scheduler's job object lets nobody out, and would end it with itself
            return start(own | subprocess.CREATE_BREAKAWAY_FROM_JOB)
        return start(own)
    return start()


def _start(argv: Sequence[str], out: IO[bytes], err: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True, creationflags=_NEW_GROUP
        )
    except (OSError, ValueError) as error:
        # ValueError: an argument holds a NUL. Its text, like that of OSError, never shows the other arguments.
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise NotStarted(
            f"{argv[0]} cannot be started: {reason}",
            hint="set `vcbsnapshot` in [vcenter] to the program's full path, as a list with its leading arguments",
            code="SA-3007",
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


def own_addresses() -> tuple[str, ...]:
    """The IP addresses of this machine."""
    found = (one for several in psutil.net_if_addrs().values() for one in several)
    return tuple(one.address for one in found if one.family in (socket.AF_INET, socket.AF_INET6))
