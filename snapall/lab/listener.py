"""A TCP service on the loopback interface: one thread accepts, one thread serves each connection."""

from __future__ import annotations

import socket
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HOST = "127.0.0.1"
TICK = 0.05  # seconds between two looks at a clock, or at what is due


class Listener:
    """Accepts until it is closed. `serve` gets each connection in a thread of its own, and closes it in the end.

    `stopping` is set when the service ends. When `port` is taken, the service uses another one, and `port` is that.
    """

    def __init__(self, name: str, port: int, serve: Callable[[socket.socket], None]) -> None:
        self._serve = serve
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._socket = _bound(port)
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, name=name, daemon=True)
        self._thread.start()

    def pause(self, seconds: float) -> bool:
        """Wait, unless the service ends first; whether it goes on."""
        return not self.stopping.wait(seconds) if seconds else not self.stopping.is_set()

    def close(self) -> None:
        """End the service and all its threads."""
        self.stopping.set()
        # A connection of our own wakes the accepting thread on every system.
        with suppress(OSError), closing(socket.create_connection((HOST, self.port), timeout=5)):
            pass
        self._thread.join()
        self._socket.close()
        with self._lock:
            left = dict(self._connections)
        for connection in left:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in left.values():
            thread.join()

    def _accept(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            if self.stopping.is_set():
                connection.close()
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as sshd does
            thread = threading.Thread(target=self._handle, args=(connection,), daemon=True)
            with self._lock:
                self._connections[connection] = thread
            thread.start()

    def _handle(self, connection: socket.socket) -> None:
        try:
            with suppress(OSError), connection:
                self._serve(connection)
        finally:
            with self._lock:
                del self._connections[connection]


def _bound(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError:
        return socket.create_server((HOST, 0))
