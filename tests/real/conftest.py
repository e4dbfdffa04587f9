"""Real peers: OpenSSH's server held to a 7-Mode filer's algorithms, in.rshd behind a small inetd, FreeTDS's driver,
PostgreSQL.

A missing peer skips with its reason; with SNAPALL_REAL=required it fails instead, so that nobody overlooks it. What
only root may try is skipped for everybody else, required or not.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import paramiko
import pytest

from snapall.config.secret import Secret
from snapall.config.settings import Filer
from snapall.lab.sites import build
from snapall.lab.world import World
from tests.lab.sites import batch
from tests.real.machine import free_port, inetd, known_to_the_system, missing, program, wait_for
from tests.real.postgresql import postgresql, server
from tests.waiting import PATIENCE

__all__ = ["postgresql", "server"]  # fixtures

SHELL = """\
import os, sys, time
from snapall.lab.filershell import Ending, FilerShell
from snapall.lab.world import World
command = os.environ.get("SSH_ORIGINAL_COMMAND") or sys.argv[-1]
with World({world!r}) as world:
    reply = FilerShell(world).answer(command, {transport!r}, "snapall")
time.sleep(reply.wait)
if reply.ending is not Ending.ANSWER:
    os.kill(os.{victim}(), 9)
sys.stdout.write(reply.stdout)
sys.stderr.write(reply.stderr)
"""

ACCOUNT = "snapall-peer"


@dataclass(frozen=True, slots=True)
class Peer:
    """A real server in front of the lab's filer, and the settings that reach it."""

    world: World
    settings: Filer
    folder: Path


def shell(folder: Path, world: World, transport: str) -> str:
    """A program that answers as the lab's filer does."""
    script = folder / "filer_shell.py"
    # To hang up, sshd's process of this connection must die; below in.rshd it is the command itself.
    victim = "getppid" if transport == "ssh" else "getpid"
    script.write_text(SHELL.format(world=str(world.directory), transport=transport, victim=victim))
    launcher = folder / "filer_shell"
    launcher.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(script))} "$@"\n')
    launcher.chmod(0o755)
    return str(launcher)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "world").mkdir()
    with build(tmp_path / "world", batch()) as made:
        yield made


@pytest.fixture
def driver() -> str:
    """FreeTDS's ODBC driver."""
    found = next(Path("/usr/lib").glob("*/odbc/libtdsodbc.so"), None)
    return str(found) if found is not None else missing("FreeTDS's ODBC driver is not installed (Debian: tdsodbc)")


@pytest.fixture
def closed_port() -> int:
    """A port of this machine without a listener."""
    return free_port()


def settings(transport: Literal["ssh", "rsh"], port: int, user: str) -> Filer:
    return Filer(
        name="filer1",
        host="127.0.0.1",
        transport=transport,
        port=port,
        user=user,
        timeout=PATIENCE,
        local_user="snapall",
    )


OLD = """\
KexAlgorithms diffie-hellman-group14-sha1,diffie-hellman-group1-sha1
HostKeyAlgorithms ssh-rsa
PubkeyAcceptedAlgorithms ssh-rsa
Ciphers 3des-cbc,aes128-cbc
MACs hmac-sha1
"""


@pytest.fixture
def sshd(tmp_path: Path, world: World) -> Iterator[Callable[[str], Peer]]:
    """Starts an sshd with these further lines of configuration; it accepts the user who runs the tests, by key."""
    with ExitStack() as stack:
        user_key = paramiko.RSAKey.generate(2048)
        user_key.write_private_key_file(str(tmp_path / "user_key"))
        (tmp_path / "authorized_keys").write_text(f"ssh-rsa {user_key.get_base64()}\n")

        def start(lines: str) -> Peer:
            lines = f"PasswordAuthentication no\nAuthorizedKeysFile {tmp_path}/authorized_keys\n{lines}"
            port = stack.enter_context(_sshd(tmp_path, shell(tmp_path, world, "ssh"), lines))
            reached = settings("ssh", port, _myself()).model_copy(update={"key_file": tmp_path / "user_key"})
            return Peer(world, reached.model_copy(update={"known_hosts": tmp_path / "known_hosts"}), tmp_path)

        yield start


@pytest.fixture
def sshd_by_password(tmp_path: Path, world: World) -> Iterator[Callable[[str], Peer]]:
    """Starts an sshd that lets an account of its own in, by password alone."""
    if os.geteuid() != 0:
        pytest.skip("only root's sshd may look at a password")
    openssl = program("openssl", "openssl")
    hashed = subprocess.run([openssl, "passwd", "-6", "hunter2"], capture_output=True, text=True, check=True).stdout
    account = f"{ACCOUNT}:{hashed.strip()}:0:0::{tmp_path}:/bin/sh\n"
    with ExitStack() as stack:

        def start(lines: str) -> Peer:
            prefix = stack.enter_context(known_to_the_system(tmp_path, passwd=account))
            lines = f"PasswordAuthentication yes\nPubkeyAuthentication no\n{lines}"
            port = stack.enter_context(_sshd(tmp_path, shell(tmp_path, world, "ssh"), lines, prefix))
            reached = settings("ssh", port, ACCOUNT).model_copy(update={"password": Secret("hunter2")})
            return Peer(world, reached.model_copy(update={"known_hosts": tmp_path / "known_hosts"}), tmp_path)

        yield start


@contextmanager
def _sshd(folder: Path, command: str, lines: str, prefix: Sequence[str] = ()) -> Iterator[int]:
    """The port of an sshd that forces this command; its host key is in known_hosts."""
    daemon = program("sshd", "openssh-server")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where root's sshd shuts its unprivileged half in
    port = free_port()
    host_key = paramiko.RSAKey.generate(2048)
    host_key.write_private_key_file(str(folder / "host_key"))
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} ssh-rsa {host_key.get_base64()}\n")
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\nPidFile none\nUsePAM no\n"
        f"StrictModes no\nPermitRootLogin yes\nForceCommand {command}\n{lines}"
    )
    argv = [*prefix, daemon, "-D", "-e", "-f", str(folder / "sshd_config")]
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as running:
        try:
            wait_for(port)
            yield port
        finally:
            running.terminate()


@pytest.fixture
def rshd(tmp_path: Path, world: World) -> Iterator[Peer]:
    """An in.rshd that accepts only `snapall` of this machine, for an account of its own."""
    daemon = program("in.rshd", "rsh-redone-server")
    if os.geteuid() != 0:
        pytest.skip("in.rshd must be started by root, and called from a privileged port")
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / ".rhosts").write_text("127.0.0.1 snapall\nlocalhost snapall\n")
    (home / ".rhosts").chmod(0o600)
    account = f"{ACCOUNT}:*:0:0::{home}:{shell(tmp_path, world, 'rsh')}\n"
    with known_to_the_system(tmp_path, passwd=account) as prefix, inetd(tmp_path, prefix, daemon) as port:
        yield Peer(world, settings("rsh", port, ACCOUNT).model_copy(update={"local_user": "snapall"}), tmp_path)


VERSION = """\
#!/bin/sh
[ "$2" = version ] && exec cat {folder}/version.txt
echo "$2 not found." >&2
"""


@pytest.fixture
def hosts_equiv(world: World) -> Iterator[Callable[[str], Peer]]:
    """Starts an in.rshd on a machine with these lines in /etc/hosts.equiv.

    They never count for root, so the account is an ordinary one. It may not read the lab's world, and answers `version`
    alone, from a file of the lab's own words.
    """
    daemon = program("in.rshd", "rsh-redone-server")
    if os.geteuid() != 0:
        pytest.skip("in.rshd must be started by root, and called from a privileged port")
    with ExitStack() as stack:

        def start(lines: str) -> Peer:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            folder.chmod(0o755)
            (folder / "version.txt").write_text(world.settings.version + "\n")
            (folder / "shell").write_text(VERSION.format(folder=folder))
            (folder / "shell").chmod(0o755)
            account = f"{ACCOUNT}:*:64999:64999::{folder}:{folder}/shell\n"
            files = {"passwd": account, "hosts.equiv": lines}
            prefix = stack.enter_context(known_to_the_system(folder, **files))
            port = stack.enter_context(inetd(folder, prefix, daemon))
            return Peer(world, settings("rsh", port, ACCOUNT).model_copy(update={"local_user": "snapall"}), folder)

        yield start


def _myself() -> str:
    import pwd  # there is none on Windows, and no sshd that gets this far

    return pwd.getpwuid(os.geteuid()).pw_name
