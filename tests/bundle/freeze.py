"""Makes the stand-alone program of an installed snapall: by this Python, or by that of Windows, under Wine."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bundle import ROOT, collect, wine
from tests.bundle.requirements import locked, restricted
from tests.bundle.targets import WINDOWS

SPEC = Path(__file__).with_name("snapall.spec")
_PAGES = ("README.md", "LICENSE")
_UNDER_WINE = (
    *("pyinstaller", "pyinstaller-hooks-contrib", "altgraph", "packaging", "pefile", "pywin32-ctypes", "setuptools"),
    *("hypothesis", "sortedcontainers"),  # tests/__init__.py imports it
)


def freeze(name: str, out: Path, make: Callable[[Path, Path], None], archive: str) -> Path:
    """Make the folder OUT/NAME and its archive; `make` runs PyInstaller, given a folder to work in and one to fill."""
    work, folder = out / f"{name}.work", out / name
    for old in (work, folder):
        shutil.rmtree(old, ignore_errors=True)
    work.mkdir(parents=True)
    make(work, work / "dist")
    shutil.move(work / "dist" / "snapall", folder)
    shutil.rmtree(work)
    for page in _PAGES:
        shutil.copy(ROOT / page, folder)
    shutil.make_archive(str(folder), archive, out, name)
    return folder


def here(work: Path, result: Path) -> None:
    """Run PyInstaller by this Python, in a folder that has no other snapall than the installed one."""
    argv = pyinstaller(str(work / "build"), str(result), str(SPEC))
    subprocess.run([sys.executable, *argv], cwd=work, stdin=subprocess.DEVNULL, check=True)


def under_wine(there: wine.Windows) -> Callable[[Path, Path], None]:
    """Install PyInstaller into this Python of Windows; return what runs it."""
    packages = restricted(locked(collect.LOCK.read_text(encoding="utf-8")), _UNDER_WINE)
    wheels = there.home / "wheels"
    collect.download(WINDOWS, "3.11", packages, wheels)
    for wheel in wheels.iterdir():
        shutil.unpack_archive(wheel, there.packages, "zip")

    def make(work: Path, result: Path) -> None:
        there.run_python(*pyinstaller(*map(wine.path, (work / "build", result, SPEC))))

    return make


def pyinstaller(work: str, result: str, spec: str) -> list[str]:
    """The arguments of a Python that runs it."""
    quietly = ["-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR"]
    return [*quietly, "--workpath", work, "--distpath", result, spec]
