"""ssh, tried against paramiko servers on loopback: one that speaks as Data ONTAP 7.3 does, and a modern one."""

from __future__ import annotations

import queue
import secrets
import socket
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import paramiko
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from paramiko import common

from snapall.config.algorithms import ALL, MODERN, OLD
from snapall.config.secret import Secret
from snapall.config.settings import Filer
from snapall.site.filer import FilerReply, Hop, NoAnswer, NotSent
from snapall.site.ssh import Ssh
from snapall.site.sshkeys import KnownHosts, proof_of
from snapall.site.tcp import Deadline, hang_up
from tests.waiting import PATIENCE

Answer = Callable[[paramiko.Channel], None]

OLD_KEX, OLD_CIPHERS, OLD_MACS = ("diffie-hellman-group1-sha1",), ("3des-cbc",), ("hmac-sha1",)
NEWER_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256")


def answering(stdout: bytes = b"", stderr: bytes = b"", status: int | None = 0) -> Answer:
    """Answer as a filer does; without a status the connection ends before the command does."""

    def answer(channel: paramiko.Channel) -> None:
        channel.sendall(stdout)
        channel.sendall_stderr(stderr)
        if status is not None:
            channel.send_exit_status(status)

    return answer


class Login(paramiko.ServerInterface):
    """Which logins are accepted, and which commands run."""

    def __init__(self, server: SshServer) -> None:
        self.server = server

    def get_allowed_auths(self, username: str) -> str:
        return self.server.auths

    def check_auth_password(self, username: str, password: str) -> int:
        self.server.logins.append((username, "password"))
        return self.server.verdict if password == "right" else common.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.server.logins.append((username, "publickey"))
        return self.server.verdict if key == self.server.user_key else common.AUTH_FAILED

    def check_auth_interactive(self, username: str, submethods: str) -> int:
        self.server.logins.append((username, "keyboard-interactive"))
        return common.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return self.server.open_verdict

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self.server.commands.append(command)
        self.server.before_exec()
        if self.server.exec_verdict:
            self.server.asked.put(channel)
        return self.server.exec_verdict


class SshServer:
    """A server of one command a connection, old as a filer or modern, with its faults as attributes."""

    def __init__(self, host_key: paramiko.RSAKey, user_key: paramiko.RSAKey) -> None:
        self.host_key, self.user_key = host_key, user_key
        self.kex: tuple[str, ...] = OLD_KEX
        self.ciphers: tuple[str, ...] = OLD_CIPHERS
        self.macs: tuple[str, ...] = OLD_MACS
        self.without: dict[str, tuple[str, ...]] = {"pubkeys": NEWER_SIGNATURES, "keys": NEWER_SIGNATURES}
        self.banner = "SSH-2.0-Data ONTAP SSH 1.0"
        self.answer: Answer = answering()
        self.verdict, self.open_verdict, self.exec_verdict = common.AUTH_SUCCESSFUL, common.OPEN_SUCCEEDED, True
        self.before_exec: Callable[[], None] = lambda: None
        self.auths = "password,publickey"
        self.logins: list[tuple[str, str]] = []
        self.commands: list[bytes] = []
        self.inputs: list[bytes] = []
        self.asked: queue.Queue[paramiko.Channel] = queue.Queue()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def modern(self) -> None:
        """Speak as a current OpenSSH does: nothing with SHA-1."""
        self.kex, self.ciphers, self.macs = ("ecdh-sha2-nistp256",), ("aes128-ctr",), ("hmac-sha2-256",)
        self.without = {"pubkeys": ("ssh-rsa",), "keys": ("ssh-rsa",)}
        self.banner = "SSH-2.0-OpenSSH_9.9"

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with closing(connection):
                if connection.recv(1, socket.MSG_PEEK) == b"":
                    return
                with closing(self._transport(connection)) as transport:
                    self._talk(transport)

    def _transport(self, connection: socket.socket) -> paramiko.Transport:
        transport = paramiko.Transport(
            connection, disabled_algorithms=self.without, server_sig_algs=self.banner.endswith("OpenSSH_9.9")
        )
        transport.local_version = self.banner
        options = transport.get_security_options()
        options.kex, options.ciphers, options.digests = self.kex, self.ciphers, self.macs
        transport.add_server_key(self.host_key)
        return transport

    def _talk(self, transport: paramiko.Transport) -> None:
        transport.start_server(event=threading.Event(), server=Login(self))
        while transport.is_alive():
            try:
                channel = self.asked.get(timeout=0.05)
            except queue.Empty:
                continue
            # The client may hang up meanwhile.
            with suppress(OSError, EOFError):
                # Its end of input comes after it saw that the request was taken.
                self.inputs.append(channel.recv(1))
                self.answer(channel)
                channel.close()
            # Otherwise the client hangs up, once it has its answer.
            if channel.exit_status == -1:
                transport.close()
            transport.join(PATIENCE)

    def close(self) -> None:
        # A connection that says nothing ends the server.
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join()
        self._listener.close()


@pytest.fixture(scope="module")
def host_key() -> paramiko.RSAKey:
    return paramiko.RSAKey.generate(1024)


@pytest.fixture(scope="module")
def user_key() -> paramiko.RSAKey:
    return paramiko.RSAKey.generate(1024)


@pytest.fixture
def server(host_key: paramiko.RSAKey, user_key: paramiko.RSAKey) -> Iterator[SshServer]:
    with closing(SshServer(host_key, user_key)) as running:
        yield running


@pytest.fixture
def settings(server: SshServer, tmp_path: Path) -> Filer:
    known, key = tmp_path / "known_hosts", tmp_path / "id_rsa"
    known.write_text(f"[127.0.0.1]:{server.port} ssh-rsa {server.host_key.get_base64()}\n")
    server.user_key.write_private_key_file(str(key))
    return Filer(
        name="filer1",
        host="127.0.0.1",
        port=server.port,
        user="snapall",
        key_file=key,
        known_hosts=known,
        timeout=PATIENCE,
    )


# -- the good way


def test_an_old_filer_is_spoken_to_with_a_key(server: SshServer, settings: Filer) -> None:
    server.answer = answering(b"creating snapshot...\r\n", b"a word on the side\n")
    assert Ssh(settings).run("snap create vmvol1 x") == FilerReply("creating snapshot...\n", "a word on the side\n")
    assert server.commands == [b"snap create vmvol1 x"]
    # A key is offered once with its signature, in one method alone.
    assert set(server.logins) == {("snapall", "publickey")}


def test_an_old_filer_accepts_a_password(server: SshServer, settings: Filer) -> None:
    assert Ssh(settings.model_copy(update={"key_file": None, "password": Secret("right")})).run(
        "snap rename v a b"
    ) == FilerReply("", "")
    assert server.logins == [("snapall", "password")]


def test_a_password_that_the_filer_prints_is_masked(server: SshServer, settings: Filer) -> None:
    server.answer = answering(b"Snapshot right already exists\n", b"hello right\n")
    answer = Ssh(settings.model_copy(update={"key_file": None, "password": Secret("right")})).run("snap create v right")
    assert answer.stdout == "Snapshot right already exists\n"  # as it came, to be understood
    assert answer.mask(answer.stdout) == "Snapshot *** already exists\n"


def test_a_modern_server_that_takes_no_sha1_is_spoken_to_as_well(server: SshServer, settings: Filer) -> None:
    server.modern()
    server.answer = answering(b"fine\n")
    assert Ssh(settings).run("version") == FilerReply("fine\n", "")


def test_every_command_has_a_connection_of_its_own(server: SshServer, settings: Filer) -> None:
    ssh = Ssh(settings)
    ssh.run("version")
    ssh.run("snap list -n vmvol1")
    assert server.commands == [b"version", b"snap list -n vmvol1"]


def test_a_connection_opened_ahead_carries_the_next_command_and_no_other(server: SshServer, settings: Filer) -> None:
    ssh = Ssh(settings)
    ssh.preconnect()
    assert len(server.logins) == 1
    assert server.commands == []
    ssh.run("version")
    assert len(server.logins) == 1
    ssh.run("snap list -n vmvol1")
    assert len(server.logins) == 2
    assert server.commands == [b"version", b"snap list -n vmvol1"]


def test_a_filer_that_rejects_a_command_on_a_prefetched_connection_is_connected_again(
    server: SshServer, settings: Filer
) -> None:
    ssh = Ssh(settings)
    ssh.preconnect()
    server.open_verdict = common.OPEN_FAILED_RESOURCE_SHORTAGE
    with pytest.raises(NotSent, match="before the command was sent"):
        ssh.run("version")
    assert len(server.logins) == 2
    server.open_verdict = common.OPEN_SUCCEEDED
    ssh.run("version")
    assert server.commands == [b"version"]


def test_a_failed_prefetch_is_reported_by_the_command(server: SshServer, settings: Filer) -> None:
    server.verdict = common.AUTH_FAILED
    ssh = Ssh(settings)
    ssh.preconnect()
    with pytest.raises(NotSent):
        ssh.run("version")
    server.verdict = common.AUTH_SUCCESSFUL
    ssh.run("version")
    assert server.commands == [b"version"]


def test_the_command_finds_nothing_on_its_input(server: SshServer, settings: Filer) -> None:
    Ssh(settings).run("version")
    assert server.inputs == [b""]


def test_an_error_text_is_an_answer_whatever_the_exit_status(server: SshServer, settings: Filer) -> None:
    server.answer = answering(stderr=b"nosuch not found.\n", status=3)
    assert Ssh(settings).run("nosuch") == FilerReply("", "nosuch not found.\n")


def test_the_old_algorithms_stay_in_reach_behind_the_modern_ones() -> None:
    assert {*OLD_KEX, "diffie-hellman-group14-sha1"} <= set(ALL.key_exchanges)
    assert {*OLD_CIPHERS, "aes128-cbc"} <= set(ALL.ciphers)
    assert {*OLD_MACS, "hmac-md5"} <= set(ALL.macs)
    assert ALL.host_keys[-1] == "ssh-rsa"
    assert ALL.only(MODERN.all) == MODERN
    assert OLD.isdisjoint(MODERN.all)


def test_a_greeting_names_the_algorithms_that_were_used_and_the_old_ones_among_them(
    server: SshServer, settings: Filer
) -> None:
    old = (*OLD_KEX, "ssh-rsa", *OLD_CIPHERS, *OLD_MACS)
    assert Ssh(settings).greet().algorithms == old
    assert Ssh(settings).greet().label == f"{', '.join(old)}; old: {', '.join(old)}"
    server.modern()
    modern = ("ecdh-sha2-nistp256", "rsa-sha2-512", "aes128-ctr", "hmac-sha2-256")
    assert Ssh(settings).greet().algorithms == modern
    assert Ssh(settings).greet().label == ", ".join(modern)


def test_a_filer_that_has_both_gets_nothing_old(server: SshServer, settings: Filer) -> None:
    server.without = {}
    server.kex, server.ciphers, server.macs = ALL.key_exchanges[::-1], ALL.ciphers[::-1], ALL.macs[::-1]
    assert OLD.isdisjoint(Ssh(settings).greet().algorithms)


def test_modern_offers_an_old_filer_nothing_and_names_the_key(server: SshServer, settings: Filer) -> None:
    with pytest.raises(NotSent, match="no ssh algorithm that") as caught:
        Ssh(settings.model_copy(update={"ssh_algorithms": "modern"})).run("version")
    assert caught.value.code == "SA-4121"
    assert "ssh_algorithms" in caught.value.hint
    assert server.logins == []
    server.modern()
    Ssh(settings.model_copy(update={"ssh_algorithms": "modern"})).run("version")
    assert server.commands == [b"version"]


def test_a_list_offers_what_it_names_and_no_more(server: SshServer, settings: Filer) -> None:
    names = (*OLD_KEX, "ssh-rsa", *OLD_CIPHERS, *OLD_MACS)
    listed = settings.model_copy(update={"ssh_algorithms": names})
    assert Ssh(listed).greet().algorithms == names
    server.modern()
    with pytest.raises(NotSent, match="no ssh algorithm that"):
        Ssh(listed).run("version")


def test_the_command_for_people_can_be_typed(settings: Filer) -> None:
    ssh = Ssh(settings.model_copy(update={"host": "filer1", "port": 22}))
    user = '"snapall@filer1"' if sys.platform == "win32" else "snapall@filer1"  # PowerShell reads @ itself
    assert ssh.command_line("snap create v n") == f"ssh {user} snap create v n"
    assert Ssh(settings.model_copy(update={"host": "filer1", "port": 2222})).command_line("version") == (
        f"ssh -p 2222 {user} version"
    )


# -- host keys


def test_an_unknown_host_key_stops_before_the_login_and_says_how_to_get_the_line(
    server: SshServer, settings: Filer
) -> None:
    assert settings.known_hosts is not None
    settings.known_hosts.write_text("# nobody yet\n")
    with pytest.raises(NotSent, match="not known") as caught:
        Ssh(settings).run("version")
    assert server.host_key.fingerprint in caught.value.message
    line = f"[127.0.0.1]:{server.port} {server.host_key.get_name()} {server.host_key.get_base64()}"
    assert caught.value.hint.endswith(f"add this line to {settings.known_hosts}: {line}")
    assert server.logins == []
    settings.known_hosts.write_text(f"{line}\n")
    assert Ssh(settings).run("version") == FilerReply("", "")


@pytest.mark.parametrize("other", [paramiko.RSAKey.generate(1024), paramiko.ECDSAKey.generate()])
def test_a_changed_host_key_is_a_strong_warning(server: SshServer, settings: Filer, other: paramiko.PKey) -> None:
    assert settings.known_hosts is not None
    settings.known_hosts.write_text(f"[127.0.0.1]:{server.port} {other.get_name()} {other.get_base64()}\n")
    with pytest.raises(NotSent, match="HAS CHANGED") as caught:
        Ssh(settings).run("version")
    assert "attack" in caught.value.hint
    assert server.logins == []


@pytest.mark.parametrize("content", [None, "[127.0.0.1]:1 ssh-rsa A\n".encode("utf-16")])
def test_a_known_hosts_file_that_cannot_be_read_means_that_nothing_was_sent(
    server: SshServer, settings: Filer, content: bytes | None
) -> None:
    assert settings.known_hosts is not None
    settings.known_hosts.unlink()
    if content is not None:
        settings.known_hosts.write_bytes(content)
    with pytest.raises(NotSent, match="known_hosts"):
        Ssh(settings).run("version")
    assert server.commands == []


def test_a_line_that_makes_no_sense_breaks_no_other(server: SshServer, settings: Filer) -> None:
    assert settings.known_hosts is not None
    line = settings.known_hosts.read_bytes()
    settings.known_hosts.write_bytes(b"[127.0.0.1]:1 ssh-rsa A\nZ\xfcrich\n@nosuch x ssh-rsa AAAA\n" + line)
    Ssh(settings).run("version")
    assert server.commands == [b"version"]


def test_a_revoked_host_key_is_refused_by_name_before_the_login(server: SshServer, settings: Filer) -> None:
    assert settings.known_hosts is not None
    line = settings.known_hosts.read_text()
    settings.known_hosts.write_text(f"{line}@revoked * {line.split(' ', 1)[1]}")
    with pytest.raises(NotSent, match="@revoked") as caught:
        Ssh(settings).run("version")
    assert (caught.value.code, caught.value.hop) == ("SA-4120", Hop.HOST_KEY)
    assert server.logins == []


# -- a peer that is no filer


def packet(length: int) -> bytes:
    return b"SSH-2.0-x\r\n" + length.to_bytes(4, "big") + b"\0" * 12


@pytest.mark.parametrize(
    "greeting",
    [
        packet(0x7FFF_FFFC),
        packet(0xFFFF_FFFC),
        packet(300 << 10),
        packet(4),
        packet(0),
        b"x" * (1 << 20),
        b"x" * 20_000 + b"\n" + b"y" * (1 << 20),
        b"SSH-2.0-x\r\n" + (b"\0\0\0\x0c\x0a\x02" + b"\0" * 10) * 50_000,
    ],
    ids=["2 GB", "4 GB", "300 KiB", "empty", "nothing", "endless line", "endless lines", "endless packets"],
)
def test_what_a_stranger_claims_or_sends_without_end_takes_no_memory(settings: Filer, greeting: bytes) -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

        def greet() -> None:
            with listener.accept()[0] as connection, suppress(OSError):
                connection.sendall(greeting)
                connection.recv(1 << 16)
                while connection.recv(1 << 16):
                    pass

        thread = threading.Thread(target=greet)
        thread.start()
        tracemalloc.start()
        stack.callback(tracemalloc.stop)
        with pytest.raises(NotSent):
            Ssh(settings.model_copy(update={"port": listener.getsockname()[1]})).run("version")
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
        thread.join()


def test_a_filer_that_prints_on_the_side_without_end_is_left(server: SshServer, settings: Filer) -> None:
    """Stdout is read first: what comes on stderr meanwhile must not pile up."""

    def answer(channel: paramiko.Channel) -> None:
        channel.out_window_size = 1 << 40  # it respects no window
        while True:
            channel.sendall_stderr(b"x" * (1 << 16))

    server.answer = answer
    with pytest.raises(NoAnswer):
        Ssh(settings).run("snap list -n vmvol1")
    assert server.commands == [b"snap list -n vmvol1"]


# -- not sent


def test_a_wrong_password_means_that_nothing_was_sent_and_is_not_shown(server: SshServer, settings: Filer) -> None:
    with pytest.raises(NotSent, match="refused the ssh login of snapall") as caught:
        Ssh(settings.model_copy(update={"key_file": None, "password": Secret("wrong-secret")})).run("version")
    assert "wrong-secret" not in caught.value.message + caught.value.hint
    assert server.commands == []


def test_a_password_that_is_refused_is_not_followed_by_another_method(server: SshServer, settings: Filer) -> None:
    server.auths = "keyboard-interactive"
    with pytest.raises(NotSent, match="refused the ssh login of snapall"):
        Ssh(settings.model_copy(update={"key_file": None, "password": Secret("wrong")})).run("version")
    assert server.logins == [("snapall", "password")]


def test_a_key_that_the_filer_does_not_know_is_not_followed_by_another_method(
    server: SshServer, settings: Filer
) -> None:
    server.user_key = paramiko.RSAKey.generate(1024)
    with pytest.raises(NotSent, match="refused the ssh login of snapall"):
        Ssh(settings.model_copy(update={"password": Secret("right")})).run("version")
    assert {method for _, method in server.logins} == {"publickey"}


def test_a_filer_that_wants_a_second_factor_is_refused(server: SshServer, settings: Filer) -> None:
    server.verdict = common.AUTH_PARTIALLY_SUCCESSFUL
    with pytest.raises(NotSent, match="second factor"):
        Ssh(settings).run("version")


def test_a_filer_without_a_free_session_executed_nothing(server: SshServer, settings: Filer) -> None:
    server.open_verdict = common.OPEN_FAILED_RESOURCE_SHORTAGE
    with pytest.raises(NotSent, match="before the command was sent"):
        Ssh(settings).run("version")


def test_no_algorithm_in_common_means_that_nothing_was_sent(server: SshServer, settings: Filer) -> None:
    server.ciphers = ("aes192-cbc",)
    with pytest.raises(NotSent, match="algorithm") as caught:
        Ssh(settings).run("version")
    assert "secureadmin" in caught.value.hint


def test_a_refused_connection_means_that_nothing_was_sent(settings: Filer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    with pytest.raises(NotSent, match=f"on port {port}"):
        Ssh(settings.model_copy(update={"port": port})).run("version")


class OverOn(Deadline):
    """A time that is over once an event has come."""

    def __init__(self, event: threading.Event) -> None:
        super().__init__(PATIENCE)
        self._event = event

    @property
    def over(self) -> bool:
        return self._event.is_set()

    @contextmanager
    def watch(self, connection: socket.socket) -> Iterator[None]:
        ended = threading.Event()

        def wait() -> None:
            while not ended.is_set():
                if self._event.wait(0.05):
                    hang_up(connection)
                    return

        thread = threading.Thread(target=wait)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-Data ONTAP SSH 1.0\n"])
def test_a_filer_that_greets_and_falls_silent_is_left_at_the_deadline(settings: Filer, greeting: bytes) -> None:
    greeted = threading.Event()
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

        def greet() -> None:
            connection = stack.enter_context(listener.accept()[0])
            connection.sendall(greeting)
            greeted.set()

        thread = threading.Thread(target=greet)
        thread.start()
        hasty = settings.model_copy(update={"port": listener.getsockname()[1], "timeout": 17})
        with pytest.raises(NotSent, match=r"timed out after 17 s"):
            Ssh(hasty, lambda _: OverOn(greeted)).run("version")
        thread.join()


def test_a_hanging_call_is_abandoned_by_the_systems_own_clock(settings: Filer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(NotSent, match="timed out"):
        Ssh(
            settings.model_copy(update={"port": silent.getsockname()[1], "timeout": PATIENCE}), lambda _: Deadline(0.2)
        ).run("version")


def test_only_one_line_of_ascii_is_ever_sent(server: SshServer, settings: Filer) -> None:
    with pytest.raises(NotSent, match="ASCII"):
        Ssh(settings).run("version\nhalt")
    assert server.logins == []


# -- no answer


def test_a_connection_that_ends_before_the_command_leaves_the_outcome_unknown(
    server: SshServer, settings: Filer
) -> None:
    server.answer = answering(b"creating snap", status=None)
    with pytest.raises(NoAnswer, match="closed the connection") as caught:
        Ssh(settings).run("snap create vmvol1 x")
    assert caught.value.output == "creating snap"


def test_a_filer_that_never_answers_is_left_at_the_deadline(server: SshServer, settings: Filer) -> None:
    asked, over = threading.Event(), threading.Event()

    def stall(channel: paramiko.Channel) -> None:
        asked.set()
        over.wait(PATIENCE)

    server.answer = stall
    with pytest.raises(NoAnswer, match=r"timed out after 17 s"):
        Ssh(settings.model_copy(update={"timeout": 17}), lambda _: OverOn(asked)).run("snap create vmvol1 x")
    over.set()


def test_a_filer_that_never_takes_the_request_is_left_at_the_deadline(server: SshServer, settings: Filer) -> None:
    asked, over = threading.Event(), threading.Event()

    def stall() -> None:
        asked.set()
        over.wait(PATIENCE)

    server.before_exec = stall
    with pytest.raises(NoAnswer, match="timed out"):
        Ssh(settings, lambda _: OverOn(asked)).run("snap create vmvol1 x")
    over.set()


def test_a_request_that_is_rejected_is_not_trusted_to_have_done_nothing(server: SshServer, settings: Filer) -> None:
    server.exec_verdict = False
    with pytest.raises(NoAnswer):
        Ssh(settings).run("snap create vmvol1 x")


def test_a_silent_failure_is_not_taken_for_success(server: SshServer, settings: Filer) -> None:
    server.answer = answering(status=1)
    with pytest.raises(NoAnswer, match="exit status 1"):
        Ssh(settings).run("snap rename v a b")


def test_an_answer_without_end_is_left(server: SshServer, settings: Filer) -> None:
    server.answer = answering(b"x" * ((1 << 20) + 1))
    with pytest.raises(NoAnswer, match=r"1 MiB|closed the connection"):
        Ssh(settings).run("snap list -n vmvol1")


# -- the key


def why_there_is_no_way_in(settings: Filer, key_file: Path | None) -> str:
    with pytest.raises(NotSent) as caught:
        Ssh(settings.model_copy(update={"key_file": key_file})).run("version")
    return f"{caught.value.message}; {caught.value.hint}"


def test_a_missing_key_file_is_named(settings: Filer, tmp_path: Path) -> None:
    assert "nosuch" in why_there_is_no_way_in(settings, tmp_path / "nosuch")


def test_a_key_that_is_not_rsa_is_named(settings: Filer, tmp_path: Path) -> None:
    path = tmp_path / "id_ecdsa"
    paramiko.ECDSAKey.generate().write_private_key_file(str(path))
    why = why_there_is_no_way_in(settings, path)
    assert "id_ecdsa" in why
    assert "a key of the kind ecdsa-sha2-nistp256" in why
    assert "ssh-keygen -t rsa -m PEM" in why


ED25519 = ed25519.Ed25519PrivateKey.generate()
OPENSSH = (serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH)


@pytest.mark.parametrize(
    ("content", "what", "remedy"),
    [
        (ED25519.private_bytes(*OPENSSH, serialization.NoEncryption()), "kind ssh-ed25519", "ssh-keygen -t rsa"),
        (
            ED25519.private_bytes(*OPENSSH, serialization.BestAvailableEncryption(b"phrase")),
            "it has a passphrase",
            "ssh-keygen -p",
        ),
        (b"ssh-rsa AAAAB3NzaC1yc2E= backup@vc01\n", "it is a public key", "the file without .pub"),
        (b"PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\n", "it is in PuTTY's", "Export OpenSSH key"),
        (b"hallo\n", "it is not a private key", "ssh-keygen -t rsa"),
        (b"", "it is not a private key", "ssh-keygen -t rsa"),
    ],
    ids=["ed25519", "a passphrase", "a public key", "PuTTY's", "anything else", "empty"],  # the keys differ each time
)
def test_a_key_file_is_refused_for_what_it_is(
    settings: Filer, tmp_path: Path, content: bytes, what: str, remedy: str
) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    why = why_there_is_no_way_in(settings, path)
    assert what in why
    assert remedy in why
    assert "unpack" not in why


def test_a_key_with_a_passphrase_is_named(settings: Filer, user_key: paramiko.RSAKey, tmp_path: Path) -> None:
    path = tmp_path / "locked"
    user_key.write_private_key_file(str(path), password="phrase")
    assert "locked" in why_there_is_no_way_in(settings, path)


def test_without_a_key_or_a_password_the_login_fails(settings: Filer) -> None:
    assert "key_file or a password" in why_there_is_no_way_in(settings, None)


def test_a_key_is_read_once_so_that_losing_it_stops_no_run(server: SshServer, settings: Filer) -> None:
    ssh = Ssh(settings)
    assert settings.key_file is not None
    settings.key_file.unlink()
    ssh.run("version")
    assert server.commands == [b"version"]


def test_paramikos_log_stays_off_the_terminal() -> None:
    code = "import snapall.site.ssh, logging; logging.getLogger('paramiko.transport').error('noise')"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (told.stdout, told.stderr) == (b"", b"")


def test_a_greeting_reads_the_host_key_and_sends_no_command(server: SshServer, settings: Filer) -> None:
    ssh = Ssh(settings)
    key = ssh.greet().host_key
    assert (key.kind, key.fingerprint) == ("ssh-rsa", server.host_key.fingerprint)
    assert settings.known_hosts is not None
    settings.known_hosts.write_text("")
    with pytest.raises(NotSent) as caught:
        ssh.greet()
    assert caught.value.hop is Hop.HOST_KEY
    assert ssh.host_key() == key
    settings.known_hosts.write_text(f"{key.line}\n")
    assert ssh.greet().host_key == key


def small_key(bits: int) -> paramiko.RSAKey:
    """Filers made such keys; today's library makes none below 1024 bits."""
    exponent = 65537

    def prime() -> int:
        while True:
            found: int = secrets.randbits(bits // 2) | (0b11 << (bits // 2 - 2)) | 1
            if found % exponent != 1 and all(pow(base, found - 1, found) == 1 for base in (2, 3, 5, 7, 11, 13)):
                return found

    p, q = prime(), prime()
    d = pow(exponent, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(exponent, p * q)
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public)
    return paramiko.RSAKey(key=numbers.private_key())


@pytest.mark.parametrize("bits", [512, 768])
def test_a_short_host_key_that_is_known_is_accepted_with_a_warning(
    bits: int, user_key: paramiko.RSAKey, tmp_path: Path
) -> None:
    known = tmp_path / "known_hosts"
    known.write_text("")
    with closing(SshServer(small_key(bits), user_key)) as server:
        server.answer = answering(b"an answer\n")
        ssh = Ssh(
            Filer(
                name="filer1",
                host="127.0.0.1",
                port=server.port,
                user="snapall",
                password=Secret("right"),
                known_hosts=known,
                timeout=PATIENCE,
            )
        )
        with pytest.raises(NotSent, match="is not known"):
            ssh.run("version")
        assert (ssh.notes, server.logins) == ((), [])
        known.write_text(f"{ssh.host_key().line}\n")
        assert ssh.run("version").stdout == "an answer\n"
        (warning,) = ssh.notes
    assert f"only {bits} bits" in warning[0]
    assert "secureadmin setup -f ssh" in warning[1]
    assert warning[2] == "SA-4164"


def test_a_host_key_of_1024_bits_is_no_warning(server: SshServer, settings: Filer) -> None:
    ssh = Ssh(settings)
    ssh.run("version")
    assert ssh.notes == ()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_key_file_that_notepad_saved_is_read(tmp_path: Path, encoding: str) -> None:
    plain, saved = tmp_path / "plain", tmp_path / "saved"
    key = paramiko.RSAKey.generate(1024)
    key.write_private_key_file(str(plain))
    saved.write_bytes(plain.read_text().replace("\n", "\r\n").encode(encoding))
    settings = Filer(name="f", host="f", user="root", key_file=saved, known_hosts=tmp_path / "known_hosts")
    assert proof_of(settings) == key


def test_known_hosts_with_the_mark_of_utf_16_is_refused_by_that_name(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_bytes("filer1 ssh-rsa AAAA\r\n".encode("utf-16"))
    settings = Filer(name="f", host="f", user="root", password=Secret("x"), known_hosts=file)
    with pytest.raises(NotSent, match="it is UTF-16 text") as caught:
        KnownHosts(settings).read()
    assert caught.value.hint == "save it as ASCII or UTF-8"
