"""Explores the core, about a minute of it. `--states 1000000 --faults 2` explores a million states and more.

`--scene NAME` explores one site only, `--faults N` up to so many faults on a path. `--mutants` plants known bugs
instead, and prints by which promise each is found. Exits 0 only if every promise holds, and every mutant is found.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Sequence
from typing import Any

from tests.explore.counterexample import render
from tests.explore.mutants import table
from tests.explore.restore.scenes import SCENES, Restore, counterexample
from tests.explore.scenes import scenes
from tests.explore.search import Bounds, Search


def main(argv: Sequence[str]) -> int:
    """Explore as far as asked, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.explore")
    parser.add_argument("--states", type=int, default=50_000, help="states of all sites together")
    parser.add_argument("--faults", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1e9, help="for each site")
    parser.add_argument("--scene", choices=sorted([*scenes(), *SCENES]))
    parser.add_argument("--mutants", nargs="*", metavar="WORD", help="plant the bugs whose names hold a word; all")
    asked = parser.parse_args(argv)
    if asked.mutants is not None:
        return table(asked.mutants)
    gc.disable()  # nothing here refers to itself
    both: dict[str, Any] = {**scenes(), **SCENES}
    chosen = {name: scene for name, scene in both.items() if asked.scene in (None, name)}
    broken = 0
    total = [0, 0, 0.0]
    for name, scene in chosen.items():
        bounds = Bounds(asked.faults, asked.states // len(chosen), seconds=asked.seconds)
        found = Search(scene, bounds, Restore(SCENES[name]) if name in SCENES else None).run()
        all_of_it = "all" if found.complete else "cut off"
        print(
            f"{name:9} {scene.name:36} {found.states:9,} states {found.transitions:10,} transitions "
            f"depth {found.depth:3} {found.seconds:7.1f} s {all_of_it}",
            flush=True,
        )
        total = [total[0] + found.states, total[1] + found.transitions, total[2] + found.seconds]
        if found.broken is not None:
            broken += 1
            print(counterexample(found) if name in SCENES else render(found), flush=True)
    print(f"{'':46} {total[0]:9,} states {total[1]:10,} transitions {'':9} {total[2]:7.1f} s, {broken} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
