"""One TCP connection to a filer, under one deadline."""

from __future__ import annotations

import socket
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from snapall.errors import reason_of
from snapall.site.filer import NotSent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LARGEST = 256 << 10  # bytes of a packet: what OpenSSH takes. RFC 4253, section 6.1, asks for 35,000

Address = tuple[str, int] | tuple[str, int, int, int]
"""What a socket connects to, IPv4 or IPv6."""


class Deadline:
    """The end of the time for one command. An argument of whoever speaks to a filer, so that a test gives another."""

    def __init__(self, seconds: float) -> None:
        """So many seconds from now."""
        self._end = time.monotonic() + seconds

    @property
    def over(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._end

    def remaining(self) -> float:
        """Seconds that are left. Raises TimeoutError when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    @contextmanager
    def watch(self, connection: socket.socket) -> Iterator[None]:
        """Hang up when the time is over, whatever is waited for: some of paramiko's waits have no end of their own."""
        timer = threading.Timer(max(0.0, self._end - time.monotonic()), hang_up, [connection])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def connect(
    host: str, port: int, open_to: Callable[[socket.AddressFamily, Address], socket.socket], hint: str
) -> socket.socket:
    """The first connection that `open_to` gets to one of the host's addresses. Raises NotSent with the hint."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "it is not a host name"
        raise NotSent(
            f"the name of the filer {host} cannot be resolved: {reason}",
            hint="check the filer's `host` in the configuration, and DNS or the hosts file on this machine",
            code="SA-4102",
        ) from error
    failure = OSError("its name has no address")
    for family, _, _, _, address in found:
        try:
            return open_to(family, address)  # type: ignore[arg-type]  # the other form is Bluetooth's
        except OSError as error:
            failure = error
    raise NotSent(
        f"the filer {host} cannot be reached on port {port}: {reason_of(failure)}", hint=hint, code="SA-4101"
    ) from failure


def open_socket(family: socket.AddressFamily, address: Address, deadline: Deadline, source: int = 0) -> socket.socket:
    """A connection from the source port, 0 for any. Raises OSError."""
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        if source:
            connection.bind(("", source))
        connection.settimeout(deadline.remaining())
        connection.connect(address)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each word waits for the last one's ACK
    except OSError:
        connection.close()
        raise
    return connection


class TooMuch(ValueError):
    """The other side sends more than it may. No OSError: paramiko would take that for one of the network."""


class BoundedSocket(socket.socket):
    """A connection on which the other side cannot make us take in without end, whatever its packets claim."""

    def __init__(self, connection: socket.socket, allowed: int) -> None:
        """It takes the connection over. `allowed`: how many bytes it may bring in all."""
        timeout = connection.gettimeout()
        super().__init__(connection.family, connection.type, connection.proto, connection.detach())
        self.settimeout(timeout)
        self._allowed = allowed

    def allow(self, more: int) -> None:
        """So many bytes more, now that it is known who the other side is."""
        self._allowed += more

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Read. Raises TooMuch, before any room is made for it."""
        if size > min(_LARGEST, self._allowed):
            raise TooMuch(f"it sends more than snapall takes ({size} bytes at once, or too many in all)")
        data = super().recv(size, flags)
        self._allowed -= len(data)
        return data


def hang_up(connection: socket.socket) -> None:
    """End it for both sides, and for whoever waits on it."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    if sys.platform == "win32":  # there, shutdown() wakes no thread that waits to read
        connection.close()
