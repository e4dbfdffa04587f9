"""A program of the administrator's own, run for him: bounded in time, and ended with all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

import psutil

from snapall.errors import SiteError, reason_of
from snapall.site.jobobject import SUSPENDED, enclose
from snapall.site.process import own_console
from snapall.site.programs import resolved, unfit_for_batch

CEILING = 1 << 16
"""How many bytes of what it prints are read: the last ones, where the reason of a failure stands."""

_MOST = 1 << 24  # bytes of what it prints that are kept on the disk, whose room the next journal needs

_LAST = 5.0  # seconds that the killed are waited for
_LOOK = 0.1  # seconds between two looks whether it has ended, or we are to stop


@dataclass(frozen=True, slots=True)
class Ran:
    """How it ended. `code` is None when it was ended by us, because its time was over or we were to stop."""

    code: int | None
    output: str
    seconds: float


def run(
    argv: Sequence[str],
    handed: bytes,
    environ: Mapping[str, str],
    timeout: float,
    stopped: Callable[[], bool],
    now: Callable[[], float] = time.monotonic,
) -> Ran:
    """Run a program without a shell, with `handed` on its stdin. Raises SiteError: it cannot be started.

    It may not outlive its time, by `now`: the run waits for it, so it is killed, and its children with it.
    """
    begun, argv = now(), resolved(argv)
    _require_fit_for_batch(argv)
    try:
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out:
            given.write(handed)
            given.seek(0)
            program, end_all = _started(argv, given, out, environ)
            code = _wait(program, out, lambda: now() >= begun + timeout or stopped())
            if code is None:
                _end(program, end_all)
            return Ran(code, _said(out), now() - begun)
    except (OSError, ValueError) as error:  # no such program, no room for its files, or a variable with a zero in it
        raise SiteError(
            f"{argv[0]} cannot be started: {reason_of(error)}",
            "name the program in full, as a list with its arguments",
            "SA-5104",
        ) from error


def _require_fit_for_batch(argv: Sequence[str]) -> None:
    """Raise SiteError if cmd.exe would change, or even run, a part of the command."""
    if (unfit := unfit_for_batch(argv)) is not None:
        raise SiteError(
            f"{argv[0]} is a batch file, and {unfit!r} is not safe: cmd.exe would interpret it again",
            "use only letters, digits and _ . : = @ - in its arguments, or name a program that is not a batch file",
            "SA-1940",
        )


def _started(
    argv: Sequence[str], given: IO[bytes], out: IO[bytes], environ: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], Callable[[], None]]:
    """Start it where no Ctrl-C of ours reaches it; the second answer ends it with all that it has started."""
    both, env, flags = subprocess.STDOUT, dict(environ), own_console() | SUSPENDED
    program = subprocess.Popen(
        list(argv), stdin=given, stdout=out, stderr=both, env=env, start_new_session=True, creationflags=flags
    )
    end_all = enclose(program.pid)
    if sys.platform == "win32":
        with suppress(psutil.Error):  # ended meanwhile, by a virus scanner for example: its exit code tells
            psutil.Process(program.pid).resume()
    return program, end_all


def _wait(program: subprocess.Popen[bytes], out: IO[bytes], given_up: Callable[[], bool]) -> int | None:
    while not given_up():
        with suppress(subprocess.TimeoutExpired):
            return program.wait(_LOOK)
        if os.fstat(out.fileno()).st_size > _MOST:
            out.truncate(0)  # it goes on writing behind the hole, which takes no room
    return program.poll()


def _said(out: IO[bytes]) -> str:
    out.seek(max(0, out.seek(0, os.SEEK_END) - CEILING))
    return out.read(CEILING).replace(b"\0", b"").decode("utf-8", "replace")


def _end(program: subprocess.Popen[bytes], end_all: Callable[[], None]) -> None:
    """Kill it and its children; the children first, since an orphan is no longer known as one, but by its group."""
    children: list[psutil.Process] = []
    with suppress(psutil.Error):
        children = psutil.Process(program.pid).children(recursive=True)
    for child in children:
        with suppress(psutil.Error):
            child.kill()
    _end_group(program.pid)
    end_all()
    program.kill()
    try:
        program.wait(_LAST)
    except subprocess.TimeoutExpired:  # it waits for a device that is dead, and the kill takes effect afterwards
        threading.Thread(target=program.wait, name=f"reaper-{program.pid}", daemon=True).start()
    psutil.wait_procs(children, timeout=_LAST)


def _end_group(leader: int) -> None:
    """What a shell put into the background and left alone is no child of anybody's, but still of its group."""
    if sys.platform != "win32":
        with suppress(OSError):
            os.killpg(leader, signal.SIGKILL)
