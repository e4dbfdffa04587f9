"""The lab's vcbsnapshot, resident in the tests' own process: its interpreter starts once, not once for every VM."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

from snapall.lab.vcbsnapshot import begin
from snapall.lab.world import World

CLIENT = Path(__file__).with_name("vcbclient.py")


class VcbServer(ThreadingTCPServer):
    """Answers `tests/vcbclient.py` until it is closed. Like VirtualCenter, it finishes what a dead caller asked for."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, world: World) -> None:
        super().__init__(("127.0.0.1", 0), _Call)
        self.world = world
        self.closed = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def program(self) -> list[str]:
        """The program and its leading arguments, as snapall.toml has them."""
        return [sys.executable, "-I", "-S", str(CLIENT), str(self.server_address[1])]

    def close(self) -> None:
        """Stop; calls that still wait end without an answer."""
        self.closed.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Call(StreamRequestHandler):
    """One call of the program."""

    server: VcbServer

    def handle(self) -> None:
        argv = self.rfile.read().decode().split("\0")
        begun = begin(self.server.world, argv)
        if self.server.closed.wait(begun.wait):
            return
        end = begun.end(self.server.world)
        with suppress(ConnectionError):  # its caller has died
            self.wfile.write(bytes([end.exit]) + end.stdout.encode())
