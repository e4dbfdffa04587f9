"""`python -m tests.years [--nights 1000] [--seed 1] [--seeds N]`: figures, and every broken promise."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.years.commands import Tally
from tests.years.years import Years

SHM = Path("/dev/shm")


def _codes(counts: dict[int, int]) -> str:
    return ", ".join(f"{'killed' if code == 137 else f'exit {code}'} {n}" for code, n in sorted(counts.items()))


def figures(years: Years) -> str:
    """The figures of one seed."""
    tally: Tally = years.tally
    world = years.world
    lines = [
        f"seed {years.seed}: {tally.nights} nights, {tally.commands} commands",
        f"  {years.seconds:.1f} s, {1000 * years.processor / max(1, tally.nights):.1f} ms of processor time a night",
        f"  {tally.kills} kills, {tally.cuts} power cuts, {tally.signals} signals, {tally.full} full disks",
        f"  {years.others.count} acts of others",
        f"  {world.made} VM snapshots created, {world.removed} removed",
        f"  {world.captured} filer snapshots created, {years.judge.published} published",
        *(f"  {words}: {_codes(counts)}" for words, counts in sorted(tally.codes.items())),
        "  faults: " + ", ".join(f"{kind} {count}" for kind, count in sorted(tally.faults.items())),
    ]
    return "\n".join(lines)


def main() -> int:
    """Return 0 when every promise held on every night."""
    parser = argparse.ArgumentParser(prog="python -m tests.years", description=__doc__)
    parser.add_argument("--nights", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1, help="so many seeds, from --seed on")
    parser.add_argument("--on", action="store_true", help="go on after a broken promise")
    parser.add_argument("--record", type=int, default=-1, help="print the log of this night, whatever its result")
    asked = parser.parse_args()
    wrong = 0
    for seed in range(asked.seed, asked.seed + asked.seeds):
        with tempfile.TemporaryDirectory(dir=SHM if SHM.is_dir() else None) as folder:
            years = Years(Path(folder), seed)
            for log in years.live(asked.nights, asked.record):
                print(log, flush=True)
                wrong += "BROKEN" in log
                if wrong and not asked.on:
                    break
            print(figures(years), flush=True)
    print("0 left, 0 lost" if not wrong else f"{wrong} nights in which a promise was broken")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
