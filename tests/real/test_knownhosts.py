"""known_hosts: OpenSSH's client and snapall judge the same server by the same file."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import paramiko
import pytest

from snapall.errors import SiteError
from snapall.site.ssh import Ssh
from tests.real.conftest import Peer
from tests.real.machine import program
from tests.site.knownhosts import CASES

pytestmark = pytest.mark.real


def test_openssh_and_snapall_accept_the_same_hosts(sshd: Callable[[str], Peer]) -> None:
    client = program("ssh", "openssh-client")
    peer = sshd("")
    known, port = peer.folder / "known_hosts", peer.settings.port
    key = known.read_text().strip().split(" ", 1)[1]
    other = f"ssh-rsa {paramiko.RSAKey.generate(2048).get_base64()}"
    options = ("BatchMode=yes", "StrictHostKeyChecking=yes", "GlobalKnownHostsFile=/dev/null", "UpdateHostKeys=no")
    words = [word for option in options for word in ("-o", option)]
    words += ["-o", f'UserKnownHostsFile="{known}"', "-o", f'IdentityFile="{peer.settings.key_file}"', "-p", str(port)]
    argv = [client, "-F", "none", "-T", "-n", *words, f"{peer.settings.user}@127.0.0.1", "version"]
    for name, case in CASES.items():
        known.write_text(case.text(key, other, "127.0.0.1", port))
        ran = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert (ran.returncode == 0) is case.accepted, (name, ran.stderr)
        try:
            Ssh(peer.settings).greet()
            accepted = True
        except SiteError:
            accepted = False
        assert accepted is case.accepted, name
