"""One TCP connection to a filer, under one deadline."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from snapall.site.filer import NotSent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Address = tuple[str, int] | tuple[str, int, int, int]
"""What a socket connects to, IPv4 or IPv6."""


def connect(
    host: str, port: int, open_to: Callable[[socket.AddressFamily, Address], socket.socket], hint: str
) -> socket.socket:
    """The first connection that `open_to` gets to one of the host's addresses. Raises NotSent with the hint."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NotSent(f"the filer {host} has no address: {error}", hint="check its `host`, and the DNS") from error
    failure = OSError("it has no address")
    for family, _, _, _, address in found:
        try:
            return open_to(family, address)  # type: ignore[arg-type]  # the other form is Bluetooth's
        except OSError as error:
            failure = error
    raise NotSent(f"the filer {host} cannot be reached on port {port}: {failure}", hint=hint) from failure


def open_socket(family: socket.AddressFamily, address: Address, deadline: float, source: int = 0) -> socket.socket:
    """A connection from the source port, 0 for any. Raises OSError."""
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        if source:
            connection.bind(("", source))
        connection.settimeout(remaining(deadline))
        connection.connect(address)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each word waits for the last one's ACK
    except OSError:
        connection.close()
        raise
    return connection


def remaining(deadline: float) -> float:
    """Seconds until the deadline of `time.monotonic`. Raises TimeoutError when it is over."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


@contextmanager
def watched(connection: socket.socket, deadline: float) -> Iterator[None]:
    """Hang up when the time is over, whatever is waited for then: some of paramiko's waits have no end of their own."""
    timer = threading.Timer(max(0.0, deadline - time.monotonic()), _hang_up, [connection])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
