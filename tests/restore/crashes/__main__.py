"""`python -m tests.restore.crashes [--every N] [WORD...]`: the table, and all that did not hold.

Words choose the operations whose names hold one of them. Exits 0 only if everything held.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from snapall.drill.processes import fork_with_pipe
from snapall.lab.sites import build
from tests.restore.crashes.cell import Played, played, struck
from tests.restore.crashes.desk import site
from tests.restore.crashes.operations import OPERATIONS
from tests.restore.crashes.strikes import CUTS, KILLS, Strike, strikes

Cell = tuple[Played, Strike]


def cells(folder: Path, words: Sequence[str]) -> Iterator[Cell]:
    """All cells, or those of the operations with one of these words in their names."""
    for number, operation in enumerate(OPERATIONS):
        if not words or any(word in operation.name for word in words):
            place = folder / str(number)
            place.mkdir()
            build(place / "lab", site()).close()
            of = played(operation, place)
            yield from ((of, strike) for strike in strikes(of.whole.calls, of.whole.syncs))


def _work(pipe: Connection[Any, Any], mine: Sequence[tuple[int, Cell]]) -> None:
    for number, cell in mine:
        pipe.send((number, [*struck(*cell)]))


def verdicts(chosen: Sequence[Cell]) -> Iterator[tuple[Cell, list[str]]]:
    """What did not hold in each cell, as the workers find it out."""
    workers = os.cpu_count() or 1
    numbered = list(enumerate(chosen))
    forks = [fork_with_pipe(_work, numbered[n::workers]) for n in range(workers)]
    pipes = [pipe for _, pipe in forks]
    while pipes:
        for ready in wait(pipes):
            assert isinstance(ready, Connection)
            try:
                number, wrong = ready.recv()
                yield chosen[number], wrong
            except EOFError:
                pipes.remove(ready)


def main(argv: Sequence[str]) -> int:
    """Print every cell in which something did not hold, then the table; return 0 when there is none."""
    parser = argparse.ArgumentParser(prog="python -m tests.restore.crashes")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="try one cell in N")
    parser.add_argument("word", nargs="*", help="only operations with one of these words in their names")
    asked = parser.parse_args(argv)
    began, counts, broken = time.monotonic(), Counter[tuple[str, str]](), Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        chosen = list(cells(Path(name), asked.word))[:: asked.every]
        for (of, strike), wrong in verdicts(chosen):
            what = "kills" if strike.blow in KILLS else "power cuts" if strike.blow in CUTS else "faults"
            counts[of.operation.name, what] += 1
            broken[of.operation.name] += bool(wrong)
            for one in wrong:
                print(f"{of.operation.name}, {_where(of, strike)}: {one}", flush=True)
    _print_table(counts, broken)
    bad, done = broken.total(), counts.total()
    print(f"{done} of {len(chosen)} cells, {bad} in which something did not hold; {time.monotonic() - began:.0f} s")
    return 1 if bad or done != len(chosen) or not done else 0


def _where(of: Played, strike: Strike) -> str:
    if strike.blow in CUTS and strike.at > len(of.whole.calls):
        return f"{strike.blow} {strike.at}"
    command = of.whole.calls[strike.at - 1] if "fsync" not in strike.blow else ""
    return f"{strike.blow} {strike.at} {command}{', then a run' if strike.night else ''}"


def _print_table(counts: Counter[tuple[str, str]], broken: Counter[str]) -> None:
    print(f"{'operation':<26} {'kills':>6} {'power cuts':>11} {'faults':>7} {'broken':>7}")
    for name in dict.fromkeys(name for name, _ in counts):
        row = [counts[name, what] for what in ("kills", "power cuts", "faults")]
        print(f"{name:<26} {row[0]:>6} {row[1]:>11} {row[2]:>7} {broken[name]:>7}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
