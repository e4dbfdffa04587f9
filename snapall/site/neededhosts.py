"""The machines that a run needs while VMs are frozen: VirtualCenter, its database's server, and this one."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from snapall.backup.whereabouts import NeededHost

if TYPE_CHECKING:
    from snapall.config.settings import Config

_SERVER = re.compile(r"(?:^|;)\s*(?:server|address|addr)\s*=\s*\{?(?:tcp:|np:|lpc:)?([^;,\\}]+)", re.IGNORECASE)


def needed_hosts(settings: Config, database_host: str, addresses: Sequence[str]) -> tuple[NeededHost, ...]:
    """These machines, with the names that the configuration and the system give them. `addresses`: this machine's.

    No name server is asked: it may be slow, or one of the VMs.
    """
    return (
        NeededHost("VirtualCenter itself", (settings.vcenter.host,)),
        NeededHost("VirtualCenter's database server", (database_host,) if database_host else ()),
        NeededHost("the machine that snapall runs on", (socket.gethostname(), *addresses)),
    )


def server_of(connection_string: str) -> str:
    """The server that an ODBC connection string names; "" if it names none."""
    hit = _SERVER.search(connection_string)
    return hit[1].strip() if hit is not None else ""
