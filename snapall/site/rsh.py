"""The way to a filer by rsh: the rcmd protocol itself, spoken over one socket."""

from __future__ import annotations

import errno
import getpass
import socket
from typing import TYPE_CHECKING

from snapall.errors import reason_of
from snapall.escaping import shell_word
from snapall.site.excerpt import one_line
from snapall.site.filer import FilerReply, Hop, NoAnswer, NotLetIn, NotSent, sendable
from snapall.site.masking import MASK, Mask
from snapall.site.tcp import Address, Deadline, connect, open_socket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from snapall.config.settings import Filer

RESERVED_PORTS = range(1023, 511, -1)
"""The source ports that a filer believes, in the order in which rcmd(3) tries them."""

_CEILING = 1 << 20  # bytes of an answer
_ACCEPTED = b"\0"
_REJECTED = b"\1"
_TAKEN = (errno.EADDRINUSE, errno.EADDRNOTAVAIL)


class Rsh:
    """One rsh connection for each command (BSD rcmd(3), rshd(8); Data ONTAP 7-Mode, na_rshd(8)).

    There is no exit status. No second connection for errors is asked for: firewalls stop it, and the filer's text is
    judged as a whole anyway.
    """

    def __init__(self, settings: Filer, until: Callable[[float], Deadline] = Deadline) -> None:
        self._settings = settings
        self._until = until
        # The filer may repeat what it was sent, the user and the password in one word.
        self._mask = Mask(settings.password)

    def command_line(self, command: str) -> str:
        """The command as a person would give it, `rsh filer1 -l root:*** snap create vmvol1 vmware_recent`."""
        password = "" if self._settings.password is None else f":{MASK}"
        user = "" if self._settings.user is None else f" -l {shell_word(self._settings.user)}{password}"
        return f"rsh {self._settings.host}{user} {command}"

    def preconnect(self) -> None:
        """Nothing: a connection is made in one round trip, and carries its command from the first byte."""

    def run(self, command: str) -> FilerReply:
        """Give the filer one command. Raises NotSent, NotLetIn or NoAnswer."""
        local = self._settings.local_user or getpass.getuser()
        # "0": no port for a second connection.
        words = [sendable("0"), sendable(local), self._remote(self._settings.user or local), sendable(command)]
        request = b"".join(word + b"\0" for word in words)
        deadline = self._until(self._settings.timeout)
        answer = bytearray()
        with self._connect(deadline) as connection:
            try:
                connection.sendall(request)
                first = _receive(connection, 1, deadline)
                if first == _ACCEPTED:
                    # Nothing more to say: like `rsh -n`, so that no command waits for input.
                    connection.shutdown(socket.SHUT_WR)
                _read_to_end(connection, deadline, answer)
            except OSError as error:
                raise self._no_answer(reason_of(error), answer) from error
        return self._reply(first, bytes(answer))

    def _remote(self, user: str) -> bytes:
        """The remote user and, after a colon, the password where there is one (na_rsh(1)). Raises NotSent."""
        password = "" if self._settings.password is None else self._settings.password.reveal()
        if not password.isascii():
            raise NotSent(
                f"the rsh password of {user} is not plain ASCII, so nothing was sent to {self._settings.host}",
                hint="give the filer's user a password of ASCII characters, or use ssh",
                code="SA-7121",
            )
        return sendable(user) + (b":" + password.encode("ascii") if password else b"")

    def _reply(self, first: bytes, rest: bytes) -> FilerReply:
        text = rest.decode("utf-8", "replace").replace("\r\n", "\n")
        if first == _ACCEPTED:
            return FilerReply(text, "", self._mask)
        if first == _REJECTED:
            # It says so of a command that it has: whether that is true, `snap list` shows.
            answer = one_line(self._mask(text)) or "it gave no reason"
            raise NotLetIn(
                f"the filer {self._settings.host} refused the rsh connection: {answer}",
                hint="check `options rsh.enable`, `options rsh.access` and /etc/hosts.equiv on the filer",
                hop=Hop.LOGIN,
                code="SA-4104",
            )
        # The request and the command went out together, so a filer that hangs up may have executed it.
        heard = one_line(self._mask(repr(first + rest)))
        raise self._no_answer(
            "the filer closed the connection" if first == b"" else f"this is not an rsh answer: {heard}"
        )

    def _no_answer(self, reason: str, heard: bytes | bytearray = b"") -> NoAnswer:
        return NoAnswer(
            f"no complete answer by rsh from the filer {self._settings.host}: {reason}",
            hint="run `snap list` to see what happened",
            output=self._mask.broken_off(heard.decode("utf-8", "replace")),
            code="SA-4103",
        )

    def _connect(self, deadline: Deadline) -> socket.socket:
        def open_to(family: socket.AddressFamily, address: Address) -> socket.socket:
            if not self._settings.reserved_port:
                return open_socket(family, address, deadline)
            return first_free(RESERVED_PORTS, lambda source: open_socket(family, address, deadline, source))

        hint = "check its `host` and `port`, the network, and `options rsh.enable` on the filer"
        return connect(self._settings.host, self._settings.port, open_to, hint)


def first_free(ports: Iterable[int], open_from: Callable[[int], socket.socket]) -> socket.socket:
    """The connection from the first source port that is free. Raises NotSent when we may not or cannot have one."""
    for port in ports:
        try:
            return open_from(port)
        except PermissionError as error:
            raise NotSent(
                f"rsh needs a source port below 1024, and this account may not use one: {reason_of(error)}",
                hint="run as root, or grant CAP_NET_BIND_SERVICE, or use ssh; or set `reserved_port = false` if the "
                "filer accepts any port",
                code="SA-4105",
            ) from error
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
    raise NotSent("every source port from 512 to 1023 is taken", hint="wait a few minutes, or use ssh", code="SA-4106")


def _receive(connection: socket.socket, size: int, deadline: Deadline) -> bytes:
    connection.settimeout(deadline.remaining())
    return connection.recv(size)


def _read_to_end(connection: socket.socket, deadline: Deadline, answer: bytearray) -> None:
    """Add to the answer what comes; when it breaks off, what came until then stands there."""
    while chunk := _receive(connection, 1 << 16, deadline):
        answer += chunk
        if len(answer) > _CEILING:
            raise OSError("the answer is longer than 1 MiB")
