"""`python -m tests.hostile [--inputs 10000] [--seed 1] [WORD]`: every reader, or those whose names have the word."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.hostile.readers import READERS
from tests.hostile.trial import tried


def main(argv: Sequence[str]) -> int:
    """Print a line a reader; 0 when none of them broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile")
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("word", nargs="?", default="")
    asked = parser.parse_args(argv)
    broken = 0
    for reader in [one for one in READERS if asked.word in one.name]:
        with tempfile.TemporaryDirectory() as folder:
            result = tried(reader, asked.inputs, asked.seed, Path(folder))
        broken += bool(result.failure)
        how = f"BROKEN: {result.failure}" if result.failure else "held"
        print(
            f"{reader.name:<16} {result.inputs:>6} inputs, seed {asked.seed}, {result.refused:>6} refused, "
            f"{result.seconds:5.0f} s: {how}",
            flush=True,
        )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
