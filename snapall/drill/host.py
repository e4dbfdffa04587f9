"""The site of all cells of one worker: servers in a process of their own, in front of the world that is told them.

The worker forks a process for every run, and a process with threads must not fork: so they live here.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

import paramiko

from snapall.drill import NotHere
from snapall.lab.filershell import FilerShell
from snapall.lab.rshserver import RshServer
from snapall.lab.sshserver import SshServer
from snapall.lab.vcbserver import VcbServer
from snapall.lab.world import World


class Host:
    """The worker's side: three ports, and which world is behind those of the filer."""

    def __init__(self, key: paramiko.PKey, first: Path) -> None:
        """Start the process; it serves the world in `first` until it is told another one."""
        self._here, self._pid = _started(key, first)
        self.ssh, self.rsh, self.vcb = map(int, self._hear().split())

    def show(self, world: Path) -> None:
        """From now on the filer is this world's."""
        self._here.sendall(f"{world}\n".encode())
        self._hear()

    def close(self) -> None:
        """End it."""
        self._here.close()
        os.waitpid(self._pid, 0)

    def _hear(self) -> str:
        return self._here.recv(4096).decode()


def _started(key: paramiko.PKey, first: Path) -> tuple[socket.socket, int]:
    """Fork the process; our end of its channel, and its pid."""
    if sys.platform == "win32":
        raise NotHere
    here, there = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        here.close()
        _serve(there, key, first)
    there.close()
    return here, pid


def _serve(channel: socket.socket, key: paramiko.PKey, first: Path) -> None:
    """The other process: never comes back."""
    signal.signal(signal.SIGINT, _deaf)  # the worker is told to end, and ends this
    try:
        shell = FilerShell(World(first))
        ssh, rsh, vcb = SshServer(shell, key), RshServer(shell), VcbServer()
        channel.sendall(f"{ssh.port} {rsh.port} {vcb.port}".encode())
        while told := channel.recv(4096):
            # Nobody closes the former world: a command of a killed run may still be at work in it.
            shell.world = World(told.decode().strip())
            channel.sendall(b"shown")
    finally:
        os._exit(0)


def _deaf(_number: int, _frame: FrameType | None) -> None:
    pass
