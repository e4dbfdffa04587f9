"""One line to a syslog daemon, by its socket on this machine, UDP or TCP.

The format is that of RFC 3164, which describes what every syslogd takes, those of 2007 included; rsyslog and syslog-ng
still expect it by default. RFC 5424 is of 2009: an older daemon does not know it, and rsyslog does not parse it at
/dev/log. Over TCP, a newline ends the message (RFC 6587, 3.4.2): unlike octet counting, all of them know that.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from datetime import datetime
from logging.handlers import SysLogHandler

from snapall.config.notify import Syslog, host_and_port
from snapall.errors import SiteError, reason_of
from snapall.escaping import printable

LONGEST = 1024
"""Bytes of a message (RFC 3164, 4.1); older daemons cut or drop longer ones."""

_LOCAL = "check `address` in [notify.syslog], and that the daemon runs and this user may write to its socket"
_REMOTE = "check `address` and `protocol` in [notify.syslog], and that the daemon receives messages from this host"


def send(to: Syslog, severity: int, text: str, host: str, at: datetime) -> None:
    """Send one line; `at` is local time. SiteError: it was not sent, or nobody confirmed that it arrived.

    UDP and the daemon's own socket confirm nothing.
    """
    place = host_and_port(to.address)
    sender = "" if place is None else f"{host.partition('.')[0]} "  # the daemon adds the name of its own machine
    message = _message(to.facility, severity, f"{at.ctime()[4:19]} {sender}snapall[{os.getpid()}]: ", text)
    try:
        match place, to.protocol:
            case None, _:
                _to_socket(to.address, message, to.timeout)
            case (name, port), "udp":
                _by_udp(name, port, message, to.timeout)
            case (name, port), _:
                _confirmed(socket.create_connection((name, port), to.timeout), message + b"\n", to.address)
    except (OSError, UnicodeError) as error:
        raise SiteError(
            f"syslog: no message was sent to {to.address}: {reason_of(error)}",
            _LOCAL if place is None else _REMOTE,
            "SA-1440",
        ) from error


def _message(facility: str, severity: int, head: str, text: str) -> bytes:
    priority = SysLogHandler.facility_names[facility] * 8 + severity
    message = f"<{priority}>{head}{printable(text)}".encode()
    if len(message) <= LONGEST:
        return message
    return message[: LONGEST - 3].decode(errors="ignore").encode() + b"..."


def _to_socket(address: str, message: bytes, timeout: float) -> None:
    if sys.platform == "win32":
        raise OSError("this system has no such sockets")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(timeout)
        try:
            datagrams.connect(address)
            datagrams.send(message)
            return
        except OSError as error:
            if error.errno != errno.EPROTOTYPE:
                raise
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)  # as older syslog-ng has it; a zero ends the message
    try:
        stream.settimeout(timeout)
        stream.connect(address)
    except OSError:
        stream.close()
        raise
    _confirmed(stream, message + b"\0", address)


def _by_udp(name: str, port: int, message: bytes, timeout: float) -> None:
    family, kind, _, _, address = socket.getaddrinfo(name, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind) as datagrams:
        datagrams.settimeout(timeout)
        datagrams.connect(address)
        datagrams.send(message)
        if code := datagrams.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):  # nobody listens, if known already
            raise OSError(code, os.strerror(code))


def _confirmed(connection: socket.socket, message: bytes, address: str) -> None:
    """Send over a connection, and wait until the daemon closes it, which it does once it has read everything."""
    with connection:
        try:
            connection.sendall(message)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
        except OSError as error:
            raise SiteError(
                f"syslog: {address} did not confirm the message: {reason_of(error)}",
                "check the daemon's log and limits on that host; then run `snapall doctor --notify`",
                "SA-1441",
            ) from error
