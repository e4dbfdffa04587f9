"""A Windows under Wine for one trial: a Python without any package, in a prefix of its own, and without a network.

It is a copy of the one that tests/windows/ builds. SNAPALL_WINE_PYTHON, the folder of a Windows Python (python.exe,
DLLs, Lib), and SNAPALL_WINE_PREFIX, a prefix that reports Windows 10, name another one. The prefix is copied, too: the
server of another one could reach the network for the programs of this one.
"""

from __future__ import annotations

import ensurepip
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bundle import ROOT, offline
from tests.windows.build import COMPILER, built, cache
from tests.windows.interpreter import OVERRIDES
from tests.windows.wine import end_prefix

LAUNCHER = Path(__file__).with_name("launcher.c")
_CACHES = shutil.ignore_patterns("__pycache__")


@dataclass(frozen=True, slots=True)
class Windows:
    """`python`: the folder of its Python; `prefix`: Wine's; `home`: for files."""

    python: Path
    prefix: Path
    home: Path

    @property
    def packages(self) -> Path:
        return self.python / "Lib" / "site-packages"

    def run(self, *argv: str, **environ: str) -> str:
        """Run a program of Windows; return what it printed, with lines as here. RuntimeError: it failed."""
        wine = shutil.which("wine") or sys.exit("wine is not installed (Debian: wine64)")
        env = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.home),
            "TMPDIR": str(self.home),
            "WINEPREFIX": str(self.prefix),
        }
        env |= {"WINEDEBUG": "-all", "WINEDLLOVERRIDES": OVERRIDES, **environ}
        return offline.run([wine, *argv], self.home, env).replace("\r\n", "\n")

    def run_python(self, *argv: str, **environ: str) -> str:
        """Run its Python."""
        return self.run(str(self.python / "python.exe"), *argv, **environ)


@contextmanager
def windows(environ: Mapping[str, str] = os.environ) -> Iterator[Windows]:
    """Make one; it is gone at the end. SystemExit: there is nothing to make it from."""
    python, prefix = source(environ)
    if not (python / "python.exe").is_file() or not (prefix / "system.reg").is_file():
        sys.exit(f"no Windows Python in {python}, or no Wine prefix in {prefix}")
    cache().mkdir(parents=True, exist_ok=True)  # a folder that nobody else may write: Wine shows a shared /tmp as one
    with tempfile.TemporaryDirectory(prefix="trial-", dir=cache(), ignore_cleanup_errors=True) as name:
        home = Path(name)
        shutil.copytree(python, home / "python", ignore=shutil.ignore_patterns("site-packages", "__pycache__"))
        subprocess.run(["cp", "-a", "--reflink=auto", str(prefix), str(home / "prefix")], check=True)
        # Windows has this library, Wine has not: where Windows keeps it, a program finds it that brings none along.
        shutil.copy(python / "bcryptprimitives.dll", home / "prefix" / "drive_c" / "windows" / "system32")
        made = Windows(home / "python", home / "prefix", home)
        made.packages.mkdir()
        _let_it_make_environments(made)
        pip = importlib.util.find_spec("pip")
        assert pip is not None
        assert pip.origin is not None
        shutil.copytree(Path(pip.origin).parent, made.packages / "pip")
        try:
            yield made
        finally:
            end_prefix(made.prefix)


def _let_it_make_environments(made: Windows) -> None:
    """Add what Windows' own Python has for `python -m venv`, and this one lacks: a launcher, and pip's wheels."""
    library = made.python / "Lib"
    launchers = library / "venv" / "scripts" / "nt"
    if not launchers.exists():
        launchers.mkdir()
        subprocess.run([COMPILER, "-municode", "-O1", "-o", launchers / "python.exe", LAUNCHER], check=True)
        shutil.copy(launchers / "python.exe", launchers / "pythonw.exe")
    if not (library / "ensurepip").exists():
        shutil.copytree(Path(ensurepip.__file__).parent, library / "ensurepip", ignore=_CACHES)


def source(environ: Mapping[str, str]) -> tuple[Path, Path]:
    """The folder of a Windows Python, and a prefix, to copy."""
    if "SNAPALL_WINE_PYTHON" in environ and "SNAPALL_WINE_PREFIX" in environ:
        return Path(environ["SNAPALL_WINE_PYTHON"]), Path(environ["SNAPALL_WINE_PREFIX"])
    made, _ = built(ROOT / "requirements-dev.txt")
    return made.python.parent, made.prefix
