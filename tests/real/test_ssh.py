"""The ssh client against OpenSSH's own server, and OpenSSH's own client against the lab's."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest

from snapall.backup.steps import Capture, Delete, Done, Rename, Unknown
from snapall.config.secret import Secret
from snapall.errors import SiteError
from snapall.lab.faults import Fault, FaultKind
from snapall.lab.serve import Lab
from snapall.site.filer import FilerSystem
from snapall.site.ssh import Ssh
from tests.lab.sites import batch
from tests.real.conftest import OLD, Peer
from tests.real.machine import program

pytestmark = pytest.mark.real
Start = Callable[[str], Peer]


def filer_of(peer: Peer) -> FilerSystem:
    return FilerSystem(Ssh(peer.settings), "filer1")


@pytest.mark.parametrize("lines", [OLD, ""], ids=["7-Mode's algorithms", "today's algorithms"])
def test_snapshots_are_made_renamed_listed_and_deleted(sshd: Start, lines: str) -> None:
    filer = filer_of(sshd(lines))
    assert "7.0.2" in filer.version()
    assert isinstance(filer.perform(Capture("vmvol1", "new")), Done)
    assert isinstance(filer.perform(Rename("vmvol1", "new", "newer")), Done)
    assert filer.listing("vmvol1")[0].name == "newer"
    assert isinstance(filer.perform(Delete("vmvol1", "newer")), Done)
    assert "newer" not in {row.name for row in filer.listing("vmvol1")}


@pytest.mark.parametrize("kex", ["diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1"])
@pytest.mark.parametrize("cipher", ["3des-cbc", "aes128-cbc"])
def test_each_old_algorithm_will_do_alone(sshd: Start, kex: str, cipher: str) -> None:
    lines = [f"KexAlgorithms {kex}", f"Ciphers {cipher}", *OLD.splitlines()]  # of two lines the first one counts
    assert "7.0.2" in filer_of(sshd("\n".join(lines))).version()


@pytest.mark.parametrize("lines", [OLD, ""], ids=["7-Mode's algorithms", "today's algorithms"])
def test_the_right_password_logs_in_and_a_wrong_one_does_not(sshd_by_password: Start, lines: str) -> None:
    peer = sshd_by_password(lines)
    assert peer.settings.key_file is None
    filer = filer_of(peer)
    assert isinstance(filer.perform(Capture("vmvol1", "new")), Done)
    assert filer.listing("vmvol1")[0].name == "new"
    wrong = replace(peer, settings=peer.settings.model_copy(update={"password": Secret("hunter3")}))
    with pytest.raises(SiteError, match=f"refused the ssh login of {peer.settings.user}") as refusal:
        filer_of(wrong).listing("vmvol1")
    assert "hunter" not in refusal.value.message + refusal.value.hint


def test_an_unknown_host_key_is_refused_before_anything_is_said(sshd: Start) -> None:
    peer = sshd(OLD)
    (peer.folder / "known_hosts").write_text("")
    with pytest.raises(SiteError, match="not known"):
        filer_of(peer).listing("vmvol1")


def test_the_refusal_names_the_missing_line(sshd: Start) -> None:
    """OpenSSH's ssh-keyscan cannot get it: it offers nothing that such a server speaks."""
    peer = sshd(OLD)
    scanned = subprocess.run(
        [program("ssh-keyscan", "openssh-client"), "-p", str(peer.settings.port), "-t", "rsa", "127.0.0.1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert scanned.stdout == ""
    known = peer.folder / "known_hosts"
    known.write_text("")
    with pytest.raises(SiteError) as refusal:
        filer_of(peer).listing("vmvol1")
    known.write_text(refusal.value.hint.split(f"{known}: ")[1] + "\n")
    assert "vmware_recent" in {row.name for row in filer_of(peer).listing("vmvol1")}


def test_a_changed_host_key_is_reported_prominently(sshd: Start) -> None:
    peer = sshd(OLD)
    other = paramiko.RSAKey.generate(2048).get_base64()
    (peer.folder / "known_hosts").write_text(f"[127.0.0.1]:{peer.settings.port} ssh-rsa {other}\n")
    with pytest.raises(SiteError, match="HAS CHANGED"):
        filer_of(peer).listing("vmvol1")


def test_a_key_that_the_server_does_not_know_is_refused(sshd: Start) -> None:
    peer = sshd(OLD)
    paramiko.RSAKey.generate(2048).write_private_key_file(str(peer.folder / "stranger"))
    stranger = replace(peer, settings=peer.settings.model_copy(update={"key_file": peer.folder / "stranger"}))
    with pytest.raises(SiteError, match=f"refused the ssh login of {peer.settings.user}"):
        filer_of(stranger).listing("vmvol1")


@pytest.mark.parametrize("kind", [FaultKind.DROP, FaultKind.ACT_NO_ANSWER])
def test_a_connection_that_dies_in_the_command_is_an_unknown_outcome(sshd: Start, kind: FaultKind) -> None:
    peer = sshd(OLD)
    peer.world.add_faults(Fault("snap create", kind))
    outcome = filer_of(peer).perform(Capture("vmvol1", "new"))
    assert isinstance(outcome, Unknown)
    assert ("new" in {row.name for row in peer.world.listing("vmvol1")}) == (kind is FaultKind.ACT_NO_ANSWER)


def test_openssh_itself_speaks_to_the_labs_filer(tmp_path: Path) -> None:
    client = program("ssh", "openssh-client")
    with Lab.create(tmp_path / "lab", batch()) as lab:
        lab.start("ssh")
        options = [
            "KexAlgorithms=+diffie-hellman-group1-sha1",
            "HostKeyAlgorithms=+ssh-rsa",
            "PubkeyAcceptedAlgorithms=+ssh-rsa",
            "Ciphers=+3des-cbc",
            "MACs=+hmac-sha1",
            "BatchMode=yes",
            "RequiredRSASize=1024",
            f'UserKnownHostsFile="{lab.directory}/known_hosts"',
            f'IdentityFile="{lab.directory}/id_rsa"',
        ]
        argv = [
            client,
            "-F",
            "none",
            "-T",
            "-n",
            "-p",
            str(lab.port),
            *(word for one in options for word in ("-o", one)),
        ]
        ran = subprocess.run(
            [*argv, "snapall@127.0.0.1", "snap list -n vmvol1"], capture_output=True, text=True, check=False
        )
    assert ran.returncode == 0, ran.stderr
    assert "vmware_recent" in ran.stdout
