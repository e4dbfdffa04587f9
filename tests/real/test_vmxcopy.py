"""The vmx copies from OpenSSH's own server and sftp-server, held to what an ESX 3 console speaks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import paramiko
import pytest

from snapall.backup.model import Vm
from snapall.config.vmx import VmxCopies
from snapall.errors import SiteError
from snapall.restore.vmx.console import Console, console_of, host_of
from snapall.restore.vmx.copy import VmxCopy
from snapall.restore.vmx.names import VmCopy
from snapall.site.tcp import Deadline
from snapall.site.vmrows import VmxPlace
from tests.lab.atlab import AtLab
from tests.real.conftest import OLD, Peer
from tests.real.machine import missing
from tests.real.test_full_disk import SNAPALL, on_a_disk_of
from tests.restore.esx import PASSWORD, USER, Esx, texts
from tests.waiting import PATIENCE

pytestmark = pytest.mark.real
Start = Callable[[str], Peer]
GROUP1 = "KexAlgorithms diffie-hellman-group1-sha1\nCiphers 3des-cbc\n"


@dataclass(frozen=True, slots=True)
class RealConsole:
    """An sshd that serves SFTP alone, as a forced command does, with a VM's folder on this machine."""

    settings: VmxCopies
    vm: Path

    def copy(self, at: Callable[[str], Path] | None = None, into: Path | None = None) -> tuple[VmxCopy, VmCopy]:
        """Copy the VM. `at`: where its folder is, for each host."""
        folder = into or self.vm.parent / "copies"
        folder.mkdir(exist_ok=True)
        places = iter(["esx01", "esx02"])

        @contextmanager
        def login(host: str) -> Iterator[Console]:
            with console_of(host_of(host, self.settings), Deadline(PATIENCE), self.settings.max_bytes) as console:
                yield _Rooted(console, (at or (lambda _: self.vm))(host))  # type: ignore[misc]

        look_up = lambda _: {611: VmxPlace(next(places), "[vmvol1_vmfs] sql01/sql01.vmx")}  # noqa: E731
        work = VmxCopy(folder, login, look_up, lambda: False)
        return work, work.run([Vm(611, "sql01")])[0]


class _Rooted:
    """A console whose /vmfs/volumes is a folder of the test's: nothing else of it is changed."""

    def __init__(self, console: Console, folder: Path) -> None:
        self._console, self._folder = console, str(folder)

    def __getattr__(self, name: str) -> object:
        return getattr(self._console, name)

    def names(self, _: str) -> tuple[str, ...]:
        return self._console.names(self._folder)

    def read(self, _: str, name: str) -> object:
        return self._console.read(self._folder, name)


@pytest.fixture
def console(sshd: Start, tmp_path: Path) -> Callable[[str], RealConsole]:
    known = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server")
    server = next((one for one in known if Path(one).exists()), "")

    def start(lines: str) -> RealConsole:
        if not server:
            missing("sftp-server is not installed (Debian: openssh-sftp-server)")
        peer = sshd(f"{lines}Subsystem sftp {server}\n")
        (peer.folder / "filer_shell").write_text(f"#!/bin/sh\nexec {server}\n")  # the forced command of the fixture
        vm = tmp_path / "a vm"
        vm.mkdir()
        for name, data in texts("sql01").items():
            (vm / name).write_bytes(data)
        reached = VmxCopies(
            folder=tmp_path / "copies",
            user=str(peer.settings.user),
            key_file=peer.settings.key_file,
            known_hosts=tmp_path / "known_hosts",
            port=peer.settings.port,
            hosts={"esx01": "127.0.0.1", "esx02": "127.0.0.1"},
        )
        return RealConsole(reached, vm)

    return start


@pytest.mark.parametrize("lines", [OLD, GROUP1 + OLD], ids=["an old console", "group1 and 3DES alone"])
def test_the_texts_of_a_vm_come_from_an_old_openssh(console: Callable[[str], RealConsole], lines: str) -> None:
    real = console(lines)
    (real.vm / "sql01-flat.vmdk").write_bytes(b"\0" * 4096)
    (real.vm / "data.vmdk").write_bytes(b"\0" * 4096)
    (real.vm / "link.vmx").symlink_to("/etc/passwd")
    os.mkfifo(real.vm / "pipe.vmx")
    (real.vm / "huge.vmdk").touch()
    os.truncate(real.vm / "huge.vmdk", 1 << 30)
    work, copy = real.copy()
    assert (copy.why, work.notes) == ("", [])
    assert {one.name: one.read_bytes() for one in (real.vm.parent / "copies" / "sql01").iterdir()} == texts("sql01")


def test_a_vm_that_moved_between_query_and_copy_is_read_from_its_new_host(
    console: Callable[[str], RealConsole],
) -> None:
    real = console(OLD)
    work, copy = real.copy(lambda host: real.vm if host == "esx02" else real.vm / "gone")
    assert (copy.why, copy.host, work.troubles) == ("", "esx02", {})


def test_an_unknown_host_key_is_refused_with_the_line_to_add(console: Callable[[str], RealConsole]) -> None:
    real = console(OLD)
    real.settings.known_hosts.write_text("")
    work, copy = real.copy()
    assert "is not known" in copy.why
    text, remedy, code = work.troubles[611]
    assert (code, "127.0.0.1" in text) == ("SA-1842", True)
    real.settings.known_hosts.write_text(remedy.split(f"{real.settings.known_hosts}: ")[1] + "\n")
    assert real.copy()[1].why == ""


def test_a_key_that_the_console_does_not_know_is_refused(console: Callable[[str], RealConsole], tmp_path: Path) -> None:
    real = console(OLD)
    paramiko.RSAKey.generate(2048).write_private_key_file(str(tmp_path / "stranger"))
    other = real.settings.model_copy(update={"key_file": tmp_path / "stranger"})
    with (
        pytest.raises(SiteError, match="refused the ssh login"),
        console_of(host_of("esx01", other), Deadline(PATIENCE), 1 << 20),
    ):
        pass


def test_a_disk_that_is_full_costs_the_copies_alone(at_lab: Callable[..., AtLab]) -> None:
    night = at_lab()
    copies = night.lab.directory / "copies"
    copies.mkdir(mode=0o700)
    esx = Esx("127.0.0.1", paramiko.RSAKey.generate(2048))
    for name in ("web01", "web02", "sql01"):
        esx.vm(name)
    (night.lab.directory / "known_hosts.esx").write_text(esx.known_host)
    with night.config.open("a") as file:
        file.write(
            f'\n[jobs.vol1.vmx]\nfolder = "{copies}"\nuser = "{USER}"\npassword = "{PASSWORD}"\nport = {esx.port}\n'
            f'known_hosts = "known_hosts.esx"\nhosts = {{ "esx01" = "127.0.0.1" }}\n'
        )
    ran = on_a_disk_of(16, copies, f'{SNAPALL} run --config "$1"; code=$?; ls -A "$0/vol1" >&2; exit $code', night)
    esx.close()
    assert ran.returncode == 3, ran.stderr.decode()
    assert b"No space left on device" in ran.stderr
    assert b".part" not in ran.stderr.splitlines()[-1]
    night.assert_shifted_by_one()
