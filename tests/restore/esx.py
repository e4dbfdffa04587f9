"""Service consoles of ESX hosts, as far as the vmx copies see them: sshd with SFTP, and files that are data.

Each console has an address of the loopback network and the port of the others, as real hosts have.
"""

from __future__ import annotations

import errno
import socket
import stat
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED
from paramiko.sftp import SFTP_OK

USER, PASSWORD = "vmx", "hunter2"
VM_FOLDER = "/vmfs/volumes/vmvol1_vmfs"


@dataclass
class File:
    """A file of a console. `size`: what a listing says, if it is not the truth. `fail`: what opening answers."""

    data: bytes = b""
    mode: int = stat.S_IFREG | 0o600
    size: int | None = None
    fail: int = SFTP_OK
    on_read: Callable[[], object] = lambda: None
    endless: bool = False


@dataclass
class Esx:
    """One host's console. `opened`: the paths that were opened, `logins`: how many there were."""

    address: str
    key: paramiko.RSAKey
    port: int = 0
    files: dict[str, File] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)
    logins: int = 0
    sftp: bool = True

    def __post_init__(self) -> None:
        """Listen."""
        self._socket = socket.create_server((self.address, self.port))
        self.port = self._socket.getsockname()[1]
        self._transports: list[paramiko.Transport] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def vm(self, name: str, **more: File) -> None:
        """Put a VM's usual files there, and those that must never be copied."""
        texts = {f"{name}.{kind}": File(f"{kind} of {name}\n".encode()) for kind in ("vmx", "vmxf", "vmsd", "nvram")}
        texts[f"{name}.vmdk"] = File(b"# Disk DescriptorFile\nversion=1\n")
        data = {f"{name}{end}": File(b"\0" * 64) for end in ("-flat.vmdk", "-rdm.vmdk", "-rdmp.vmdk", ".vswp")}
        data["vmware.log"] = File(b"log")
        for file, content in (texts | data | more).items():
            self.files[f"{VM_FOLDER}/{name}/{file}"] = content

    @property
    def known_host(self) -> str:
        """Its line in known_hosts."""
        return f"[{self.address}]:{self.port} ssh-rsa {self.key.get_base64()}\n"

    def close(self) -> None:
        """End it, and its connections."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for transport in self._transports:
            transport.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                transport = paramiko.Transport(connection)
                self._transports.append(transport)
                transport.set_log_channel("tests.esx")
                transport.add_server_key(self.key)
                if self.sftp:
                    transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, self)
                with suppress(Exception):
                    transport.start_server(threading.Event(), _Login(self))


class _Login(paramiko.ServerInterface):
    def __init__(self, esx: Esx) -> None:
        self.esx = esx

    def check_auth_password(self, username: str, password: str) -> int:
        self.esx.logins += 1
        return AUTH_SUCCESSFUL if (username, password) == (USER, PASSWORD) else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED


class _Files(paramiko.SFTPServerInterface):
    def __init__(self, server: paramiko.ServerInterface, esx: Esx, *more: Any) -> None:
        super().__init__(server, *more)
        self._esx = esx

    def list_folder(self, path: str) -> Any:
        inside = {one[len(path) + 1 :]: file for one, file in self._esx.files.items() if one.startswith(f"{path}/")}
        return [_about(name, file) for name, file in inside.items()] or _error(errno.ENOENT)

    def open(self, path: str, flags: int, attr: Any) -> Any:
        self._esx.opened.append(path)
        file = self._esx.files.get(path)
        if file is None:
            return _error(errno.ENOENT)
        return file.fail or _Handle(file)


class _Handle(paramiko.SFTPHandle):
    def __init__(self, file: File) -> None:
        super().__init__()
        self._file = file

    def read(self, offset: int, length: int) -> bytes | int:
        self._file.on_read()
        if self._file.endless:
            return self._file.data[:1] * length
        return self._file.data[offset : offset + length]


def _about(name: str, file: File) -> paramiko.SFTPAttributes:
    about = paramiko.SFTPAttributes()
    about.filename = name
    about.st_mode, about.st_size = file.mode, len(file.data) if file.size is None else file.size
    return about


def _error(number: int) -> int:
    return int(paramiko.SFTPServer.convert_errno(number))


def texts(name: str) -> Mapping[str, bytes]:
    """What a whole copy of a VM holds."""
    found = {f"{name}.{kind}": f"{kind} of {name}\n".encode() for kind in ("vmx", "vmxf", "vmsd", "nvram")}
    return found | {f"{name}.vmdk": b"# Disk DescriptorFile\nversion=1\n"}
