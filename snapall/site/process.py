"""Start a program and wait for it, never killing it; and look at processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil

from snapall.backup.steps import Child
from snapall.errors import SiteError, reason_of
from snapall.site.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

_SAME_START = 2.0
"""Seconds by which a start time may differ: the system computes it from a clock that may be set meanwhile."""


_TICK = 0.05  # seconds between two looks whether a program has ended that keeps its output open, or gave it away

_STATUS = 0x40000000
"""From here on, an exit code of Windows is an NTSTATUS (ntstatus.h): a crash, Ctrl-C, a debugger ended the program."""

_NEGATIVE = 0xFFFFFF00  # and from here on it is a small negative number again, which programs themselves return


def own_console() -> int:
    """The flags that keep the console's end and its Ctrl-C from a child on Windows, which has no sessions; else 0."""
    if sys.platform == "win32":
        return subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    return 0


def spoke(code: int, said: str, platform: str = sys.platform) -> bool:
    """Whether a program itself reports by this exit code that it failed. `said`: what it printed, without chatter.

    A negative code is the signal that killed it. Windows has none: there TerminateProcess gives a program any code, 1
    from Task Manager and taskkill, 15 from os.kill, so one that printed nothing may have been killed.
    """
    if platform != "win32":
        return code > 0
    return code != 0 and not _STATUS <= code < _NEGATIVE and bool(said.strip())


def exit_text(code: int) -> str:
    """An exit code in messages; Windows' own documents give an NTSTATUS in hexadecimal."""
    return f"exit code {code}" if code < _STATUS else f"exit code 0x{code:08X}"


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


def environment_without(names: Collection[str]) -> dict[str, str]:
    """Our environment as a child gets it: without these variables. On Windows, case makes no difference to a name."""
    same = str.upper if sys.platform == "win32" else str
    withheld = {same(name) for name in names}
    return {name: value for name, value in os.environ.items() if same(name) not in withheld}


def run(
    argv: Sequence[str],
    timeout: float,
    on_start: Callable[[Child], None],
    telling: Sequence[bytes] = (),
    withheld: Collection[str] = (),
) -> Completed:
    """Run a program without a shell and wait `timeout` seconds for it; `on_start` learns of it at once.

    The program is in a process group of its own, so that the terminal's Ctrl-C does not reach it, and writes into
    streams that never break, so that it lives on unharmed when we stop waiting or die. It is never killed.
    `telling`: words in small letters; lines with one of them are kept, however long the output. `withheld`: variables
    of our environment that it does not get.
    Raises NotStarted. What `on_start` raises is passed on, and the program goes on.
    """
    begun = time.monotonic()
    try:
        streams = Streams(telling)
    except OSError as error:  # no descriptors are left
        raise _not_started(argv[0], error) from error
    try:
        program = _start(argv, streams.ends, environment_without(withheld))
    except NotStarted:
        streams.close()
        raise
    finally:
        streams.started()
    try:
        on_start(Child(program.pid, _started(program.pid)))
        code = _wait(program, streams, begun + timeout)
        stdout, stderr = streams.finish()
    finally:
        _leave(program, streams)
    return Completed(tuple(argv), code, stdout, stderr, time.monotonic() - begun)


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
        except psutil.AccessDenied:
            return "permission denied"
        except (psutil.Error, OSError) as error:
            return reason_of(error)
        return ""


def _start(argv: Sequence[str], ends: tuple[int, int], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    null, (out, err) = subprocess.DEVNULL, ends

    def start(flags: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            argv, stdin=null, stdout=out, stderr=err, env=env, start_new_session=True, creationflags=flags
        )

    try:
        return outside(start, own_console())
    except (OSError, ValueError) as error:
        raise _not_started(argv[0], error) from error


def outside(start: Callable[[int], subprocess.Popen[bytes]], flags: int) -> subprocess.Popen[bytes]:
    """Start it outside the job object of Windows in which we may be, so that it outlives that; within, if need be."""
    if sys.platform == "win32":
        with suppress(PermissionError):
            return start(flags | subprocess.CREATE_BREAKAWAY_FROM_JOB)
    return start(flags)


def _not_started(program: str, error: OSError | ValueError) -> NotStarted:
    # ValueError: an argument holds a NUL. Its text, like that of OSError, never shows the other arguments.
    return NotStarted(
        f"{program} cannot be started: {reason_of(error)}",
        hint="set `vcbsnapshot` in [vcenter] to the program's full path, as a list with its leading arguments",
        code="SA-3007",
    )


def _started(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        # Some systems tell nothing of a program that has ended already; nobody will find it alive either.
        return time.time()


def _wait(program: subprocess.Popen[bytes], streams: Streams, deadline: float | None) -> int | None:
    """Its exit code, or None when the time is over. Meanwhile what it writes is read."""
    while (code := program.poll()) is None and (deadline is None or time.monotonic() < deadline):
        tick = _TICK if deadline is None else min(_TICK, max(0.0, deadline - time.monotonic()))
        if streams.open:
            streams.take(tick)
        else:
            with suppress(subprocess.TimeoutExpired):
                program.wait(tick)
    return code


def _leave(program: subprocess.Popen[bytes], streams: Streams) -> None:
    """See to it that whoever goes on can still write, and leaves no zombie when it ends.

    That is a program which outlives our patience, or one that it started and left behind with its streams.
    """

    def attend() -> None:
        _wait(program, streams, None)
        while streams.open:
            streams.take()
        streams.close()

    if program.poll() is None or streams.open:
        threading.Thread(target=attend, name=f"reaper-{program.pid}", daemon=True).start()
    else:
        streams.close()


def own_addresses() -> tuple[str, ...]:
    """The IP addresses of this machine."""
    found = (one for several in psutil.net_if_addrs().values() for one in several)
    return tuple(one.address for one in found if one.family in (socket.AF_INET, socket.AF_INET6))
