"""A SQL Server 2000 as far as its login: it reads what FreeTDS sends, and refuses it (source: MS-TDS)."""

from __future__ import annotations

import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import Self

PRELOGIN, LOGIN7, REPLY = 0x12, 0x10, 0x04
NOT_SUPPORTED = 0x02


@dataclass
class TdsServer:
    """Listens on `port` until it is left, and keeps the passwords that it was sent."""

    passwords: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._login(connection)

    def _login(self, connection: socket.socket) -> None:
        while packet := _packet(connection):
            kind, body = packet
            if kind == PRELOGIN:
                options = b"\x00\x00\x0b\x00\x06" + b"\x01\x00\x11\x00\x01" + b"\xff"
                _answer(connection, options + b"\x08\x00\x07\xf7\x00\x00" + bytes([NOT_SUPPORTED]))
            elif kind == LOGIN7:
                self.passwords.append(_password(body))
                _answer(connection, _refusal())
                return


def _packet(connection: socket.socket) -> tuple[int, bytes] | None:
    body, last, kind = b"", False, 0
    while not last:
        head = _exactly(connection, 8)
        if head is None:
            return None
        kind, status, length = struct.unpack(">BBH", head[:4])
        part = _exactly(connection, length - 8)
        if part is None:
            return None
        body, last = body + part, bool(status & 1)
    return kind, body


def _exactly(connection: socket.socket, count: int) -> bytes | None:
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            return None
        data += part
    return data


def _answer(connection: socket.socket, body: bytes) -> None:
    connection.sendall(struct.pack(">BBHHBB", REPLY, 1, len(body) + 8, 0, 1, 0) + body)


def _password(login: bytes) -> str:
    """It is only obfuscated: each byte's halves are exchanged, then 0xA5 is put over them."""
    at, characters = struct.unpack("<HH", login[44:48])
    data = (one ^ 0xA5 for one in login[at : at + 2 * characters])
    return bytes((one << 4 | one >> 4) & 0xFF for one in data).decode("utf-16-le")


def _refusal() -> bytes:
    text = "Login failed for user 'vc_user'."
    body = struct.pack("<iBB", 18456, 1, 14) + struct.pack("<H", len(text)) + text.encode("utf-16-le")
    body += b"\x00\x00" + struct.pack("<H", 1)  # of no server, no procedure, line 1
    return b"\xaa" + struct.pack("<H", len(body)) + body + b"\xfd" + struct.pack("<HHi", 2, 0, 0)
