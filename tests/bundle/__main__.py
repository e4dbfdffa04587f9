"""Makes a bundle or the stand-alone program, and tries it: what `nox -s bundle` and `nox -s standalone` call.

`python -m tests.bundle linux|windows WHEEL OUT PYTHON...`, `python -m tests.bundle standalone OUT` for the installed
snapall, and `python -m tests.bundle standalone-windows WHEEL OUT`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import snapall
from tests.bundle import freeze, tryout, wine
from tests.bundle.collect import collect
from tests.bundle.targets import LINUX, WINDOWS


def main(kind: str, *words: str) -> None:
    """Do what the words say; print sizes in MB and times in seconds."""
    match kind, words:
        case "linux", (wheel, out, *pythons):
            report(lambda: collect(LINUX, Path(wheel).resolve(), Path(out).resolve(), pythons), tryout.installed)
        case "windows", (wheel, out, *pythons):
            report(lambda: collect(WINDOWS, Path(wheel).resolve(), Path(out).resolve(), pythons), tryout.under_wine)
        case "standalone", (out,):
            name = f"snapall-{snapall.__version__}-{LINUX.name}-standalone"
            report(lambda: freeze.freeze(name, Path(out).resolve(), freeze.here, LINUX.archive), tryout.standalone)
        case "standalone-windows", (wheel, out):
            name = f"snapall-{snapall.__version__}-{WINDOWS.name}-standalone"
            with wine.windows() as there:
                bundle = collect(WINDOWS, Path(wheel).resolve(), there.home, ["3.11"])
                tryout.install_in(there, bundle)
                make = freeze.under_wine(there)
                report(
                    lambda: freeze.freeze(name, Path(out).resolve(), make, WINDOWS.archive),
                    lambda program: tryout.standalone_under_wine(there, program),
                )
        case _:
            sys.exit(str(__doc__))


def report(make: Callable[[], Path], try_it: Callable[[Path], None]) -> None:
    """Make it, try it, print its sizes and how long that took."""
    begun = time.monotonic()
    folder = make()
    made = time.monotonic()
    try_it(folder)
    tried = time.monotonic()
    archive = next(one for one in folder.parent.glob(f"{folder.name}.*") if one.is_file())
    sizes = f"{size(folder.rglob('*')):.1f} MB, {archive.name} {size([archive]):.1f} MB"
    sys.stdout.write(f"{folder.name}: {sizes}; made in {made - begun:.0f} s, tried in {tried - made:.0f} s\n")


def size(files: Iterable[Path]) -> float:
    """How many million bytes these files have."""
    return sum(one.stat().st_size for one in files if one.is_file()) / 1e6


if __name__ == "__main__":
    main(*sys.argv[1:])
