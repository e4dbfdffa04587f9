"""The service console of an ESX host by SFTP: lists a VM's folder and reads its small files."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import paramiko

from snapall.config.settings import Filer
from snapall.escaping import printable
from snapall.restore.vmx.names import DESCRIPTOR_LIMIT, NotCopied, is_descriptor, is_disk, is_wanted
from snapall.site.excerpt import one_line
from snapall.site.filer import Hop, NotSent
from snapall.site.ssh import Ssh

if TYPE_CHECKING:
    from snapall.config.vmx import VmxCopies
    from snapall.site.ssh import SshConnection
    from snapall.site.tcp import Deadline

_CHUNK = 1 << 15  # bytes of one read: what every SFTP server answers
_OVERHEAD = 1 << 19  # bytes that a console may send besides content: packets, and the names of a folder
_WHOLE = 16  # times the bytes of one file that a VM's files may have together
_MOST_FILES = 128  # of one VM; a descriptor for each disk and each snapshot, and a few more

_FAILURES = (Exception,)  # whatever paramiko makes of packets that make no sense


class EsxHost(Filer):
    """How the console of one host is reached, in the words of site/ssh.py."""

    @property
    def label(self) -> str:
        """The host as messages name it."""
        return f"the ESX host {self.name}" + (f" ({self.host})" if self.host != self.name else "")


def host_of(name: str, settings: VmxCopies) -> EsxHost:
    """The console of a host that VirtualCenter calls so."""
    return EsxHost(
        name=name,
        host=settings.address_of(name),
        port=settings.port,
        user=settings.user,
        key_file=settings.key_file,
        password=settings.password,
        known_hosts=settings.known_hosts,
        timeout=settings.timeout,
    )


@dataclass(frozen=True, slots=True)
class CopiedFile:
    """The content of a file on the console. `cut`: there was more than is taken."""

    name: str
    data: bytes
    cut: bool = False


class Console:
    """A login on a host, with its SFTP server."""

    def __init__(self, connection: SshConnection, sftp: paramiko.SFTPClient, host: EsxHost, most: int) -> None:
        """`most`: bytes of one file."""
        self._connection = connection
        self._sftp = sftp
        self._host = host
        self._most = most
        self._left = 0  # bytes that the files of the VM may still have together

    @property
    def usable(self) -> bool:
        """Whether more can be asked."""
        return self._connection.usable

    def hang_up(self) -> None:
        """End it, for whoever waits on it too."""
        self._connection.close()

    def lost(self) -> NotCopied:
        """The error of whatever was not asked before the connection ended."""
        text = f"the connection to {self._host.label} ended before all files were copied"
        return NotCopied(text, "check the host; if it is only slow, raise `timeout` in [jobs.NAME.vmx]", "SA-1854")

    def names(self, folder: str) -> tuple[str, ...]:
        """The plain files in a folder that may be wanted: no links, no devices, no folders. NotCopied."""
        with self._asking(folder):
            self._connection.sock.allow(_OVERHEAD)
            found = self._sftp.listdir_attr(folder)
            plain = (one for one in found if stat.S_ISREG(one.st_mode or 0) and is_wanted(one.filename))
            # The size is a hint, which spares reading a disk; what is read is bounded all the same.
            small = (one for one in plain if not is_disk(one.filename) or (one.st_size or 0) < DESCRIPTOR_LIMIT)
            names = tuple(sorted(one.filename for one in small))
            self._left = _WHOLE * self._most
        if len(names) > _MOST_FILES:
            raise self._failed(folder, f"it lists {len(names)} files to copy, more than a VM has")
        return names

    def read(self, folder: str, name: str) -> CopiedFile | None:
        """Read one file; None: it is a disk's data. NotCopied: it cannot be read."""
        with self._asking(f"{folder}/{name}"):
            most = min(self._most, DESCRIPTOR_LIMIT) if is_disk(name) else self._most
            self._connection.sock.allow(2 * most + _OVERHEAD)
            if self._left <= 0:
                raise ValueError(f"the VM's files have more than {_WHOLE} times `max_bytes` together")
            with self._sftp.open(f"{folder}/{name}", "rb") as file:
                data = file.read(_CHUNK)
                if is_disk(name) and not is_descriptor(data):
                    return None
                while len(data) <= most and (more := file.read(_CHUNK)):
                    data += more
            self._left -= len(data)
        return CopiedFile(name, data[:most], cut=len(data) > most)

    @contextmanager
    def _asking(self, path: str) -> Iterator[None]:
        try:
            yield
        except _FAILURES as error:
            raise self._failed(path, one_line(str(error)) or "the connection ended") from error

    def _failed(self, path: str, why: str) -> NotCopied:
        return NotCopied(
            f"{self._host.label}: {printable(path)} cannot be copied: {why}",
            "check the path and its permissions on the console, and that the VM runs on this host: another host's "
            "running VM is locked",
            "SA-1845",
        )


@contextmanager
def console_of(host: EsxHost, deadline: Deadline, most: int) -> Iterator[Console]:
    """A login, for as long as the deadline; `most`: bytes of one file. NotCopied: it cannot be had."""
    with ExitStack() as stack:
        try:
            connection = Ssh(host).open(deadline)
            stack.callback(connection.close)
            stack.enter_context(deadline.watch(connection.sock))
            connection.sock.allow(_OVERHEAD)
            sftp = paramiko.SFTPClient.from_transport(connection.transport)
        except NotSent as error:
            raise _not_reached(host, error) from error
        except _FAILURES as error:
            raise NotCopied(
                f"{host.label} offers no SFTP: {one_line(str(error))}",
                "on the console, sshd_config needs the line `Subsystem sftp /usr/libexec/openssh/sftp-server`",
                "SA-1844",
            ) from error
        assert sftp is not None  # noqa: S101 - only where no channel is opened, and that raises
        yield Console(connection, sftp, host, most)


def _not_reached(host: EsxHost, error: NotSent) -> NotCopied:
    """The error with this peer's remedy. The remedy of an unknown host key names the line to add."""
    what, file = error.message, host.known_hosts
    match error.hop:
        case Hop.REACH:
            return NotCopied(
                f"{host.label} cannot be reached on port {host.port}: {one_line(str(error.__cause__ or error))}",
                "check that the host is up and sshd runs on its console; `hosts` may give another address",
                "SA-1840",
            )
        case Hop.ALGORITHMS:
            return NotCopied(what, "check `service sshd status` and the RSA host key on the console", "SA-1841")
        case Hop.HOST_KEY if error.code in {"SA-4118", "SA-4119"}:
            return NotCopied(what, error.hint, "SA-1842")
        case Hop.HOST_KEY:
            remedy = f"verify the key on the host's own screen; only if it is new, replace its line in {file}"
            return NotCopied(what, remedy, "SA-1855")
        case Hop.LOGIN:
            return NotCopied(
                what,
                "check `user` and `key_file` or `password`; on the console the RSA key must be in the user's "
                "~/.ssh/authorized_keys, and root may log in only if sshd_config has PermitRootLogin",
                "SA-1843",
            )
