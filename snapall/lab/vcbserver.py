"""The lab's vcbsnapshot as a resident server: `vcbclient.py` passes its arguments on, so that a call starts quickly."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from snapall import restart
from snapall.errors import SnapallError
from snapall.lab import vcbclient
from snapall.lab.listener import TICK, Listener
from snapall.lab.vcbsnapshot import begin
from snapall.lab.world import World

if TYPE_CHECKING:
    import socket


class VcbServer(Listener):
    """Answers the client until it is closed. Like VirtualCenter, it finishes what a dead caller has asked for.

    When it is closed, calls that still wait end without an answer.
    """

    def serve(self, connection: socket.socket) -> None:
        """Do one call. Its arguments begin with its world: each cell of the drill has a new one."""
        data = b""
        while part := connection.recv(4096):
            data += part
        if not data:
            return  # the client died before it sent them
        _, directory, *argv = data.decode().split("\0")
        with suppress(SnapallError), World(directory) as world:  # SnapallError: the site is gone
            started = begin(world, argv)
            if self._wait(world, started.wait):
                end = started.end(world)
                with suppress(OSError):  # its caller has died
                    connection.sendall(f"{end.exit}\n{end.stdout}".encode())
                connection.close()
            if started.task is not None and not started.awaited and self._wait(world, started.delay):
                world.catch_up()

    def _wait(self, world: World, seconds: float) -> bool:
        """Wait by the world's clock, unless the service ends first; whether it goes on."""
        end = world.now().timestamp() + seconds
        while (left := end - world.now().timestamp()) > 0:
            if not self.pause(left if world.settings.clock is None else TICK):
                return False
        return self.pause(0)


def program(port: int, world: Path) -> list[str]:
    """The client with its leading arguments, as snapall.toml has them."""
    return restart.quick_command("snapall.lab.vcbclient", vcbclient.__file__, str(port), "--world", str(world))
