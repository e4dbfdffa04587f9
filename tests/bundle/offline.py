"""Runs a program on a machine without a network: `python -m tests.bundle.offline FOLDER PROGRAM ARGUMENT...`.

The machine is a network namespace of its own, whose only interface is the loopback: `unshare` makes it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bundle import ROOT

LIMIT = 1800.0
"""Seconds after which a program that is tried hangs."""


def namespace() -> list[str]:
    """The command that gives another one no network; users other than root need user namespaces for it."""
    return ["unshare", *(() if os.geteuid() == 0 else ("--map-root-user",)), "--net"]


def run(argv: Sequence[str], folder: Path, environ: Mapping[str, str]) -> str:
    """Run a program in a folder, with this environment alone; return what it printed. RuntimeError: it failed."""
    words = [*namespace(), sys.executable, "-m", "tests.bundle.offline", str(folder), *argv]
    env = {**environ, "PATH": os.environ["PATH"], "SNAPALL_TRIED_PATH": environ.get("PATH", "")}
    ended = subprocess.run(
        words, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, check=False
    )
    out, err = (text.decode("utf-8", "replace") for text in (ended.stdout, ended.stderr))
    if ended.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)} ended with {ended.returncode}:\n{out}{err}")
    return out + err


def main(folder: str, *argv: str) -> None:
    """Become the program."""
    from tests.real.rsh_alone import loopback_up  # with what only Linux has

    loopback_up()
    if (names := [name for _, name in socket.if_nameindex()]) != ["lo"]:
        sys.exit(f"this namespace has more than the loopback: {names}")
    os.chdir(folder)
    environ = {**os.environ, "PATH": os.environ["SNAPALL_TRIED_PATH"]}
    del environ["SNAPALL_TRIED_PATH"]
    os.execve(argv[0], argv, environ)


if __name__ == "__main__":
    main(*sys.argv[1:])
