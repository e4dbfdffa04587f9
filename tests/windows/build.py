"""Builds a genuine CPython 3.11 for Windows and a Wine prefix, once: both are kept in a folder named for the recipe.

The interpreter and its extension modules are those that the wheel of `panda3d` ships for Windows; the pure part of the
standard library is copied from a CPython 3.11 of this machine.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.windows.cmd import put_cmd
from tests.windows.packages import install_locked, unpack_interpreter
from tests.windows.wine import OVERRIDES, Windows

HERE = Path(__file__).parent
SOURCES = HERE / "sources"
RECIPE = (*(HERE / f"{name}.py" for name in ("build", "cmd", "packages")), *sorted(SOURCES.glob("*.c")))
COMPILER = "x86_64-w64-mingw32-gcc"
BESIDE_THE_MODULES = ("libffi-8.dll", "libssl-3.dll", "libcrypto-3.dll", "sqlite3.dll")
NOT_COPIED = ("lib-dynload", "site-packages", "dist-packages", "test", "tests", "idlelib", "tkinter", "ensurepip")


def cache() -> Path:
    """The folder of all builds."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "snapall-windows"


def built(locked: Path) -> tuple[Windows, bool]:
    """The Python with what this lock file names, and whether it was built now.

    It is built aside and renamed when it is whole, so that an interrupted build leaves nothing that could be used.
    """
    digest = hashlib.sha256()
    for path in (*RECIPE, locked):
        digest.update(path.read_bytes())
    folder = cache() / digest.hexdigest()[:16]
    ready = Windows(folder, folder / "prefix")
    if folder.exists():
        return ready, False
    cache().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="aside-", dir=cache()) as name:
        aside = Path(name) / "whole"
        python = aside / "Python311"
        python.mkdir(parents=True)
        _interpreter(python, Path(name) / "wheel")
        _own_programs(python)
        install_locked(locked, python / "Lib" / "site-packages")
        _prefix(aside / "prefix")
        put_cmd(aside / "prefix", Path(name) / "cmd")
        aside.rename(folder)
    return ready, True


def _interpreter(python: Path, scratch: Path) -> None:
    """The interpreter, its extension modules, and the pure part of the standard library."""
    shipped = unpack_interpreter(scratch)
    modules = python / "DLLs"
    modules.mkdir()
    for path in shipped.iterdir():
        if path.name in ("python311.dll", "VCRUNTIME140.dll"):
            shutil.copy(path, python)
        elif path.name in BESIDE_THE_MODULES or (path.suffix == ".pyd" and path.name != "_tkinter.pyd"):
            shutil.copy(path, modules)
    ignored = shutil.ignore_patterns("__pycache__", "config-*", "_sysconfigdata*", *NOT_COPIED)
    shutil.copytree(_standard_library(), python / "Lib", ignore=ignored)
    (python / "Lib" / "site-packages").mkdir()


def _standard_library() -> Path:
    """Where a CPython 3.11 of this machine has its library."""
    python = sys.executable if sys.version_info[:2] == (3, 11) else "python3.11"
    ask = "import sysconfig; print(sysconfig.get_path('stdlib'))"
    return Path(subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True).stdout.strip())


def _own_programs(python: Path) -> None:
    """The programs and libraries that the wheel lacks."""
    _compile("-O1", "-municode", "-o", python / "python.exe", SOURCES / "python.c")
    _compile("-shared", "-o", python / "bcryptprimitives.dll", SOURCES / "bcryptprimitives.c", "-ladvapi32")
    listed = subprocess.run(
        ["x86_64-w64-mingw32-objdump", "-p", python / "python311.dll"], check=True, capture_output=True, text=True
    ).stdout
    names = re.findall(r"^\s*\[ *\d+\] (\w+)$", listed.partition("[Ordinal/Name Pointer]")[2], re.MULTILINE)
    exports = python / "python3.def"
    exports.write_text("LIBRARY python3.dll\nEXPORTS\n" + "".join(f"  {name} = python311.{name}\n" for name in names))
    body = SOURCES / "forwarder.c"
    _compile("-shared", "-nostdlib", "-Wl,-e,DllMain", "-o", python / "python3.dll", body, exports)
    exports.unlink()


def _compile(*words: str | Path) -> None:
    subprocess.run([COMPILER, *words], check=True)


def _prefix(prefix: Path) -> None:
    """A Wine prefix that calls itself Windows 10, with its registry written."""
    environ = {**os.environ, "WINEPREFIX": str(prefix), "WINEDEBUG": "-all", "WINEDLLOVERRIDES": OVERRIDES}
    prefix.mkdir()
    for command in (["wineboot", "-i"], ["winecfg", "-v", "win10"], ["wineserver", "-w"]):
        subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=300)
