"""Tests the tests: plants known bugs in a copy of snapall, one by one.

`python -m tests.mutants` plants those that the quick kill matrix must turn red by; `--every` names every cell that
does. `python -m tests.mutants --covering` plants all others, and runs the tests that cover the file of each. Words
after that choose those whose names hold them. Exits 0 only if all were caught.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from tests.mutants import COVERED, MUTANTS, Mutant
from tests.mutants.covering import catcher, checkout
from tests.mutants.matrix import caught


def by_the_matrix(mutant: Mutant, every: bool) -> tuple[bool, list[str]]:
    """Whether it is caught, and the cells by which."""
    cells = caught(mutant, at_once=not every)
    return bool(cells), [f"{mutant.breaks}: {cell}" for cell in cells]


def by_its_tests(mutant: Mutant, folder: Path) -> tuple[bool, list[str]]:
    """Whether it is caught, and by which test."""
    test = catcher(mutant, folder)
    return test is not None, [test] if test is not None else []


def main(argv: Sequence[str]) -> int:
    """Plant all of them, or those whose names or files contain these words."""
    words = [word for word in argv if not word.startswith("--")]
    if unknown := set(argv) - {*words, "--covering", "--every"}:
        raise SystemExit(f"no such option: {' '.join(unknown)}")
    covering, every, missed, planted = "--covering" in argv, "--every" in argv, 0, 0
    with checkout() if covering else nullcontext(Path()) as folder:
        for mutant in COVERED if covering else MUTANTS:
            if not all(word in f"{mutant.file}: {mutant.name}" for word in words):
                continue
            planted += 1
            began = time.monotonic()
            found, by = by_its_tests(mutant, folder) if covering else by_the_matrix(mutant, every)
            missed += not found
            verdict = "caught" if found else "NOT CAUGHT"
            print(f"{mutant.file}: {mutant.name}: {verdict} ({time.monotonic() - began:.0f} s)", flush=True)
            for one in by:
                print(f"  {one}", flush=True)
    return 1 if missed or not planted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
