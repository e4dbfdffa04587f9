"""The snippets of docs/legacy-sites.md, given to the real programs that they are for."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from snapall.lab.serve import Lab
from snapall.site.filer import FilerSystem
from snapall.site.ssh import Ssh
from snapall.site.tables import OPTIONAL
from tests.lab.sites import batch
from tests.real.conftest import OLD, Peer
from tests.real.machine import free_port, program, wait_for
from tests.real.test_odbc import DRIVER, asked
from tests.waiting import PATIENCE

pytestmark = pytest.mark.real
DOC = (Path(__file__).parents[2] / "docs" / "legacy-sites.md").read_text()
PRELOGIN, ENCRYPTION = 0x12, 1  # a packet and one of its options (MS-TDS, 2.2.6.5)
OFF_BUT_CAN, CANNOT = 0, 2


def snippet(name: str) -> str:
    """The block of the page that is marked with this name."""
    found = re.search(rf"^<!-- {re.escape(name)} -->\n```\w*\n(.*?)^```", DOC, re.MULTILINE | re.DOTALL)
    assert found is not None, name
    return found[1]


@contextmanager
def first_words() -> Iterator[tuple[int, list[bytes]]]:
    """A port that never answers, and the first packet sent to it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        heard: list[bytes] = []

        def listen() -> None:
            connection, _ = listener.accept()
            with connection:
                heard.append(connection.recv(4096))
            listener.close()  # FreeTDS would try once more

        thread = threading.Thread(target=listen)
        thread.start()
        yield listener.getsockname()[1], heard
        thread.join()


def encryption_in(packet: bytes) -> int:
    """What a client says of encryption in its first packet."""
    assert packet[0] == PRELOGIN
    at = 8
    while packet[at] != ENCRYPTION:
        at += 5
    return packet[8 + int.from_bytes(packet[at + 1 : at + 3], "big")]


@pytest.mark.parametrize(
    ("line", "count"),
    [("Encryption = off\n", CANNOT), ("", OFF_BUT_CAN), ("Encrypt = no\n", OFF_BUT_CAN)],
    ids=["the page's", "none", "Microsoft's"],
)
def test_the_data_source_of_the_page_asks_for_no_encryption(tmp_path: Path, driver: str, line: str, count: int) -> None:
    dsn = snippet("odbc.ini")
    assert "Encryption = off\n" in dsn
    dsn = dsn.replace("Encryption = off\n", line)
    with first_words() as (port, heard):
        dsn = dsn.replace("vc01.example.edu", "127.0.0.1").replace("1433", str(port))
        told = asked(tmp_path, odbc=dsn, odbcinst=DRIVER.format(driver=driver))
    assert "the server cannot be reached" in told
    assert encryption_in(heard[0]) == count


def test_a_server_of_the_pages_freetds_conf_asks_for_no_encryption(
    tmp_path: Path, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with first_words() as (port, heard):
        conf = snippet("freetds.conf").replace("vc01.example.edu", "127.0.0.1").replace("1433", str(port))
        (tmp_path / "freetds.conf").write_text(conf)
        monkeypatch.setenv("FREETDSCONF", str(tmp_path / "freetds.conf"))
        lines = "[VirtualCenter]\nDriver = FreeTDS\nServername = vcdb\nDatabase = VIM_VCDB\n"
        asked(tmp_path, odbc=lines, odbcinst=DRIVER.format(driver=driver))
    assert encryption_in(heard[0]) == CANNOT


def test_debians_odbcinst_ini_is_as_the_page_says(tmp_path: Path, driver: str, closed_port: int) -> None:
    dsn = snippet("odbc.ini").replace("vc01.example.edu", "127.0.0.1").replace("1433", str(closed_port))
    output = asked(tmp_path, odbc=dsn, odbcinst=snippet("odbcinst.ini"))
    assert "the server cannot be reached" in output
    assert "[FreeTDS]" in output


def test_openssl_speaks_tls_1_0_with_the_pages_file_and_not_without(tmp_path: Path) -> None:
    openssl, port = program("openssl", "openssl"), free_port()
    (tmp_path / "openssl.cnf").write_text(snippet("openssl.cnf"))
    (tmp_path / "plain.cnf").write_text("")
    key, certificate = str(tmp_path / "key"), str(tmp_path / "certificate")
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-subj", "/CN=vc01"]
    subprocess.run([openssl, *made], check=True, capture_output=True)
    old = ["-tls1", "-cipher", "DEFAULT:@SECLEVEL=0"]
    serve = [openssl, "s_server", "-accept", str(port), "-key", key, "-cert", certificate, *old]
    silent = subprocess.DEVNULL
    with subprocess.Popen(serve, stdin=subprocess.PIPE, stdout=silent, stderr=silent) as server:
        try:
            wait_for(port)
            told = {name: _shake_hands(openssl, port, tmp_path / name) for name in ("plain.cnf", "openssl.cnf")}
        finally:
            server.terminate()
    assert "Protocol  : TLSv1\n" in told["openssl.cnf"]
    assert "Cipher is (NONE)" not in told["openssl.cnf"]
    assert "Cipher is (NONE)" in told["plain.cnf"]


def _shake_hands(openssl: str, port: int, configuration: Path) -> str:
    argv = [openssl, "s_client", "-connect", f"127.0.0.1:{port}"]
    environment = {"OPENSSL_CONF": str(configuration), "PATH": "/usr/bin:/bin"}
    ended = subprocess.run(
        argv, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=PATIENCE
    )
    return (ended.stdout + ended.stderr).decode(errors="replace")


def test_the_pages_ssh_command_gets_the_host_key(sshd: Callable[[str], Peer], tmp_path: Path) -> None:
    program("ssh", "openssh-client")
    # OpenSSH's server announces newer signatures whatever it takes; a filer announces none.
    peer = sshd("PubkeyAcceptedAlgorithms +ssh-rsa\n" + OLD)
    known = peer.folder / "known_hosts"
    known.unlink()
    words = shlex.split(snippet("ssh").replace("\\\n", " "))
    words = [word.replace("snapall@filer1", f"{peer.settings.user}@127.0.0.1") for word in words]
    ours = ["-F", "none", "-p", str(peer.settings.port), "-i", str(peer.settings.key_file), "-o", "BatchMode=yes"]
    ours += ["-o", "StrictHostKeyChecking=accept-new"]  # what a person answers at the terminal
    ran = subprocess.run([words[0], *ours, *words[1:]], cwd=peer.folder, capture_output=True, text=True, check=False)
    assert "7.0.2" in ran.stdout, ran.stderr
    assert "7.0.2" in FilerSystem(Ssh(peer.settings), "filer1").version()


def test_the_statements_for_sqlite_run_as_they_stand(tmp_path: Path) -> None:
    """The lab's database, in SQLite's own program."""
    sqlite3 = program("sqlite3", "sqlite3")
    statements = (Path(__file__).parents[2] / "sql" / "statements" / "sqlite.sql").read_text()
    with Lab.create(tmp_path / "lab", batch()) as lab:
        command = [sqlite3, "-readonly", str(lab.directory / "virtualcenter.db")]
        done = subprocess.run(command, input=statements, capture_output=True, text=True, check=False)
    missing = re.findall(r"no such column: (\S+)", done.stderr)
    assert set(missing) <= {f"{table}.{column}" for table, columns in OPTIONAL.items() for column in columns}
    assert done.stderr.count("rror") == 2 * len(missing)  # "Parse error", and "error here" below it
    assert "108|688\n" in done.stdout
    assert "688|vmvol1_vmfs\n" in done.stdout
