"""Makes a bundle or the stand-alone program, and tries it: what `nox -s bundle` and `nox -s standalone` call.

`python -m tests.bundle linux WHEEL OUT PYTHON...` and `python -m tests.bundle standalone OUT`.
"""

from __future__ import annotations

import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import snapall
from tests.bundle import offline, tryout
from tests.bundle.collect import collect
from tests.bundle.freeze import freeze
from tests.bundle.targets import LINUX


def main(kind: str, *words: str) -> None:
    """Make it, try it, print what was made: sizes in MB, times in seconds."""
    match kind, words:
        case "linux", (wheel, out, *pythons):
            begun = time.monotonic()
            folder = collect(LINUX, Path(wheel).resolve(), Path(out).resolve(), pythons)
            report(folder, begun, lambda: tryout.installed(folder))
        case "standalone", (out,):
            begun = time.monotonic()
            name = f"snapall-{snapall.__version__}-{sys.platform}-{platform.machine().lower()}-standalone"
            program = freeze(name, Path(out).resolve())
            report(program, begun, lambda: try_offline(program))
        case _:
            sys.exit(str(__doc__))


def report(folder: Path, begun: float, try_it: Callable[[], None]) -> None:
    """Print what was made, then try it."""
    archive = next(one for one in folder.parent.glob(f"{folder.name}.*") if one.is_file())
    made = time.monotonic()
    try_it()
    tried = time.monotonic() - made
    sizes = f"{size(folder.rglob('*')):.1f} MB, as {archive.suffix.lstrip('.')} {size([archive]):.1f} MB"
    sys.stdout.write(f"{folder.name}: {sizes}; made in {made - begun:.0f} s, tried in {tried:.0f} s\n")


def size(files: Iterable[Path]) -> float:
    """How many million bytes these files have."""
    return sum(one.stat().st_size for one in files if one.is_file()) / 1e6


def try_offline(program: Path) -> None:
    """Try the stand-alone program on a machine without a network."""
    with tempfile.TemporaryDirectory(prefix="snapall-standalone-") as name:
        argv = [sys.executable, "-m", "tests.bundle.standalone", str(program / "snapall"), str(Path(name) / "lab")]
        environ = {"PATH": "/usr/bin:/bin", "HOME": name, "PYTHONPATH": str(offline.ROOT)}
        offline.run(argv, Path(name), environ)


if __name__ == "__main__":
    main(*sys.argv[1:])
