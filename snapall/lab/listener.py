"""A TCP service on the loopback interface: one thread accepts, one thread serves each connection."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

HOST = "127.0.0.1"
TICK = 0.05  # seconds between two looks at a clock, or at what is due


class Listener(ThreadingTCPServer):
    """Accepts until it is closed. `serve` gets each connection in a thread of its own; it is closed in the end.

    `stopping` is set when the service ends. When `port` is taken, the service uses another one, and `port` is that.
    """

    allow_reuse_address = os.name == "posix"  # elsewhere it would share the port with another process

    def __init__(self, port: int = 0) -> None:
        self.stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        try:
            super().__init__((HOST, port), BaseRequestHandler)
        except OSError:
            super().__init__((HOST, 0), BaseRequestHandler)
        self.port = int(self.server_address[1])
        threading.Thread(target=self.serve_forever, name=type(self).__name__, daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        """Serve one connection to its end. OSError: the client went away."""
        raise NotImplementedError

    def pause(self, seconds: float) -> bool:
        """Wait, unless the service ends first; whether it goes on."""
        return not self.stopping.wait(seconds) if seconds else not self.stopping.is_set()

    def close(self) -> None:
        """End the service and all its threads."""
        self.stopping.set()
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes the accepting thread, on Linux at once
        self.shutdown()
        for connection in tuple(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start the thread of a connection."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Be that thread."""
        try:
            with suppress(OSError), request:
                request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as sshd does
                self.serve(request)
        finally:
            self._connections.discard(request)
