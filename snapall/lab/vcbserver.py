"""The lab's vcbsnapshot, resident: `vcbclient.py` hands it its words, so that it is not loaded for every call."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from snapall.errors import SnapallError
from snapall.lab import vcbclient
from snapall.lab.listener import Listener
from snapall.lab.vcbsnapshot import begin
from snapall.lab.world import World

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence


class VcbServer:
    """Answers the client until it is closed. Like VirtualCenter, it finishes what a dead caller has asked for.

    `begins` is handed the words of each call before VirtualCenter hears of it, `ends` before its caller hears the
    answer: either may keep the call waiting, for an event where a fault knows only seconds.
    """

    def __init__(self) -> None:
        self.begins: Callable[[Sequence[str]], object] = lambda _: None
        self.ends: Callable[[Sequence[str]], object] = lambda _: None
        self._listener = Listener("lab-vcb", 0, self._serve)
        self.port = self._listener.port

    def close(self) -> None:
        """Stop; calls that still wait end without an answer."""
        self._listener.close()

    def _serve(self, connection: socket.socket) -> None:
        """One call. Its words begin with its world: the drill's server has a new one for every cell."""
        data = b""
        while part := connection.recv(4096):
            data += part
        if not data:
            return  # it died before it asked
        _, directory, *words = data.decode().split("\0")
        try:
            with World(directory) as world:
                self.begins(words)
                begun = begin(world, words)
                if self._listener.pause(begun.wait):
                    self.ends(words)
                    end = begun.end(world)
                    with suppress(OSError):  # its caller has died
                        connection.sendall(f"{end.exit}\n{end.stdout}".encode())
                    connection.close()
                if begun.task is not None and not begun.verdict.awaited and self._listener.pause(begun.verdict.delay):
                    world.catch_up()
        except SnapallError:  # the site is gone
            return


def program(port: int, world: Path) -> list[str]:
    """The client with its leading arguments, as snapall.toml has them."""
    return [sys.executable, "-I", "-S", vcbclient.__file__, str(port), "--world", str(world)]
