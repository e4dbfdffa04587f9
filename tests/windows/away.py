"""Where the tests run: a copy of them without snapall/ beside it, and the wheel in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.windows.packages import install_wheel
from tests.windows.wine import seen_from_windows

ROOT = Path(__file__).parents[2]
FOLDERS = ("tests", "fixtures", "docs", "sql")
FILES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Away:
    """The folder of the tests, and what lets the Windows Python find snapall."""

    folder: Path
    installed: Path

    @property
    def environ(self) -> dict[str, str]:
        return {"PYTHONPATH": seen_from_windows(self.installed), "PYTHONDONTWRITEBYTECODE": "1"}


def away(work: Path) -> Away:
    """Copy the tests, and install the wheel that SNAPALL_WHEEL names, or that of this checkout."""
    folder = work / "away"
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, folder)
    given = os.environ.get("SNAPALL_WHEEL")
    install_wheel(Path(given) if given else _built(work / "dist"), work / "installed")
    return Away(folder, work / "installed")


def _built(into: Path) -> Path:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir"]
    subprocess.run([*command, str(into), str(ROOT)], check=True, stdout=subprocess.DEVNULL)
    return next(into.glob("*.whl"))
