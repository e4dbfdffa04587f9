"""The filer's rsh service: the server's side of the BSD rcmd protocol, on loopback."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

from snapall.lab.filershell import Ending
from snapall.lab.listener import HOST, Listener
from snapall.lab.texts import Says

if TYPE_CHECKING:
    from snapall.lab.filershell import FilerShell, ShellReply

PATIENCE = 30.0  # seconds for a client to send its command
LONGEST = 4096  # bytes of one field


class RshServer(Listener):
    """Listens until it is closed.

    The client sends a port for stderr ("0" or nothing: none), its own user, the user here and the command, each ended
    by a zero byte. It gets a zero byte and the output, or a one byte and the reason. There is no exit status (rcmd(3)).
    """

    def __init__(self, shell: FilerShell, port: int = 0) -> None:
        self._shell = shell
        super().__init__(port)

    def serve(self, connection: socket.socket) -> None:
        """Do the connection's one command."""
        connection.settimeout(PATIENCE)
        greeting = self._shell.login("rsh")
        if not self.pause(greeting.wait) or greeting.ending is not Ending.ANSWER:
            return
        with ExitStack() as stack:
            port = _field(connection)
            errors = connection
            if port not in ("", "0"):
                errors = stack.enter_context(socket.create_connection((HOST, int(port)), timeout=PATIENCE))
            local, remote, command = (_field(connection) for _ in range(3))
            settings = self._shell.world.settings
            reserved = 512 <= connection.getpeername()[1] < 1024
            if greeting.stderr or local not in settings.rsh_users or (settings.rsh_reserved and not reserved):
                connection.sendall(b"\1" + Says.RSH_DENIED().encode() + b"\n")
                return
            self._send(connection, errors, self._shell.answer(command, "rsh", remote))

    def _send(self, connection: socket.socket, errors: socket.socket, reply: ShellReply) -> None:
        """Send the zero byte, which says that the command was taken, and the output."""
        if reply.ending is Ending.REFUSE:
            return
        connection.sendall(b"\0")
        if self.pause(reply.wait):
            connection.sendall(reply.stdout.encode())
            errors.sendall(reply.stderr.encode())


def _field(connection: socket.socket) -> str:
    """Read up to the next zero byte. Raises ConnectionError when there is none."""
    field = b""
    while (byte := connection.recv(1)) != b"\0":
        if not byte or len(field) > LONGEST:
            raise ConnectionError("the client went away")
        field += byte
    return field.decode(errors="replace")
