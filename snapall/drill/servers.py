"""The servers of one worker's cells, in a process of their own, in front of one world after the other.

The worker forks a process for every run, and a process with threads must not fork: so they live here.
"""

from __future__ import annotations

import os
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import paramiko

from snapall.drill.processes import fork_with_pipe
from snapall.lab.filershell import FilerShell
from snapall.lab.rshserver import RshServer
from snapall.lab.sshserver import SshServer
from snapall.lab.vcbserver import VcbServer
from snapall.lab.world import World


class Host:
    """The worker's side: three ports, and the choice of the world behind those of the filer."""

    def __init__(self, key: paramiko.PKey, first: Path) -> None:
        """Start the process; it serves the world in `first` until another one is chosen."""
        self._process, self._pipe = fork_with_pipe(_serve, key, first)
        self.ssh, self.rsh, self.vcb = self._pipe.recv()

    def serve(self, world: Path) -> None:
        """Put this world behind the filer's ports."""
        self._pipe.send(world)
        self._pipe.recv()

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join()


def _serve(pipe: Connection[Any, Any], key: paramiko.PKey, first: Path) -> None:
    """Be the other process. Never returns."""
    try:
        shell = FilerShell(World(first))
        servers = SshServer(shell, key), RshServer(shell), VcbServer()
        pipe.send([server.port for server in servers])
        while True:
            # Nobody closes the former world: a command of a killed run may still be at work in it.
            shell.world = World(pipe.recv())
            pipe.send(None)
    except EOFError:
        os._exit(0)
