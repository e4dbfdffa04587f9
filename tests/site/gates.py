"""A gate that holds a program back, on every system: the program waits for the end of a connection to this process."""

from __future__ import annotations

import socket

from tests.waiting import PATIENCE

WAIT = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1]))).recv(1)"
"""What the program runs, with the gate's port as its first argument."""


class Gate:
    """Is closed until it is opened, once."""

    def __init__(self) -> None:
        self._door = socket.create_server(("127.0.0.1", 0))
        self._door.settimeout(PATIENCE)
        self.port = str(self._door.getsockname()[1])

    def open(self) -> None:
        """Wait until the program is at the gate, and let it go on."""
        with self._door:
            self._door.accept()[0].close()

    def close(self) -> None:
        """Let go of a gate that was never opened."""
        self._door.close()
