"""How snapall starts itself again: as a module of this Python, or as the stand-alone program, which needs no Python."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import snapall

Module = Literal[
    "snapall.app.guardian", "snapall.lab.vcbclient", "snapall.lab.vcbsnapshot", "snapall.restore.disk.read"
]
"""What may be started: nothing else of the library can be run through the stand-alone program."""

MODULES: tuple[Module, ...] = get_args(Module)
_LIBRARY_PATH = "LD_LIBRARY_PATH"  # read once, when a process starts


def standalone() -> bool:
    """Whether this is the program that PyInstaller made."""
    return bool(getattr(sys, "frozen", False))


def command(module: Module, *arguments: str, safe_path: bool = False) -> list[str]:
    """The command line that runs a module. `safe_path`: nothing is imported from the working folder."""
    if standalone():
        return [sys.executable, "-m", module, *arguments]
    return [sys.executable, *(("-P",) if safe_path else ()), "-m", module, *arguments]


def quick_command(module: Module, file: str, *arguments: str) -> list[str]:
    """The command line that runs a module whose file imports nothing of ours, as quickly as it can be started."""
    return command(module, *arguments) if standalone() else [sys.executable, "-I", "-S", file, *arguments]


def home() -> Path:
    """The folder from which each module can be imported."""
    return Path(snapall.__file__).parents[1]


def needed() -> tuple[tuple[Path, int], ...]:
    """What a user needs to start snapall: paths, each with what `os.access` must permit."""
    package = home() if standalone() else Path(snapall.__file__)  # the modules are inside the program, not in files
    return (package, os.R_OK), (Path(sys.executable), os.X_OK)


def restore_environment() -> None:
    """In the stand-alone program, undo what its loader did to the environment.

    Otherwise an ssh or a hook would inherit it, and load the program's libraries instead of the system's.
    Source: PyInstaller's manual, "Launching External Programs from the Frozen Application".
    """
    if not standalone():
        return
    for name in [one for one in os.environ if one.startswith("_PYI_")]:
        del os.environ[name]
    before = os.environ.pop(f"{_LIBRARY_PATH}_ORIG", None)
    os.environ.pop(_LIBRARY_PATH, None)
    if before is not None:
        os.environ[_LIBRARY_PATH] = before


def run_module(argv: Sequence[str]) -> bool:
    """In the stand-alone program, run the module that such a command line names; False: it names none of these."""
    if not standalone() or len(argv) < 3 or argv[1] != "-m" or argv[2] not in MODULES:
        return False
    sys.argv = [argv[0], *argv[3:]]
    runpy.run_module(argv[2], run_name="__main__", alter_sys=True)
    return True
