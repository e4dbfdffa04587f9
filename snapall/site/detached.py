"""A program of ours that is to outlive us."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from snapall.errors import reason_of
from snapall.site.jobobject import SUSPENDED, is_confined
from snapall.site.process import NotStarted, environment_without, outside

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path


class DetachedProcess:
    """A program of ours that is to outlive us. It is handed some bytes, says one word, and is left alone."""

    def __init__(
        self, argv: Sequence[str], handed: bytes, word: str, folder: Path, withheld: Collection[str] = ()
    ) -> None:
        """Start it in `folder`, with two pipes and our environment but for `withheld`. Raises NotStarted."""
        self.output = ""  # what it said before that word, or instead
        self._word = word
        self._heard = threading.Event()
        self._ready = False
        try:
            self._program = _start_apart(argv, folder, environment_without(withheld))
        except (OSError, ValueError) as error:
            raise NotStarted(f"{argv[0]} cannot be started: {reason_of(error)}", code="SA-3007") from error
        self.confined = is_confined(self._program.pid)  # whether it ends with the job object that we are in
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


def would_be_confined(withheld: Collection[str] = ()) -> bool:
    """Whether such a program would end with the job object that we are in. False elsewhere.

    Only a try says so where jobs are nested: a program is started that is never let run.
    """
    if sys.platform == "win32":
        argv, null, env = [sys.executable], subprocess.DEVNULL, environment_without(withheld)

        def start(flags: int) -> subprocess.Popen[bytes]:
            return subprocess.Popen(argv, stdin=null, stdout=null, stderr=null, env=env, creationflags=flags)

        with outside(start, subprocess.DETACHED_PROCESS | SUSPENDED) as program:
            confined = is_confined(program.pid)
            program.kill()
        return confined
    return False


def _start_apart(argv: Sequence[str], folder: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """In a session of its own: neither a closed terminal nor its Ctrl-C reaches it. No descriptor of ours goes along.

    The job's lock hangs on one of them, and must die with us alone.
    """

    def start(flags: int) -> subprocess.Popen[bytes]:
        pipe, both = subprocess.PIPE, subprocess.STDOUT
        return subprocess.Popen(
            argv, stdin=pipe, stdout=pipe, stderr=both, cwd=folder, env=env, start_new_session=True, creationflags=flags
        )

    if sys.platform == "win32":  # without any console it hears nothing of a log-off, which ends whoever has no handler
        return outside(start, subprocess.DETACHED_PROCESS)
    return start(0)
