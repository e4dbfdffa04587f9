"""rsh, tried against a small server that speaks rcmd on loopback."""

from __future__ import annotations

import errno
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapall.backup.steps import Capture
from snapall.config.secret import Secret
from snapall.config.settings import Filer
from snapall.errors import SiteError
from snapall.site.filer import FilerReply, FilerSystem, Hop, NoAnswer, NotLetIn, NotSent
from snapall.site.rsh import RESERVED_PORTS, Rsh, first_free
from snapall.site.tcp import Deadline
from snapall.site.volumes import Volumes
from tests.waiting import PATIENCE, until

Behaviour = Callable[[socket.socket], None]


class RcmdServer:
    """One connection at a time: reads the four fields of the request, then behaves as configured."""

    def __init__(self) -> None:
        self.requests: list[list[bytes]] = []
        self.peers: list[int] = []
        self.behave: Behaviour = lambda connection: connection.sendall(b"\0")
        self.over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, peer = self._listener.accept()
            with connection:
                if self.over.is_set():
                    return
                self.peers.append(peer[1])
                data = b""
                while data.count(b"\0") < 4 and (chunk := connection.recv(4096)):
                    data += chunk
                self.requests.append(data.split(b"\0")[:-1])
                self.behave(connection)

    def close(self) -> None:
        self.over.set()
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join()
        self._listener.close()


@pytest.fixture
def server() -> Iterator[RcmdServer]:
    with closing(RcmdServer()) as running:
        yield running


def settings(
    port: int,
    *,
    host: str = "127.0.0.1",
    timeout: float = PATIENCE,
    user: str | None = None,
    password: str | None = None,
    reserved: bool = False,
) -> Filer:
    return Filer(
        name="filer1",
        host=host,
        transport="rsh",
        port=port,
        user=user,
        password=None if password is None else Secret(password),
        timeout=timeout,
        local_user="operator",
        reserved_port=reserved,
    )


def answer(text: bytes) -> Behaviour:
    return lambda connection: connection.sendall(text)


def test_the_request_names_both_users_and_asks_for_no_second_connection(server: RcmdServer) -> None:
    Rsh(settings(server.port, user="root")).run("snap create vmvol1 vmware_recent")
    assert server.requests == [[b"0", b"operator", b"root", b"snap create vmvol1 vmware_recent"]]


def test_user_and_password_are_one_word_on_the_wire_and_nowhere_else(server: RcmdServer) -> None:
    rsh = Rsh(settings(server.port, user="root", password="F1ler:Pw"))
    rsh.run("version")
    assert server.requests == [[b"0", b"operator", b"root:F1ler:Pw", b"version"]]
    assert rsh.command_line("version") == "rsh 127.0.0.1 -l root:*** version"


def test_a_filer_that_repeats_the_password_does_not_spread_it(server: RcmdServer) -> None:
    rsh = Rsh(settings(server.port, user="root", password="F1lerPw"))
    for text in (b"\1root:F1lerPw: permission denied\n", b"F1lerPw?"):
        server.behave = answer(text)
        with pytest.raises((NotLetIn, NoAnswer)) as caught:
            rsh.run("version")
        assert "F1lerPw" not in f"{caught.value} {getattr(caught.value, 'output', '')}"
    server.behave = answer(b"\0F1lerPw not found.  Type '?' for a list of commands\n")
    for ask in (
        lambda: FilerSystem(rsh, "filer1").listing("vmvol1"),
        lambda: FilerSystem(rsh, "filer1").perform(Capture("vmvol1", "a")),
        lambda: Volumes(rsh, "filer1").state("vmvol1"),
    ):
        try:
            told = repr(ask())
        except SiteError as error:
            told = f"{error!r} {error.message}"
        assert "***" in told
        assert "F1lerPw" not in told


def test_a_listing_is_understood_before_the_password_is_masked(server: RcmdServer) -> None:
    server.behave = answer(b"\0Volume vmvol1\nworking...\n\n  date          name\n------------  --------\nsecret\n")
    rsh = Rsh(settings(server.port, user="root", password="secret"))
    with pytest.raises(SiteError, match=r"not understood: .\*\*\*.$"):
        FilerSystem(rsh, "filer1").listing("vmvol1")
    server.behave = answer(b"\0Volume vmvol1\nworking...\n\n  date          name\nMar 22 03:00  secret\n")
    assert [one.name for one in FilerSystem(rsh, "filer1").listing("vmvol1")] == ["secret"]


def test_a_password_that_rsh_cannot_send_is_not_sent_and_not_shown(server: RcmdServer) -> None:
    with pytest.raises(NotSent) as caught:
        Rsh(settings(server.port, user="root", password="pässwört")).run("version")
    assert caught.value.code == "SA-7121"
    assert "sswö" not in caught.value.message
    assert server.requests == []


def test_without_a_user_the_remote_one_is_called_like_the_local_one(server: RcmdServer) -> None:
    Rsh(settings(server.port)).run("version")
    assert server.requests == [[b"0", b"operator", b"operator", b"version"]]


def test_the_answer_follows_the_zero_byte(server: RcmdServer) -> None:
    server.behave = answer(b"\0creating snapshot...\r\n")
    assert Rsh(settings(server.port)).run("version") == FilerReply("creating snapshot...\n", "")


def test_silence_is_an_answer(server: RcmdServer) -> None:
    assert Rsh(settings(server.port)).run("snap rename v a b") == FilerReply("", "")


def test_the_command_finds_nothing_on_its_input(server: RcmdServer) -> None:
    received: list[bytes] = []

    def listen(connection: socket.socket) -> None:
        connection.sendall(b"\0")
        received.append(connection.recv(1))

    server.behave = listen
    Rsh(settings(server.port)).run("version")
    assert received == [b""]


def test_a_filer_that_does_not_let_us_in_has_the_command_all_the_same(server: RcmdServer) -> None:
    server.behave = answer(b"\1Permission denied.\n")
    with pytest.raises(NotLetIn, match=r"Permission denied\.") as caught:
        Rsh(settings(server.port)).run("version")
    assert "rsh.access" in caught.value.hint
    assert caught.value.hop is Hop.LOGIN
    assert not isinstance(caught.value, NotSent)


def test_a_filer_that_hangs_up_before_its_first_byte_may_have_executed_the_command(server: RcmdServer) -> None:
    server.behave = lambda connection: None
    with pytest.raises(NoAnswer, match="closed the connection"):
        Rsh(settings(server.port)).run("snap create vmvol1 x")


def test_a_connection_that_breaks_leaves_the_outcome_unknown(server: RcmdServer) -> None:
    def reset(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    server.behave = reset
    with pytest.raises(NoAnswer):
        Rsh(settings(server.port)).run("snap create vmvol1 x")


class OverOnceAsked(Deadline):
    """There is time to connect, and hardly any once the server has the request."""

    def __init__(self, server: RcmdServer) -> None:
        super().__init__(PATIENCE)
        self._server = server
        self._connected = False

    def remaining(self) -> float:
        if not self._connected:
            self._connected = True
            return super().remaining()
        until(lambda: self._server.requests, "the request")
        return 0.05


@pytest.mark.parametrize("start", [b"", b"\0", b"\0creating snap"])
def test_a_filer_that_falls_silent_is_left_at_the_deadline(server: RcmdServer, start: bytes) -> None:
    over = threading.Event()

    def stall(connection: socket.socket) -> None:
        connection.sendall(start)
        over.wait(PATIENCE)

    server.behave = stall
    with pytest.raises(NoAnswer, match="timed out") as caught:
        Rsh(settings(server.port), lambda _: OverOnceAsked(server)).run("snap create vmvol1 x")
    assert caught.value.output in start.removeprefix(b"\0").decode()  # the deadline may come before all of it
    over.set()


def test_the_time_of_a_command_is_the_settings() -> None:
    given: list[float] = []

    def over(seconds: float) -> Deadline:
        given.append(seconds)
        return Deadline(0)

    with pytest.raises(NotSent, match="timed out"):
        Rsh(settings(1, timeout=17), over).run("version")
    assert given == [17]


def test_a_peer_that_speaks_something_else_leaves_the_outcome_unknown(server: RcmdServer) -> None:
    server.behave = answer(b"SSH-2.0-Data ONTAP SSH 1.0\n")
    with pytest.raises(NoAnswer, match=r"is not an rsh answer: .*SSH-2"):
        Rsh(settings(server.port)).run("version")


def test_an_answer_without_end_is_left(server: RcmdServer) -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(b"\0")
        try:
            for _ in range(1000):
                connection.sendall(b"x" * 65536)
        except OSError:
            return

    server.behave = flood
    with pytest.raises(NoAnswer, match="1 MiB"):
        Rsh(settings(server.port)).run("snap list -n vmvol1")


def test_a_refused_connection_means_that_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    with pytest.raises(NotSent, match=f"on port {port}") as caught:
        Rsh(settings(port)).run("version")
    assert "rsh.enable" in caught.value.hint


def test_a_time_that_is_over_before_the_connection_means_that_nothing_was_sent(server: RcmdServer) -> None:
    with pytest.raises(NotSent, match="timed out"):
        Rsh(settings(server.port), lambda _: Deadline(0)).run("version")


@pytest.mark.parametrize("host", ["filer.invalid", "x" * 70, "a..b"])
def test_a_host_without_an_address_means_that_nothing_was_sent(host: str) -> None:
    with pytest.raises(NotSent, match="cannot be resolved"):
        Rsh(settings(514, host=host)).run("version")


@pytest.mark.parametrize("command", ["a\0b", "a\nb", "a\rb", "ä"])
def test_only_one_line_of_ascii_is_ever_sent(server: RcmdServer, command: str) -> None:
    with pytest.raises(NotSent, match="ASCII"):
        Rsh(settings(server.port)).run(command)
    assert server.requests == []


def test_the_command_for_people_looks_as_in_the_batch() -> None:
    assert Rsh(settings(514, host="filer1")).command_line("snap create v n") == "rsh filer1 snap create v n"
    assert Rsh(settings(514, host="filer1", user="root")).command_line("version") == "rsh filer1 -l root version"


# -- reserved ports


def test_an_account_without_the_right_to_a_reserved_port_gets_a_remedy() -> None:
    def forbid(port: int) -> socket.socket:
        raise PermissionError(errno.EACCES, "Permission denied")

    with pytest.raises(NotSent, match="below 1024") as caught:
        first_free(RESERVED_PORTS, forbid)
    for way in ("root", "CAP_NET_BIND_SERVICE", "ssh"):
        assert way in caught.value.hint


@given(st.integers(512, 1023))
def test_the_highest_free_port_is_taken(free: int) -> None:
    tried: list[int] = []

    def open_from(port: int) -> socket.socket:
        tried.append(port)
        if port > free:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        return socket.socket()

    first_free(RESERVED_PORTS, open_from).close()
    assert tried == list(range(1023, free - 1, -1))


def test_when_all_ports_are_taken_nothing_was_sent() -> None:
    def taken(port: int) -> socket.socket:
        raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")

    with pytest.raises(NotSent, match="512 to 1023"):
        first_free(RESERVED_PORTS, taken)


def test_another_fault_is_not_cured_by_another_port() -> None:
    def refuse(port: int) -> socket.socket:
        raise ConnectionRefusedError(errno.ECONNREFUSED, f"refused from {port}")

    with pytest.raises(ConnectionRefusedError, match="from 1023"):
        first_free(RESERVED_PORTS, refuse)


def may_take_reserved_ports() -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", 700))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return True


@pytest.mark.skipif(not may_take_reserved_ports(), reason="this account may not take a port below 1024")
def test_the_filer_sees_a_reserved_source_port(server: RcmdServer) -> None:
    Rsh(settings(server.port, reserved=True)).run("version")
    Rsh(settings(server.port, reserved=True)).run("version")
    assert all(512 <= port <= 1023 for port in server.peers)
