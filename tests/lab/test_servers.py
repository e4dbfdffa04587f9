"""The lab's two servers, spoken to by real clients over loopback."""

from __future__ import annotations

import logging
import socket
import threading
import tomllib
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import paramiko
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from snapall.errors import SnapallError
from snapall.lab.faults import Fault, FaultKind
from snapall.lab.serve import Lab
from snapall.lab.world import World
from tests.lab.sites import batch
from tests.waiting import PATIENCE, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RSA2 = ["rsa-sha2-256", "rsa-sha2-512"]


@pytest.fixture(scope="module", autouse=True)
def _no_noise() -> Iterator[None]:
    """The client's own log of broken connections is not what is looked at here."""
    logger = logging.getLogger("paramiko")
    logger.addHandler(handler := logging.NullHandler())
    yield
    logger.removeHandler(handler)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Lab.create(tmp_path / "a lab", batch()) as lab:
        yield lab


def connected(
    lab: Lab, *, password: str | None = None, rsa2: bool = False, user: str = "snapall"
) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    client.load_host_keys(str(lab.directory / "known_hosts"))
    key = paramiko.RSAKey(filename=str(lab.directory / "id_rsa")) if password is None else None
    try:
        client.connect(
            "127.0.0.1", lab.port, user, password, key, look_for_keys=False, allow_agent=False, timeout=PATIENCE,
            disabled_algorithms={} if rsa2 else {"pubkeys": RSA2, "keys": RSA2},
        )  # fmt: skip
    except BaseException:
        client.close()
        raise
    return client


def ssh(lab: Lab, command: str) -> tuple[str, str, int]:
    with connected(lab) as client:
        stdin, stdout, stderr = client.exec_command(command, timeout=PATIENCE)
        with stdin, stdout, stderr:
            return stdout.read().decode(), stderr.read().decode(), stdout.channel.recv_exit_status()


def rsh(lab: Lab, command: str, *, local: str = "snapall", port: str = "0") -> bytes:
    with socket.create_connection(("127.0.0.1", lab.port), timeout=PATIENCE) as connection:
        connection.sendall(f"{port}\0{local}\0root\0{command}\0".encode())
        return b"".join(iter(lambda: connection.recv(4096), b""))


def test_ssh_speaks_what_7_mode_speaks_and_nothing_else(lab: Lab) -> None:
    lab.start()
    with connected(lab) as client:
        transport = client.get_transport()
        assert transport is not None
        assert transport.remote_version == "SSH-2.0-Data ONTAP SSH 1.0"
        assert transport.host_key_type == "ssh-rsa"
        assert transport.get_remote_server_key().get_bits() == 1024
    with pytest.raises(paramiko.AuthenticationException):
        connected(lab, rsa2=True)


def test_every_command_exits_with_0_and_errors_are_on_stderr(lab: Lab) -> None:
    lab.start()
    assert ssh(lab, "version")[0].startswith("NetApp Release 7.0.2")
    assert ssh(lab, "nosuch") == ("", "nosuch not found.  Type '?' for a list of commands\n", 0)
    assert ssh(lab, "snap create vmvol1 new") == ("creating snapshot...\n", "", 0)
    assert [(entry.transport, entry.user) for entry in lab.world.ledger()] == [("ssh", "snapall")] * 3


def test_the_right_password_is_accepted(lab: Lab) -> None:
    lab.start()
    password = (lab.directory / "filer.secret").read_text(encoding="utf-8").strip()
    connected(lab, password=password).close()
    with pytest.raises(paramiko.AuthenticationException):
        connected(lab, password="wrong")
    with pytest.raises(paramiko.AuthenticationException):
        connected(lab, user="root")
    lab.world.set(ssh_password=False)
    with pytest.raises(paramiko.BadAuthenticationType) as caught:
        connected(lab, password=password)
    assert caught.value.allowed_types == ["publickey"]


def test_a_channel_takes_one_command_and_no_shell(lab: Lab) -> None:
    lab.start()
    with connected(lab) as client:
        transport = client.get_transport()
        assert transport is not None
        with closing(transport.open_session()) as channel, pytest.raises(paramiko.SSHException):
            channel.invoke_shell()
        with pytest.raises(paramiko.ChannelException):
            transport.open_channel("direct-tcpip", ("127.0.0.1", 1), ("127.0.0.1", 2))
        lab.world.add_faults(Fault("version", FaultKind.SLOW, seconds=0.2))
        with closing(transport.open_session()) as channel:
            channel.exec_command("version")
            with pytest.raises(paramiko.SSHException):
                channel.exec_command("version")
    assert len(lab.world.ledger()) == 1


def test_ssh_refuses_before_the_command_and_drops_after_it(lab: Lab) -> None:
    lab.start()
    lab.world.add_faults(Fault("version", FaultKind.REFUSE), Fault("snap create", FaultKind.ACT_NO_ANSWER))
    with pytest.raises(paramiko.SSHException):
        ssh(lab, "version")
    assert ssh(lab, "snap create vmvol1 new") == ("", "", -1)
    assert lab.world.listing("vmvol1")[0].name == "new"


def test_a_client_that_hangs_up_first_does_no_harm(lab: Lab) -> None:
    lab.start()
    lab.world.add_faults(Fault("version", FaultKind.SLOW, seconds=0.05))
    with connected(lab) as client:
        client.exec_command("version", timeout=PATIENCE)
    assert ssh(lab, "version")[2] == 0


def test_ssh_can_fail_at_the_login(lab: Lab) -> None:
    lab.start()
    lab.world.add_faults(Fault("login", FaultKind.FAIL), Fault("login", FaultKind.REFUSE, nth=2))
    with pytest.raises(paramiko.AuthenticationException):
        connected(lab)
    with pytest.raises((paramiko.SSHException, OSError, EOFError)):
        connected(lab)
    connected(lab).close()


def test_rsh_answers_a_zero_byte_and_the_output_without_a_status(lab: Lab) -> None:
    lab.start("rsh")
    assert rsh(lab, "version").startswith(b"\0NetApp Release 7.0.2")
    assert rsh(lab, "nosuch") == b"\0nosuch not found.  Type '?' for a list of commands\n"
    assert rsh(lab, "snap create vmvol1 new", port="") == b"\0creating snapshot...\n"
    assert [(entry.transport, entry.user) for entry in lab.world.ledger()] == [("rsh", "root")] * 3


def test_rsh_sends_stderr_to_the_port_that_the_client_names(lab: Lab) -> None:
    lab.start("rsh")
    with socket.create_server(("127.0.0.1", 0)) as waiting:
        waiting.settimeout(PATIENCE)
        assert rsh(lab, "nosuch", port=str(waiting.getsockname()[1])) == b"\0"
        connection, _ = waiting.accept()
        with connection:
            assert connection.recv(4096) == b"nosuch not found.  Type '?' for a list of commands\n"


def test_rsh_admits_only_whom_hosts_equiv_names(lab: Lab) -> None:
    lab.start("rsh")
    assert rsh(lab, "version", local="mallory") == b"\1Permission denied.\n"
    lab.world.set(rsh_reserved=True)
    assert rsh(lab, "version") == b"\1Permission denied.\n"
    assert lab.world.ledger() == ()


def test_rsh_refuses_drops_and_hangs(lab: Lab) -> None:
    lab.start("rsh")
    lab.world.add_faults(
        Fault("login", FaultKind.REFUSE),
        Fault("login", FaultKind.FAIL, nth=2),
        Fault("version", FaultKind.REFUSE),
        Fault("version", FaultKind.DROP, nth=2),
        Fault("version", FaultKind.HANG, nth=3, seconds=0.05),
    )
    with suppress(ConnectionError):  # closed before or after the client has spoken
        assert rsh(lab, "version") == b""
    assert [rsh(lab, "version") for _ in range(4)] == [b"\1Permission denied.\n", b"", b"\0", b"\0"]


def test_rsh_survives_nonsense(lab: Lab) -> None:
    lab.start("rsh")
    for nonsense in (b"", b"0", b"x" * 5000, b"1\0"):
        with socket.create_connection(("127.0.0.1", lab.port), timeout=PATIENCE) as connection:
            connection.sendall(nonsense)
    assert rsh(lab, "version").startswith(b"\0NetApp")


@pytest.mark.parametrize("transport", ["ssh", "rsh"])
def test_a_lab_ends_at_once_though_a_client_waits(lab: Lab, transport: str) -> None:
    before = set(threading.enumerate())
    lab.world.add_faults(Fault("login", FaultKind.HANG, times=0, seconds=3600))
    lab.start("ssh" if transport == "ssh" else "rsh")
    with socket.create_connection(("127.0.0.1", lab.port), timeout=PATIENCE) as connection:
        connection.sendall(b"0\0")
        until(lab.world.ledger, "the call")
        lab.stop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", lab.port), timeout=PATIENCE)
    assert not [one.name for one in set(threading.enumerate()) - before if one.name.startswith("lab-")]


def test_a_lab_ends_though_a_command_is_not_answered(lab: Lab) -> None:
    before = set(threading.enumerate())
    lab.start()
    lab.world.add_faults(Fault("version", FaultKind.HANG, seconds=3600))
    with connected(lab) as client:
        client.exec_command("version", timeout=PATIENCE)
        lab.stop()
    assert not [one.name for one in set(threading.enumerate()) - before if one.name.startswith("lab-")]


def test_a_lab_restarts_as_it_was_at_the_same_port(tmp_path: Path) -> None:
    with Lab.create(tmp_path / "lab") as lab:
        lab.start()
        ssh(lab, "snap create vmvol1 new")
        port = lab.port
    with Lab(tmp_path / "lab") as again:
        again.start()
        assert again.port == port
        assert "new" in ssh(again, "snap list -n vmvol1")[0]
        with Lab(tmp_path / "lab") as third:
            third.start()
            assert third.port != port
    with pytest.raises(SnapallError):
        Lab(tmp_path / "nowhere")


def test_the_filer_and_virtualcenter_go_on_after_the_caller_has_left(lab: Lab) -> None:
    lab.start("rsh")
    lab.world.add_faults(Fault("snap create", FaultKind.ACT_LATE, seconds=0.1))
    assert rsh(lab, "snap create vmvol1 new") == b"\0"
    ledger = lab.directory / "ledger.jsonl"
    until(lambda: '"of": 1' in ledger.read_text(encoding="utf-8"), "the late snapshot")


def test_its_configuration_is_ready_to_use(lab: Lab) -> None:
    path = lab.start(parallel=2, order="paper", extra='vms = { "sql01" = "must" }')
    config = tomllib.loads(path.read_text(encoding="utf-8"))
    assert config["vcenter"]["vcbsnapshot"][-2:] == ["--world", str(lab.directory)]
    assert config["vcenter"]["parallel"] == 2
    assert config["filers"]["filer1"]["port"] == lab.port
    job = config["jobs"]["vol1"]
    assert (job["order"], job["datastores"], job["vms"]) == ("paper", [688], {"sql01": "must"})
    engine = create_engine(config["database"]["url"], poolclass=NullPool)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM VPX_VM")).scalar() == 4
        with pytest.raises(Exception, match="readonly"):
            connection.execute(text("DELETE FROM VPX_VM"))
    config = tomllib.loads(lab.start("rsh").read_text(encoding="utf-8"))
    filer = config["filers"]["filer1"]
    assert (filer["transport"], filer["reserved_port"], filer["local_user"]) == ("rsh", False, "snapall")


def test_a_configuration_that_was_edited_stays_as_it_is(tmp_path: Path) -> None:
    with Lab.create(tmp_path / "lab") as lab:
        path = lab.start("rsh")
        edited = 'metrics = "snapall.prom"\n' + path.read_text(encoding="utf-8")
        path.write_text(edited, encoding="utf-8")
    for _ in range(2):
        with Lab(tmp_path / "lab") as again:
            assert again.start("rsh").read_text(encoding="utf-8") == edited
            assert (again.edited, again.misfits) == (True, ())


def test_what_an_edited_configuration_needs_to_fit_the_lab_is_named(tmp_path: Path) -> None:
    with Lab.create(tmp_path / "lab") as lab:
        path = lab.start("ssh")
        port = lab.port
        path.write_text(path.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
        with Lab(tmp_path / "lab") as second:
            second.start("ssh")
            assert second.misfits == (f"port = {second.port} in [filers.filer1]",)
            assert f"port      = {port}\n" in path.read_text(encoding="utf-8")
    with Lab(tmp_path / "lab") as third:
        third.start("rsh")
        assert 'transport = "rsh" in [filers.filer1]' in third.misfits
        assert "reserved_port = false in [filers.filer1]" in third.misfits
        path.write_text("no toml", encoding="utf-8")
        third.start("rsh")
        assert "it is no TOML" in third.misfits[0]


def test_a_configuration_that_nobody_edited_follows_the_lab(tmp_path: Path) -> None:
    with Lab.create(tmp_path / "lab") as lab:
        lab.start("ssh")
    with Lab(tmp_path / "lab") as again:
        config = tomllib.loads(again.start("rsh").read_text(encoding="utf-8"))
        assert not again.edited
        assert config["filers"]["filer1"]["transport"] == "rsh"


def test_a_folder_that_no_database_url_can_contain_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SnapallError, match="cannot be in") as caught:
        Lab.create(tmp_path / "50%")
    assert "%" in caught.value.hint
    with pytest.raises(SnapallError):
        World(tmp_path / "50%")


@pytest.mark.parametrize(
    ("kind", "offered"),
    [
        ("kex", ["diffie-hellman-group1-sha1"]),
        ("kex", ["diffie-hellman-group14-sha1"]),
        ("ciphers", ["3des-cbc"]),
        ("ciphers", ["aes128-cbc"]),
    ],
)
def test_each_old_algorithm_is_sufficient(lab: Lab, kind: str, offered: list[str]) -> None:
    lab.start()
    only = type("Only", (paramiko.Transport,), {f"_preferred_{kind}": tuple(offered)})
    with closing(only(("127.0.0.1", lab.port))) as transport:
        transport.start_client(timeout=PATIENCE)
        assert transport.is_active()


@pytest.mark.parametrize(
    ("kind", "offered"),
    [
        ("kex", ["curve25519-sha256@libssh.org", "diffie-hellman-group14-sha256"]),
        ("keys", ["rsa-sha2-256", "rsa-sha2-512"]),
        ("ciphers", ["aes128-ctr", "aes256-cbc"]),
        ("macs", ["hmac-sha2-256", "hmac-md5"]),
    ],
)
def test_a_client_with_only_modern_algorithms_is_refused(lab: Lab, kind: str, offered: list[str]) -> None:
    lab.start()
    only = type("Only", (paramiko.Transport,), {f"_preferred_{kind}": tuple(offered)})
    with closing(only(("127.0.0.1", lab.port))) as transport, pytest.raises((paramiko.SSHException, EOFError)):
        transport.start_client(timeout=PATIENCE)
