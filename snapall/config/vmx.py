"""The settings of [jobs.NAME.vmx]: which consoles the vmx files are copied from, and where the copies go."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from snapall.config import rules, values
from snapall.config.table import ConfigTable, Given


class VmxCopies(ConfigTable):
    """[jobs.NAME.vmx]: the copies of the vmx files, taken after each backup."""

    folder: values.Location
    """Where the copies go: in it a folder for each job, in that one for each backup, deleted with it, by VM."""
    user: values.Word
    """The user on the service console of every host."""
    key_file: values.SecretFile | None = None
    """A private RSA key without a passphrase. Give this or `password`."""
    password: values.Password | None = None
    """As in [vcenter]."""
    known_hosts: values.Location
    """The file that holds the host keys of the hosts."""
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    """The port of ssh on the hosts."""
    timeout: values.Seconds = 120
    """Seconds for one host: login and all copies from it. Four hosts are read at a time."""
    hosts: dict[values.Line, values.Word] = Field(default_factory=dict)
    """Addresses of hosts that cannot be reached by the name in VirtualCenter: `{ "esx01" = "10.0.0.11" }`."""
    max_bytes: Annotated[int, Field(ge=1024, le=1 << 26)] = 1 << 20
    """Bytes of one file; what is longer is cut off, with a warning."""
    given: Annotated[Given, rules.ruled_by(rules.vmx_rules)] = frozenset()

    def address_of(self, host: str) -> str:
        """The address of a host: by its name as VirtualCenter has it, else by the first part of that name."""
        known = {name.lower(): address for name, address in self.hosts.items()}
        return known.get(host.lower()) or known.get(host.lower().partition(".")[0]) or host
