"""What the real peers need of the machine: their programs, ports, and private files of /etc."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from tests.waiting import PATIENCE, until

REQUIRED = os.environ.get("SNAPALL_REAL") == "required"


def missing(reason: str) -> NoReturn:
    """Skip, or fail where real peers are required."""
    if REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


def program(name: str, package: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    return found or missing(f"{name} is not installed (Debian: {package})")


INETD = """\
import os, socket, sys
ready = socket.create_server(("127.0.0.1", 0))
print(ready.getsockname()[1], flush=True)
while True:
    connection, _ = ready.accept()
    if os.fork() == 0:
        for descriptor in (0, 1, 2):
            os.dup2(connection.fileno(), descriptor)
        os.execv(sys.argv[1], ["in.rshd"])
    connection.close()
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                break
        except ChildProcessError:
            break
"""


@contextmanager
def known_to_the_system(folder: Path, **lines: str) -> Iterator[list[str]]:
    """The words before a command that make it see these lines at the end of files of /etc.

    In a mount namespace, with a copy of /etc, nothing of the machine changes. A container may not have one; where the
    test is required, the machine is there for it, and its /etc has the lines until the test ends.
    """
    unshare = [program("unshare", "util-linux"), "--mount", "--propagation", "private"]
    if subprocess.run([*unshare, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        mine = folder / "etc"
        shutil.copytree("/etc", mine, symlinks=True)
        _append(mine, lines)
        yield [*unshare, "sh", "-c", 'mount --bind "$0" /etc && exec "$@"', str(mine)]
    elif not REQUIRED:
        pytest.skip("this machine gives no mount namespace to its daemons")
    else:
        etc = Path("/etc")
        before = {name: (etc / name).read_bytes() if (etc / name).exists() else None for name in lines}
        _append(etc, lines)
        try:
            yield []
        finally:
            for name, content in before.items():
                if content is None:
                    (etc / name).unlink()
                else:
                    (etc / name).write_bytes(content)


def _append(etc: Path, lines: Mapping[str, str]) -> None:
    for name, text in lines.items():
        with (etc / name).open("a") as file:
            file.write(text)


@contextmanager
def inetd(folder: Path, prefix: list[str], daemon: str) -> Iterator[int]:
    """The port at which a small inetd listens for this daemon."""
    (folder / "inetd.py").write_text(INETD)
    command = [*prefix, sys.executable, str(folder / "inetd.py"), daemon]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as running:
        try:
            assert running.stdout is not None
            yield int(running.stdout.readline())
        finally:
            running.kill()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    def listens() -> bool:
        with socket.socket() as probe:
            probe.settimeout(PATIENCE)
            return probe.connect_ex(("127.0.0.1", port)) == 0

    until(listens, f"somebody who listens on port {port}")
