"""Proof that the kill matrix can fail: `python -m tests.mutants` plants known bugs in a copy of snapall, one by one.

Each must turn the quick matrix red, by the promise that it breaks. Prints what was caught; exits 0 only if all were.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import snapall

HERE = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bug: a text of one file, and what stands there instead; `breaks` is said by the matrix that catches it."""

    name: str
    file: str
    text: str
    instead: str
    breaks: str


MUTANTS = (
    Mutant(
        "the undo is registered after the act",
        "backup/means.py",
        "        return self._perform(journal, journal.intend(step), stage, step)\n",
        "        outcome = self.site.perform(step, lambda _: None)\n"
        "        journal.note(Answered(journal.intend(step), outcome, 0.0))\n"
        "        return outcome\n",
        "a VM was left quiesced",
    ),
    Mutant(
        "the rotation comes before the proof",
        "backup/engine.py",
        "            self._check_musts()\n",
        "            for step in self.plan.of(Stage.ROTATE):\n"
        "                if isinstance(step, Rename | Delete):\n"
        "                    self.means.act(self.journal, Stage.ROTATE, step)\n",
        "a backup was lost",
    ),
    Mutant(
        "VM snapshots are recovered by name instead of by id",
        "backup/debts.py",
        "        if self.ssid:\n"
        "            return tuple(row for row in mine if row.ssid == self.ssid)\n"
        "        new = [row for row in mine if row.name == self.name and row.ssid not in self.before]\n"
        "        return tuple(new) if len(new) == 1 else ()\n",
        "        return tuple(row for row in mine if row.name == self.name)\n",
        "something of others was touched",
    ),
)


def planted(mutant: Mutant, folder: Path) -> Path:
    """A copy of snapall with the bug in it. Raises ValueError when the text is no longer there once."""
    copy = folder / "snapall"
    shutil.copytree(Path(snapall.__file__).parent, copy)
    path = copy / mutant.file
    source = path.read_text(encoding="utf-8")
    if source.count(mutant.text) != 1:
        raise ValueError(
            f"{mutant.file} no longer holds this text once; the mutant must be written anew:\n{mutant.text}"
        )
    path.write_text(source.replace(mutant.text, mutant.instead), encoding="utf-8")
    return folder


def matrix(folder: Path) -> tuple[int, str]:
    """The quick matrix on the snapall of a folder: its exit code, and what it printed."""
    (folder / "tests").symlink_to(HERE / "tests")
    environ = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    words = [sys.executable, "-m", "tests.matrix", "--quick"]
    ended = subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def caught(mutant: Mutant) -> str:
    """Why the matrix turned red of the mutant; "" when it did not, or not for the reason that it should."""
    with tempfile.TemporaryDirectory(prefix="snapall-mutant-") as name:
        code, said = matrix(planted(mutant, Path(name)))
    found = [line for line in said.splitlines() if mutant.breaks in line]
    return f"{len(found)} cells say: {found[0].strip()}" if code == 1 and found else ""


def main(argv: Sequence[str]) -> int:
    """Plant all of them, or those whose names hold a word."""
    missed = 0
    for mutant in [one for one in MUTANTS if all(word in one.name for word in argv)]:
        began = time.monotonic()
        why = caught(mutant)
        missed += not why
        print(f"{mutant.name}: {'caught, ' + why if why else 'NOT CAUGHT'} ({time.monotonic() - began:.0f} s)")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
