"""Another local user of this machine, and commands in processes of their own, which may become another user."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import snapall
from tests.lab.atlab import AtLab, Ended

NOBODY = 65534
as_root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root becomes another user")


def by_nobody(script: str, *args: object) -> bool:
    """Let user nobody run a shell script; whether it succeeded."""
    argv = ["/bin/sh", "-ec", script, "sh", *map(str, args)]
    return subprocess.run(argv, user=NOBODY, group=NOBODY, extra_groups=(), check=False).returncode == 0


def python_for_all() -> str:
    """A Python of this version that every user can start; the tests' own may be in root's home directory."""
    for python in (sys.executable, shutil.which(f"python3.{sys.version_info.minor}", path="/usr/bin:/usr/local/bin")):
        if python is not None and by_nobody('exec "$1" -c ""', python):
            return python
    pytest.skip("no Python of this version that every user can start")


def snapall_command(night: AtLab, *words: str, user: int | None = None, cwd: Path | None = None) -> Ended:
    """Run a command of snapall in its own process, as root or as another user."""
    path = [str(Path(snapall.__file__).parents[1]), *(one for one in sys.path if one.endswith("-packages"))]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(path), "PYTHONDONTWRITEBYTECODE": "1"}
    config: Sequence[str] = () if cwd is not None else ("--config", str(night.config))
    ran = subprocess.run(
        [python_for_all(), "-m", "snapall", *words, *config],
        capture_output=True, text=True, check=False, env=environ, cwd=cwd or "/", user=user, group=user,
        extra_groups=None if user is None else (),
    )  # fmt: skip
    return Ended(ran.returncode, ran.stdout, ran.stderr)
