"""docs/legacy-sites.md promises messages, remedies and snippets: they are those of the code."""

from __future__ import annotations

import os
import re
import shlex
import socket
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import paramiko
import pytest

from snapall.backup.model import Vm
from snapall.backup.steps import Done, Quiesce
from snapall.config.secret import Secret
from snapall.config.settings import Database, Filer, Vcenter
from snapall.errors import SnapallError
from snapall.lab.serve import Lab
from snapall.site import process
from snapall.site.dbdrivers import REMEDIES, Trouble
from snapall.site.rsh import Rsh, first_free
from snapall.site.ssh import Ssh
from snapall.site.vcb import Vcb
from snapall.site.virtualcenter import VirtualCenter
from tests.lab.sites import batch
from tests.platforms import posix
from tests.site.drivers import Driver, Pymssql, Pyodbc
from tests.site.servers import SQL_2000, Server
from tests.waiting import PATIENCE

DOC = (Path(__file__).parents[2] / "docs" / "legacy-sites.md").read_text()
TABLES = [
    re.findall(r"^\| `(.*?)` \| (.*) \|$", table.partition("\n\n")[0], re.MULTILINE)
    for table in DOC.split("| snapall says | the remedy that it prints |")[1:]
]


def test_the_databases_messages_and_remedies_are_those_of_the_code() -> None:
    assert TABLES[0] == [(one.what, one.hint) for one in Trouble]
    (table,) = DOC.split("| with PostgreSQL, snapall says | the remedy that it prints |")[1:]
    rows = re.findall(r"^\| `(.*?)` \| (.*) \|$", table.partition("\n\n")[0], re.MULTILINE)
    assert rows == [(one.what, hint) for one, hint in REMEDIES["postgresql"].items()]


def test_every_url_of_the_page_reaches_its_driver_as_the_page_means_it(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = [tomllib.loads(text) for text in re.findall(r"^```toml\n(.*?)^```", DOC, re.MULTILINE | re.DOTALL)]
    got = {}
    for block in blocks:
        if "database" not in block or "postgresql" in block["database"]["url"]:
            continue
        settings = block["database"]
        kind: type[Driver] = Pymssql if "pymssql" in settings["url"] else Pyodbc
        driver = kind(Server(SQL_2000))
        monkeypatch.setitem(sys.modules, driver.__name__, driver)
        vc = VirtualCenter(Database(url=settings["url"], password=Secret("hunter2"), owner=settings["owner"]))
        assert [vm.id for vm in vc.vms([688]).vms] == [611]
        ((args, named),) = driver.arguments
        got[settings["url"]] = args[0] if args else {key: named[key] for key in ("host", "tds_version", "encryption")}
    login = "UID=snapall;PWD=hunter2"
    assert list(got.values()) == [
        f"dsn=VirtualCenter;{login}",
        {"host": "vc01.example.edu", "tds_version": "7.1", "encryption": "off"},
        f"DRIVER={{ODBC Driver 17 for SQL Server}};Server=vc01.example.edu;Database=VIM_VCDB;{login};Encrypt=no",
    ]


@posix("the stand-in for ssh is a shell script")
@pytest.mark.parametrize("words", [["proxy", "vcbsnapshot"], ["root@esx01", "vcbSnapshot"]])
def test_the_ssh_calls_on_the_page_work_as_written(tmp_path: Path, words: list[str]) -> None:
    assert ", ".join(f'"{word}"' for word in ["ssh", *words]) in DOC
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\necho "$*" > {shlex.quote(str(tmp_path))}/asked\necho SsId:snapshot-1228\n')
    ssh.chmod(0o755)
    step = Quiesce(Vm(611), "Quiesce-20070322T030000Z")
    assert isinstance(Vcb(vcenter([str(ssh), *words], None)).perform(step, lambda _: None), Done)
    expected = [*words, "-h", "vc01.example.edu", "-c", "moref:vm-611", "Quiesce-20070322T030000Z"]
    assert (tmp_path / "asked").read_text().split() == expected


def vcenter(program: list[str], password: str | None) -> Vcenter:
    secret = None if password is None else Secret(password)
    return Vcenter(
        host="vc01.example.edu",
        password=secret,
        vcbsnapshot=tuple(program),
        timeout=960,
        remove_timeout=14400,
        settle=960,
        parallel=4,
    )


def complaint(act: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(SnapallError) as caught:
        act()
    return caught.value.message, caught.value.hint


@pytest.fixture
def complaints(tmp_path: Path) -> list[tuple[str, str]]:
    """What each client really says, in the order of the page's table."""
    return list(_of_ssh(tmp_path)) + list(_of_rsh(tmp_path)) + list(_of_vcbsnapshot())


def _settings(lab: Lab, transport: str) -> Filer:
    known, key = lab.directory / "known_hosts", lab.directory / "id_rsa"
    if transport == "ssh":
        return Filer(
            name="filer1",
            host="127.0.0.1",
            port=lab.port,
            user="snapall",
            key_file=key,
            known_hosts=known,
            timeout=PATIENCE,
        )
    return Filer(
        name="filer1",
        host="127.0.0.1",
        transport="rsh",
        port=lab.port,
        timeout=PATIENCE,
        local_user="snapall",
        reserved_port=False,
    )


def _of_ssh(folder: Path) -> Iterator[tuple[str, str]]:
    with Lab.create(folder / "ssh", batch()) as lab:
        lab.start("ssh")
        settings = _settings(lab, "ssh")

        def asked(**changes: object) -> tuple[str, str]:
            return complaint(lambda: Ssh(settings.model_copy(update=changes)).run("version"))

        empty, other = folder / "empty", folder / "other"
        empty.write_text("")
        yield asked(known_hosts=empty)
        paramiko.RSAKey.generate(2048).write_private_key_file(str(other))
        line = f"[127.0.0.1]:{lab.port} ssh-rsa {paramiko.RSAKey(filename=str(other)).get_base64()}\n"
        (folder / "changed").write_text(line)
        yield asked(known_hosts=folder / "changed")
        yield asked(key_file=other)
        with NewKexOnly() as port:
            yield asked(port=port)
        yield asked(ssh_algorithms="modern")
        yield asked(key_file=empty)
        lab.stop()
        yield asked()


def _of_rsh(folder: Path) -> Iterator[tuple[str, str]]:
    with Lab.create(folder / "rsh", batch()) as lab:
        lab.start("rsh")
        yield complaint(lambda: Rsh(_settings(lab, "rsh").model_copy(update={"local_user": "nobody"})).run("version"))

    def forbidden(_: int) -> socket.socket:
        raise PermissionError(13, os.strerror(13))

    yield complaint(lambda: first_free([1023], forbidden))


def _of_vcbsnapshot() -> Iterator[tuple[str, str]]:
    yield complaint(lambda: Vcb(vcenter(["ssh", "proxy", "vcbsnapshot"], "hunter2")))
    yield complaint(lambda: process.run(["/no/such/vcbsnapshot"], 5, lambda _: None))


class NewKexOnly:
    """An ssh server that knows none of the key exchanges that snapall offers."""

    def __enter__(self) -> int:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return int(self._listener.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        transport = paramiko.Transport(connection)
        transport.get_security_options().kex = ("diffie-hellman-group16-sha512",)
        transport.add_server_key(paramiko.RSAKey.generate(1024))
        with suppress(paramiko.SSHException, EOFError):
            transport.start_server(server=paramiko.ServerInterface())
        transport.close()


def test_the_other_messages_and_remedies_match_the_code(complaints: list[tuple[str, str]]) -> None:
    assert len(TABLES[1]) == len(complaints)
    for row, output in zip(TABLES[1], complaints, strict=True):
        for pattern, text in zip(row, output, strict=True):
            assert re.match(_pattern(pattern), text, re.DOTALL), (pattern, text)


def _pattern(text: str) -> str:
    """`…` stands for anything; a message may go on where the page ends."""
    return ".+".join(map(re.escape, text.rstrip("…").split("…")))
