"""Runs commands in a Wine prefix: stdin from nowhere, pipes for the output, and a limit for each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

MEASURED = Path(__file__).with_name("measured.py")
OVERRIDES = "mscoree,mshtml="  # asks for neither Mono nor Gecko


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended: its exit code (modulo 256, None at its limit), its output, and the seconds it took.

    `cpu`: the CPU seconds of all its processes.
    """

    code: int | None
    output: str
    seconds: float
    cpu: float = 0.0


@dataclass(frozen=True, slots=True)
class Windows:
    """A Windows Python and the Wine prefix it runs in."""

    folder: Path
    prefix: Path

    @property
    def python(self) -> Path:
        return self.folder / "Python311" / "python.exe"

    def copied(self, prefix: Path) -> Windows:
        """The same Python in a prefix of its own, with its own wineserver: one that crashes ends its whole prefix."""
        shutil.copytree(self.prefix, prefix, symlinks=True)
        return replace(self, prefix=prefix)

    def run(self, *words: str, cwd: Path, limit: float, environ: Mapping[str, str] | None = None) -> Finished:
        """Run the Windows Python with these arguments, then end what is left in the prefix."""
        with tempfile.TemporaryDirectory() as name:
            file = Path(name) / "cpu"
            command = (sys.executable, str(MEASURED), str(file), "wine", str(self.python), *words)
            ended = run_in(self.prefix, *command, cwd=cwd, limit=limit, environ=environ)
            return replace(ended, cpu=float(file.read_text()) if file.exists() else 0.0)


def seen_from_windows(path: Path) -> str:
    """The name that a program under Wine knows a file by."""
    return "Z:" + str(path.resolve()).replace("/", "\\")


def run_in(prefix: Path, *command: str, cwd: Path, limit: float, environ: Mapping[str, str] | None = None) -> Finished:
    """Run one command that uses a prefix; after `limit` seconds, end every process of it."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "COV"))}
    variables |= {"WINEPREFIX": str(prefix), "WINEDEBUG": "-all", "WINEDLLOVERRIDES": OVERRIDES, **(environ or {})}
    started = time.monotonic()
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            end_prefix(prefix)
            output, _ = process.communicate()
            return Finished(None, output, time.monotonic() - started)
    return Finished(process.returncode, output, time.monotonic() - started)


def end_prefix(prefix: Path) -> None:
    """End every process of a prefix, its wineserver last."""
    subprocess.run(["wineserver", "-k9"], env={**os.environ, "WINEPREFIX": str(prefix)}, check=False)
