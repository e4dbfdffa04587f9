"""A program of the administrator's own, run for him: bounded in time, and ended with all that it started."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

from snapall.errors import SiteError

CEILING = 1 << 16
"""How many bytes of what it prints are read."""

_LAST = 5.0  # seconds that the killed are waited for
_LOOK = 0.1  # seconds between two looks whether it has ended, or we are to stop


@dataclass(frozen=True, slots=True)
class Ran:
    """How it ended. `code` is None when it was ended by us, because its time was over or we were to stop."""

    code: int | None
    said: str
    seconds: float


def run(
    argv: Sequence[str], handed: bytes, environ: Mapping[str, str], timeout: float, stopped: Callable[[], bool]
) -> Ran:
    """Run a program without a shell, with `handed` on its stdin. Raises SiteError: it cannot be started.

    It may not outlive its time: the run waits for it, so it is killed, and its children with it.
    """
    begun = time.monotonic()
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out:
        given.write(handed)
        given.seek(0)
        try:
            program = subprocess.Popen(
                list(argv), stdin=given, stdout=out, stderr=subprocess.STDOUT, env=dict(environ), start_new_session=True
            )
        except (OSError, ValueError) as error:
            raise SiteError(
                f"{argv[0]} cannot be started: {error}", "name the program in full, as a list with its arguments"
            ) from error
        code = _wait(program, begun + timeout, stopped)
        if code is None:
            _end(program)
        out.seek(0)
        said = out.read(CEILING).decode("utf-8", "replace")
    return Ran(code, said, time.monotonic() - begun)


def _wait(program: subprocess.Popen[bytes], deadline: float, stopped: Callable[[], bool]) -> int | None:
    while time.monotonic() < deadline and not stopped():
        with suppress(subprocess.TimeoutExpired):
            return program.wait(_LOOK)
    return program.poll()


def _end(program: subprocess.Popen[bytes]) -> None:
    """Kill it and its children; the children first, since an orphan is no longer known as one."""
    children: list[psutil.Process] = []
    with suppress(psutil.Error):
        children = psutil.Process(program.pid).children(recursive=True)
    for child in children:
        with suppress(psutil.Error):
            child.kill()
    program.kill()
    program.wait()
    psutil.wait_procs(children, timeout=_LAST)
