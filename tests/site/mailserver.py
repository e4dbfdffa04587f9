"""A mail server for the tests: SMTP over sockets, with STARTTLS and logins, that fails where it is told to.

The standard library has had none since Python 3.12.
"""

from __future__ import annotations

import base64
import datetime
import email
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

HANG, DROP = "hang", "drop"


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that was accepted."""

    sender: str
    to: tuple[str, ...]
    raw: bytes
    encrypted: bool
    user: str

    @property
    def message(self) -> EmailMessage:
        found = email.message_from_bytes(self.raw, policy=SMTP)
        assert isinstance(found, EmailMessage)
        return found

    @property
    def text(self) -> str:
        return str(self.message.get_content()).replace("\r\n", "\n")


@dataclass
class Behaviour:
    """What the server offers, and what it does instead of answering: HANG, DROP, or a reply, by verb."""

    context: ssl.SSLContext | None = None
    implicit: bool = False  # encrypted from the first byte
    login: tuple[str, str] | None = None
    faults: Mapping[str, str] = field(default_factory=dict)
    look: Callable[[], object] = lambda: None  # called at each connection
    looks: list[object] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    port: int = 0


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    closing: threading.Event
    behaviour: Behaviour


class _Session(socketserver.StreamRequestHandler):
    """One connection."""

    server: _Server
    encrypted = False
    user = ""
    sender = ""
    to: tuple[str, ...] = ()

    def handle(self) -> None:
        behaviour = self.server.behaviour
        behaviour.looks.append(behaviour.look())
        with suppress(OSError, ConnectionAbortedError):
            if behaviour.implicit:
                self._encrypt()
            if self._fails("CONNECT"):
                return
            self._say("220 mail.example.edu ESMTP")
            while line := self.rfile.readline():
                words = line.decode().split()
                verb = words[0].upper() if words else ""
                if verb == "QUIT":
                    self._say("221 bye")
                    return
                if not self._fails(verb):
                    self._answer(verb, words, line.decode())

    def _fails(self, verb: str) -> bool:
        match self.server.behaviour.faults.get(verb):
            case None:
                return False
            case "hang":
                self.server.closing.wait()
                raise ConnectionAbortedError
            case "drop":
                raise ConnectionAbortedError
            case str(reply):
                self._say(reply)
        return True

    def _answer(self, verb: str, words: list[str], line: str) -> None:
        behaviour = self.server.behaviour
        match verb:
            case "EHLO" | "HELO":
                offers = ["mail.example.edu"]
                offers += ["STARTTLS"] if behaviour.context is not None and not self.encrypted else []
                offers += ["AUTH PLAIN"] if behaviour.login is not None else []
                for one in offers[:-1]:
                    self._say(f"250-{one}")
                self._say(f"250 {offers[-1]}")
            case "STARTTLS":
                self._say("220 go ahead")
                self._encrypt()
            case "AUTH":
                _, user, password = base64.b64decode(words[2]).decode().split("\0")
                right = (user, password) == behaviour.login
                self.user = user if right else ""
                self._say("235 welcome" if right else f"535 no such login: {words[2]} {password}")
            case "MAIL":
                self.sender = line.partition("<")[2].partition(">")[0]
                self._say("250 ok")
            case "RCPT":
                name = line.partition("<")[2].partition(">")[0]
                if reply := behaviour.faults.get(name):
                    self._say(reply)
                else:
                    self.to = (*self.to, name)
                    self._say("250 ok")
            case "DATA":
                self._say("354 go on")
                self._take()
            case _:
                self._say("250 ok")

    def _take(self) -> None:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            assert line, "the client has gone"
            lines.append(line.removeprefix(b"."))
        if not self._fails("."):
            self.server.behaviour.letters.append(
                Letter(self.sender, self.to, b"".join(lines), self.encrypted, self.user)
            )
            self._say("250 accepted")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
        self.wfile.flush()

    def _encrypt(self) -> None:
        context = self.server.behaviour.context
        assert context is not None
        self.request = self.connection = context.wrap_socket(self.request, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb")
        self.encrypted = True

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        with suppress(OSError):
            self.request.close()


@contextmanager
def mail_server(behaviour: Behaviour | None = None) -> Iterator[Behaviour]:
    """A mail server at 127.0.0.1, at the port of the behaviour."""
    behaviour = Behaviour() if behaviour is None else behaviour
    with _Server(("127.0.0.1", 0), _Session) as server:
        server.closing, server.behaviour = threading.Event(), behaviour
        behaviour.port = server.server_address[1]
        serving = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        serving.start()
        try:
            yield behaviour
        finally:
            server.closing.set()
            server.shutdown()
            serving.join()


def certified(folder: Path, name: str = "localhost", *, signed: bool = False) -> tuple[ssl.SSLContext, Path]:
    """A context for a server of this name, and the certificate to trust: its own, or that of whoever signed it.

    As on old servers, the signed one has none of the key identifiers that RFC 5280 demands.
    """
    key = rsa.generate_private_key(65537, 2048)
    certificate, secret = folder / f"{name}.pem", folder / f"{name}.key"
    authority = rsa.generate_private_key(65537, 2048) if signed else key
    _write(certificate, _certificate(name, key, "An authority" if signed else name, authority))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, secret)
    if not signed:
        return context, certificate
    _write(folder / "authority.pem", _certificate("An authority", authority, "An authority", authority))
    return context, folder / "authority.pem"


def _certificate(name: str, key: rsa.RSAPrivateKey, issuer: str, by: rsa.RSAPrivateKey) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name.replace(" ", "-"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=key is by, path_length=None), critical=True)
        .sign(by, hashes.SHA256())
    )


def _write(path: Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
