"""Real peers: OpenSSH's server held to a 7-Mode filer's algorithms, and in.rshd behind a small inetd.

A missing peer skips with its reason; with SNAPALL_REAL=required it fails instead, so that nobody overlooks it. What
only root may try is skipped for everybody else, required or not.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NoReturn

import paramiko
import pytest

from snapall.config import Filer
from snapall.lab.site import batch, build
from snapall.lab.world import World

SHELL = """\
import os, sys, time
from snapall.lab.filershell import Ending, FilerShell
from snapall.lab.world import World
command = os.environ.get("SSH_ORIGINAL_COMMAND") or sys.argv[-1]
with World({world!r}) as world:
    reply = FilerShell(world).answer(command, {transport!r}, "snapall")
time.sleep(reply.wait)
if reply.ending is not Ending.ANSWER:
    os.kill(os.getppid(), 9)
sys.stdout.write(reply.stdout)
sys.stderr.write(reply.stderr)
"""

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


REQUIRED = os.environ.get("SNAPALL_REAL") == "required"


def missing(reason: str) -> NoReturn:
    """Skip, or fail where real peers are required."""
    if REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass(frozen=True, slots=True)
class Peer:
    """A real server in front of the lab's filer, and the settings that reach it."""

    world: World
    settings: Filer
    folder: Path


def program(name: str, package: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    return found or missing(f"{name} is not installed (Debian: {package})")


def shell(folder: Path, world: World, transport: str) -> str:
    """A program that answers as the lab's filer does."""
    script = folder / "filer_shell.py"
    script.write_text(SHELL.format(world=str(world.directory), transport=transport))
    launcher = folder / "filer_shell"
    launcher.write_text(f'#!/bin/sh\nexec {sys.executable} {script} "$@"\n')
    launcher.chmod(0o755)
    return str(launcher)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "world").mkdir()
    with build(tmp_path / "world", batch()) as made:
        yield made


@pytest.fixture
def closed_port() -> int:
    """A port of this machine at which nobody listens."""
    return _free_port()


def settings(transport: Literal["ssh", "rsh"], port: int, user: str) -> Filer:
    return Filer("filer1", "127.0.0.1", transport, port, user, None, None, None, 20.0, "snapall", True)


OLD = """\
KexAlgorithms diffie-hellman-group14-sha1,diffie-hellman-group1-sha1
HostKeyAlgorithms ssh-rsa
PubkeyAcceptedAlgorithms ssh-rsa
Ciphers 3des-cbc,aes128-cbc
MACs hmac-sha1
"""


@pytest.fixture
def sshd(tmp_path: Path, world: World) -> Iterator[Callable[[str], Peer]]:
    """Starts an sshd with these further lines of configuration; it lets in whoever runs the tests."""
    daemon = program("sshd", "openssh-server")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where root's sshd shuts its unprivileged half in
    running: list[subprocess.Popen[bytes]] = []

    def start(lines: str) -> Peer:
        port = _free_port()
        host_key, user_key = paramiko.RSAKey.generate(2048), paramiko.RSAKey.generate(2048)
        for name, key in (("host_key", host_key), ("user_key", user_key)):
            key.write_private_key_file(str(tmp_path / name))
        (tmp_path / "authorized_keys").write_text(f"ssh-rsa {user_key.get_base64()}\n")
        (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{port} ssh-rsa {host_key.get_base64()}\n")
        (tmp_path / "sshd_config").write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host_key\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {tmp_path}/authorized_keys\nStrictModes no\nPermitRootLogin yes\n"
            f"PasswordAuthentication no\nForceCommand {shell(tmp_path, world, 'ssh')}\n{lines}"
        )
        command = [daemon, "-D", "-e", "-f", str(tmp_path / "sshd_config")]
        running.append(subprocess.Popen(command, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL))
        _wait_for(port)
        known_hosts, key_file = tmp_path / "known_hosts", tmp_path / "user_key"
        reached = replace(settings("ssh", port, _myself()), key_file=key_file, known_hosts=known_hosts)
        return Peer(world, reached, tmp_path)

    yield start
    for one in running:
        one.terminate()
        one.wait()


ACCOUNT = "snapall-rshd"


@pytest.fixture
def rshd(tmp_path: Path, world: World) -> Iterator[Peer]:
    """An in.rshd that lets `snapall` of this machine into an account of its own, and nobody else."""
    daemon = program("in.rshd", "rsh-redone-server")
    if os.geteuid() != 0:
        pytest.skip("in.rshd must be started by root, and called from a privileged port")
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / ".rhosts").write_text("127.0.0.1 snapall\nlocalhost snapall\n")
    (home / ".rhosts").chmod(0o600)
    account = f"{ACCOUNT}:*:0:0::{home}:{shell(tmp_path, world, 'rsh')}\n"
    (tmp_path / "inetd.py").write_text(INETD)
    inetd = [sys.executable, str(tmp_path / "inetd.py"), daemon]
    with _known_to_the_system(account, tmp_path) as prefix, _listening([*prefix, *inetd]) as port:
        yield Peer(world, replace(settings("rsh", port, ACCOUNT), local_user="snapall"), tmp_path)


@contextmanager
def _known_to_the_system(account: str, folder: Path) -> Iterator[list[str]]:
    """The words before a command that make it see this line in /etc/passwd.

    In a mount namespace nothing of the machine changes. A container may not have one; where the test is required, the
    machine is there for it, and its /etc/passwd has the line until the test ends.
    """
    passwd = Path("/etc/passwd")
    before = passwd.read_text()
    mine = folder / "passwd"
    mine.write_text(before + account)
    unshare = [program("unshare", "util-linux"), "--mount", "--propagation", "private"]
    if subprocess.run([*unshare, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        yield [*unshare, "sh", "-c", 'mount --bind "$0" /etc/passwd && exec "$@"', str(mine)]
    elif not REQUIRED:
        pytest.skip("this machine gives no mount namespace to in.rshd")
    else:
        passwd.write_text(before + account)
        try:
            yield []
        finally:
            passwd.write_text(before)


@contextmanager
def _listening(command: list[str]) -> Iterator[int]:
    """The port at which this inetd listens."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as inetd:
        try:
            assert inetd.stdout is not None
            yield int(inetd.stdout.readline())
        finally:
            inetd.kill()


def _myself() -> str:
    import pwd  # there is none on Windows, and no sshd that gets this far

    return pwd.getpwuid(os.geteuid()).pw_name


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            probe.settimeout(0.05)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on port {port}")
