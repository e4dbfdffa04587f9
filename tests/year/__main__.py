"""`python -m tests.year [--nights 365] [--seed N] [--keep DIR]`: one line a month, then what did not hold."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.year.tally import Tally
from tests.year.year import Year


def main() -> int:
    """Return 0 when every promise held every morning."""
    parser = argparse.ArgumentParser(prog="python -m tests.year", description=__doc__)
    parser.add_argument("--nights", type=int, default=365)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a new folder for the world, kept for inspection")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        year = Year(asked.keep or Path(folder) / "world", asked.seed)
        wrong, whole = 0, Tally("")
        for month in year.nights(asked.nights):
            print(month.line(), flush=True)
            for text in month.wrong:
                print(f"  BROKEN: {text}", flush=True)
            wrong += len(month.wrong)
            whole.add(month)
    print(f"used: {whole.used()}")
    print(f"seed {asked.seed}: {asked.nights} nights, {wrong} broken promises")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
