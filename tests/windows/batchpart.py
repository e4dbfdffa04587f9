"""The part of `python -m tests.windows` that runs the original batch beside snapall, both in one Wine prefix."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from tests.windows.interpreter import OVERRIDES
from tests.windows.standins import BUILT, COMPILERS, build

LIMIT = 1800  # seconds; alone it takes two minutes


class Ended(Protocol):
    """How a command under Wine ended."""

    @property
    def code(self) -> int | None:
        """Its exit code; None at its limit."""

    @property
    def output(self) -> str:
        """What it printed."""


class WindowsPython(Protocol):
    """A Python for Windows in a prefix with Wine 10's cmd.exe."""

    def run(self, *words: str, cwd: Path, limit: float, environ: Mapping[str, str] | None = None) -> Ended:
        """Run it with these arguments."""


def run_beside(
    machine: WindowsPython, tests: Path, environ: Mapping[str, str], work: Path, *, whole: bool = False
) -> bool:
    """Print the table of the comparison; whether nothing differs that may not. `tests` is the folder above tests/."""
    compiler = shutil.which(COMPILERS[0])
    if compiler is None:
        sys.stdout.write(f"no stand-ins for the batch's programs: {COMPILERS[0]} is missing\n")
        return False
    program = work.resolve() / "stand-in.exe"
    build(compiler, program)
    more = {BUILT: "Z:" + str(program).replace("/", "\\"), "WINEDLLOVERRIDES": OVERRIDES}
    words = ("-m", "tests.windows.beside", *["--all"] * whole)
    ended = machine.run(*words, cwd=tests, limit=LIMIT, environ={**environ, **more})
    sys.stdout.write(ended.output if ended.code is not None else f"{ended.output}\nit did not end in {LIMIT} s\n")
    return ended.code == 0
