"""Runs in a network namespace of its own: the lab's filer at port 514, the only one that the system's rsh client knows.

Arguments: the lab's folder, the rsh client, then commands. Prints what the client got, one JSON list a command.
"""

from __future__ import annotations

import fcntl
import json
import socket
import struct
import subprocess
import sys
from pathlib import Path

from snapall.lab.serve import Lab
from tests.lab.sites import batch
from tests.waiting import PATIENCE

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1  # Linux: linux/sockios.h and linux/if.h


def loopback_up() -> None:
    """A new namespace has its loopback interface, down."""
    with socket.socket() as any_socket:
        now = struct.unpack("16sh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, struct.pack("16sh14x", b"lo", 0)))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", now | IFF_UP))


def asked(client: str, command: str) -> list[object]:
    """What the client says and exits with."""
    argv = [client, "-n", "-l", "snapall", "127.0.0.1", command]
    ended = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    return [ended.returncode, ended.stdout, ended.stderr]


def main(folder: str, client: str, *commands: str) -> None:
    loopback_up()
    with Lab.create(Path(folder), batch()) as lab:
        lab.world.set(port=514, rsh_reserved=True, rsh_users=("root",))
        lab.start("rsh")
        for command in commands:
            sys.stdout.write(json.dumps(asked(client, command)) + "\n")
        lab.world.set(rsh_users=("snapall",))
        sys.stdout.write(json.dumps(asked(client, "version")) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
