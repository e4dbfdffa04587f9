"""The system's own programs, such as crontab and schtasks: short ones, asked and listened to."""

from __future__ import annotations

import codecs
import shutil
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from snapall.errors import SiteError, reason_of
from snapall.site.process import environment_without

_TIMEOUT = 60.0
"""Seconds for one call. `systemctl enable` reloads every unit, and `schtasks /Query` lists hundreds of tasks."""


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a program answered, each stream whole."""

    code: int
    stdout: bytes
    stderr: bytes

    @property
    def said(self) -> str:
        """What it printed, in one line."""
        return " / ".join(line.strip() for line in decoded(self.stderr + self.stdout).splitlines() if line.strip())


def ask(
    argv: Sequence[str], given: bytes = b"", folder: Path | None = None, withheld: Collection[str] = ()
) -> ToolAnswer:
    """Run a program without a shell and wait for it. `withheld`: variables that it does not get.

    SiteError: it cannot be started, or does not end.
    """
    env = environment_without(withheld)
    if sys.platform != "win32":
        env["LC_ALL"] = "C"  # what it says is read
    try:
        # Files, and no pipes: a service that the program wakes up may keep a pipe open for ever.
        with TemporaryFile() as stdin, TemporaryFile() as stdout, TemporaryFile() as stderr:
            stdin.write(given)
            stdin.seek(0)
            words = [shutil.which(argv[0]) or argv[0], *argv[1:]]
            program = subprocess.Popen(words, stdin=stdin, stdout=stdout, stderr=stderr, cwd=folder, env=env)
            return ToolAnswer(_ended(program), _whole(stdout), _whole(stderr))
    except subprocess.TimeoutExpired as error:
        raise SiteError(
            f"{argv[0]} did not finish within {_TIMEOUT:g} s", f"run `{argv[0]}` by hand to see why", "SA-1966"
        ) from error
    except (OSError, ValueError) as error:
        raise SiteError(
            f"{argv[0]} cannot be started: {reason_of(error)}",
            "install it, or name another scheduler with --for",
            "SA-1964",
        ) from error


def _ended(program: subprocess.Popen[bytes]) -> int:
    """Its exit code. TimeoutExpired: it took too long, and was ended."""
    try:
        return program.wait(_TIMEOUT)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()
        raise


def _whole(stream: IO[bytes]) -> bytes:
    stream.seek(0)
    return stream.read()


def decoded(text: bytes) -> str:
    """What a program of this system wrote, as text."""
    if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return text.decode("utf-16", "replace")
    if sys.platform == "win32":
        return text.decode("oem", "replace")
    return text.decode("utf-8", "surrogateescape")
