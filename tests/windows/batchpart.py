"""The parts that need cmd.exe: the original batch beside snapall, and generated batches beside the interpreter."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.windows.away import Away
from tests.windows.interpreter import OVERRIDES
from tests.windows.shards import Part, Shard, of_tests, shard_of
from tests.windows.standins import BUILT, COMPILERS, build
from tests.windows.wine import Windows, seen_from_windows

LIMIT = 1800  # seconds; alone it takes two minutes
GENERATED = 20
BESIDE = "the original batch beside snapall"
ON_PAPER = "generated batches on paper and under cmd.exe"


def for_cmd(work: Path) -> dict[str, str]:
    """Build the stand-ins for a batch's programs; the variables that let a Windows Python find them and cmd.exe.

    Raises subprocess.CalledProcessError.
    """
    program = work / "stand-in.exe"
    build(shutil.which(COMPILERS[0]) or COMPILERS[0], program)
    return {BUILT: seen_from_windows(program), "WINEDLLOVERRIDES": OVERRIDES}


def beside_part(place: Away, variables: dict[str, str], *, whole: bool) -> Part:
    """The part that performs scenarios both ways and prints the table of the comparison."""

    def part(machine: Windows, scratch: Path) -> Shard:
        scratch.mkdir()
        words = ("-m", "tests.windows.beside", *["--all"] * whole)
        environ = place.environ | variables
        ended = machine.run(*words, cwd=place.folder, limit=LIMIT, environ=environ)
        count, different = read_table(ended.output)
        trouble = "" if ended.code == (1 if different else 0) and count else f"exit code {ended.code}"
        return shard_of(BESIDE, ended, count - len(different), different, trouble=trouble)

    return part


def read_table(text: str) -> tuple[int, tuple[str, ...]]:
    """How many scenarios a table of `tests.windows.beside` has, and which of them differ. (0, ()): it is not whole."""
    last = re.search(r"^(\d+) scenarios, \d+ with a difference that nothing allows$", text, re.MULTILINE)
    different = re.findall(r"^(\w+) +\d+  DIFFERENT", text, re.MULTILINE)
    return (int(last[1]), tuple(different)) if last else (0, ())


def generated_part(place: Away, variables: dict[str, str]) -> Part:
    """The part that runs generated batches, and those of the fixtures; without cmd.exe it fails."""
    return of_tests(place, "windows/test_cmd_beside.py", ON_PAPER, SNAPALL_BATCHES=str(GENERATED), **variables)
