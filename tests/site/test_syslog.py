"""Lines to syslog, over each kind of socket: what arrives, and how each failure is explained."""

from __future__ import annotations

import os
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from snapall.config.notify import Syslog
from snapall.errors import SiteError
from snapall.site import syslog
from tests.platforms import posix
from tests.waiting import PATIENCE

AT = datetime(2007, 3, 2, 3, 4, 5)  # noqa: DTZ001 - local time
LOCAL = f"<28>Mar  2 03:04:05 snapall[{os.getpid()}]: "
REMOTE = f"<28>Mar  2 03:04:05 backup01 snapall[{os.getpid()}]: "
pytestmark = posix("Windows has no such sockets")


def send(address: str, text: str = "vol1: PARTIAL 18/19", **more: str) -> None:
    settings = Syslog.model_validate({"address": address, "timeout": PATIENCE, **more})
    syslog.send(settings, 4, text, "backup01.example.edu", AT)


def failure(address: str, **more: str) -> SiteError:
    with pytest.raises(SiteError) as caught:
        send(address, **more)
    return caught.value


@contextmanager
def datagrams(family: socket.AddressFamily, address: object) -> Iterator[tuple[socket.socket, Callable[[], str]]]:
    with socket.socket(family, socket.SOCK_DGRAM) as listener:
        listener.settimeout(PATIENCE)
        listener.bind(address)  # type: ignore[arg-type]
        yield listener, lambda: listener.recv(65536).decode()


@contextmanager
def stream(listener: socket.socket, *, reset: bool = False) -> Iterator[list[bytes]]:
    """Takes one connection, and reads it to its end, or resets it after the first bytes."""
    received: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            if reset:
                connection.recv(1)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            while data := connection.recv(4096):
                received.append(data)

    with listener:
        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        yield received
        serving.join(PATIENCE)


def test_the_daemon_of_this_machine_gets_a_line_without_a_host(tmp_path: Path) -> None:
    with datagrams(socket.AF_UNIX, str(tmp_path / "log")) as (_, received):
        send(str(tmp_path / "log"))
        assert received() == f"{LOCAL}vol1: PARTIAL 18/19"


def test_a_daemon_with_a_stream_socket_gets_it_too(tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(tmp_path / "log"))
    listener.listen()
    with stream(listener) as received:
        send(str(tmp_path / "log"))
    assert b"".join(received) == f"{LOCAL}vol1: PARTIAL 18/19\0".encode()


def test_udp_carries_one_line_with_the_host() -> None:
    with datagrams(socket.AF_INET, ("127.0.0.1", 0)) as (listener, received):
        send(f"127.0.0.1:{listener.getsockname()[1]}")
        assert received() == f"{REMOTE}vol1: PARTIAL 18/19"


def test_over_tcp_a_newline_ends_the_line_and_nothing_else_does() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with stream(listener) as received:
        send(f"127.0.0.1:{listener.getsockname()[1]}", "two\nlines\r\x00\u2028", protocol="tcp")
    assert b"".join(received) == f"{REMOTE}two\\nlines\\r\\x00\\u2028\n".encode()


@pytest.mark.parametrize("facility", [("user", 8), ("daemon", 24), ("local0", 128), ("local7", 184)])
def test_facility_and_severity_make_the_priority(tmp_path: Path, facility: tuple[str, int]) -> None:
    name, code = facility
    with datagrams(socket.AF_UNIX, str(tmp_path / "log")) as (_, received):
        send(str(tmp_path / "log"), facility=name)
        assert received().startswith(f"<{code + 4}>")


def test_a_long_line_is_cut_between_two_letters(tmp_path: Path) -> None:
    for shift in range(4):
        path = str(tmp_path / f"log{shift}")
        with datagrams(socket.AF_UNIX, path) as (listener, _):
            send(path, "x" * shift + "東" * 1000)
            data = listener.recv(65536)
        assert syslog.LONGEST - 3 <= len(data) <= syslog.LONGEST
        assert re.fullmatch(r"x*東+\.\.\.", data.decode().partition("]: ")[2])


def test_a_socket_that_is_not_there_is_named(tmp_path: Path) -> None:
    error = failure(str(tmp_path / "log"))
    assert error.code == "SA-1440"
    assert str(tmp_path / "log") in error.message
    assert "`address`" in error.hint


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_a_port_at_which_nobody_listens_is_named(protocol: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    error = failure(f"127.0.0.1:{port}", protocol=protocol)
    assert error.code == "SA-1440"
    assert f"127.0.0.1:{port}" in error.message


def test_a_daemon_that_drops_the_connection_has_not_confirmed_the_line() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with stream(listener, reset=True):
        error = failure(f"127.0.0.1:{listener.getsockname()[1]}", protocol="tcp")
    assert error.code == "SA-1441"


def test_a_name_that_does_not_exist_is_named() -> None:
    assert "no-such-host.invalid" in failure("no-such-host.invalid:514").message
