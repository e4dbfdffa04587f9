"""Another local user of this machine, and commands in processes of their own, which may become another user."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import snapall
from tests.lab.atlab import AtLab, Ended

NOBODY = 65534
as_root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root becomes another user")
_PATH = [str(Path(snapall.__file__).parents[1]), *(one for one in sys.path if one.endswith("-packages"))]
_ENVIRON = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(_PATH), "PYTHONDONTWRITEBYTECODE": "1"}


def by_nobody(script: str, *args: object) -> bool:
    """Let user nobody run a shell script; whether it succeeded."""
    argv = ["/bin/sh", "-ec", script, "sh", *map(str, args)]
    ran = subprocess.run(
        argv, user=NOBODY, group=NOBODY, extra_groups=(), check=False, env=_ENVIRON, cwd="/", stderr=subprocess.DEVNULL
    )
    return ran.returncode == 0


def python_for_all() -> str:
    """A Python with which every user can start snapall; the tests' own may be in root's home directory."""
    for python in (sys.executable, shutil.which(f"python3.{sys.version_info.minor}", path="/usr/bin:/usr/local/bin")):
        if python is not None and by_nobody('exec "$1" -c "import snapall.cli, pydantic, psutil, sqlalchemy"', python):
            return python
    pytest.skip("user nobody can start no Python with snapall here")


def snapall_command(
    night: AtLab, *words: str, python: str = sys.executable, user: int | None = None, cwd: Path | None = None
) -> Ended:
    """Run a command of snapall in its own process, as root or as another user."""
    argv = [python, "-m", "snapall", *words, *(() if cwd is not None else ("--config", str(night.config)))]
    groups = None if user is None else ()
    ran = subprocess.run(
        argv, capture_output=True, text=True, check=False, env=_ENVIRON, cwd=cwd or "/", user=user, group=user,
        extra_groups=groups,
    )  # fmt: skip
    return Ended(ran.returncode, ran.stdout, ran.stderr)
