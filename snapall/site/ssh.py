"""The way to a filer by ssh: paramiko, with the old algorithms that 7-Mode speaks and strict host keys."""

from __future__ import annotations

import getpass
import logging
import socket
import time
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm

from snapall.config import Secret
from snapall.escaping import printable
from snapall.site.ahead import Ahead
from snapall.site.filer import NoAnswer, NotSent, Reply, sendable
from snapall.site.said import one_line
from snapall.site.wire import connect, open_socket, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from snapall.config import Filer

# What a current server takes first; the last of each is what Data ONTAP 7.3 documents (1024-bit RSA, 3DES in CBC
# mode, HMAC-SHA1 and -MD5) or, for the key exchange, what is assumed of it.
KEX = (
    "ecdh-sha2-nistp256",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group14-sha1",
    "diffie-hellman-group1-sha1",
)
HOST_KEYS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")
CIPHERS = ("aes128-ctr", "aes256-ctr", "aes128-cbc", "3des-cbc")
MACS = ("hmac-sha2-256", "hmac-sha2-512", "hmac-sha1", "hmac-md5")

_SSH_PORT = 22
_QUICK = 5.0  # seconds for the channel of a connection that stands already; without it, another one is opened
_CEILING = 1 << 20  # bytes of each stream; less than ssh's window of 2 MiB, so that one can be read after the other
_RSA = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")

# What paramiko raises, from its own thread too: a key or a cipher that cryptography refuses is among it.
_FAILURES = (paramiko.SSHException, OSError, EOFError, ValueError, UnsupportedAlgorithm)

# Whatever paramiko logs reaches us as an exception; without a handler it would also print tracebacks.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class _Way:
    """A connection that we are logged in on."""

    connection: socket.socket
    transport: paramiko.Transport

    @property
    def usable(self) -> bool:
        return self.transport.is_authenticated()

    def close(self) -> None:
        self.transport.close()
        self.connection.close()


class Ssh:
    """One ssh connection for each command: a 7-Mode filer hangs up on whoever asks for more."""

    def __init__(self, settings: Filer) -> None:
        """Reads the key file once. Without a usable one `run` raises NotSent: VMs can be released all the same.

        known_hosts is read anew for each command, and may vanish: then what it once said holds.
        """
        self._settings = settings
        self._user = settings.user or getpass.getuser()
        self._proof = _proof(settings)
        self._known_hosts = settings.known_hosts or Path("~/.ssh/known_hosts").expanduser()
        self._once_known: paramiko.HostKeys | None = None
        with suppress(NotSent):
            self._once_known = self._read_known()
        self._ahead: Ahead[_Way] = Ahead(lambda: self._come_in(self._deadline()), settings.timeout)

    def command_line(self, command: str) -> str:
        """The command as a person would give it, `ssh snapall@filer1 snap create vmvol1 vmware_recent`."""
        port = "" if self._settings.port == _SSH_PORT else f" -p {self._settings.port}"
        return f"ssh{port} {self._user}@{self._settings.host} {command}"

    def approach(self) -> None:
        """Connect and log in for a later command: old algorithms take their time, and VMs may be held by then."""
        self._ahead.open()

    def run(self, command: str) -> Reply:
        """Give the filer one command. Raises NotSent or NoAnswer."""
        request = sendable(command)
        deadline = self._deadline()
        with ExitStack() as stack:
            channel = self._prepared(stack, deadline) or self._channel(stack, self._come_in(deadline), deadline)
            try:
                return _execute(channel, request)
            except _FAILURES as error:
                raise NoAnswer(
                    f"no whole answer by ssh from the filer {self._settings.host}: {self._reason(error, deadline)}",
                    hint="look with `snap list` what happened",
                ) from error

    def _deadline(self) -> float:
        return time.monotonic() + self._settings.timeout

    def _prepared(self, stack: ExitStack, deadline: float) -> paramiko.Channel | None:
        """A channel on a connection that was opened ahead, if the filer still has one for us."""
        way = self._ahead.take()
        if way is None:
            return None
        try:
            return self._channel(stack, way, deadline, _QUICK)
        except NotSent:
            way.close()  # at once: the filer may have few sessions
            return None

    def _channel(self, stack: ExitStack, way: _Way, deadline: float, patience: float | None = None) -> paramiko.Channel:
        stack.callback(way.close)
        stack.enter_context(watched(way.connection, deadline))
        try:
            return way.transport.open_session(timeout=patience or self._settings.timeout)
        except _FAILURES as error:
            raise self._not_sent(error, deadline) from error

    def _come_in(self, deadline: float) -> _Way:
        """Connect and log in. Raises NotSent."""
        if isinstance(self._proof, NotSent):
            raise self._proof
        known = self._known()
        with ExitStack() as undo:
            connection = undo.enter_context(closing(self._connect(deadline)))
            try:
                with watched(connection, deadline):
                    transport = self._enter(undo, connection, known, self._proof)
            except _FAILURES as error:
                raise self._not_sent(error, deadline) from error
            undo.pop_all()
        return _Way(connection, transport)

    def _known(self) -> paramiko.HostKeys:
        try:
            return self._read_known()
        except NotSent as error:
            if self._once_known is not None and isinstance(error.__cause__, FileNotFoundError):
                return self._once_known
            raise

    def _read_known(self) -> paramiko.HostKeys:
        try:
            return paramiko.HostKeys(str(self._known_hosts))
        except Exception as error:
            raise NotSent(
                f"the known_hosts file {self._known_hosts} cannot be read: {printable(str(error))}",
                hint="an empty file will do: the filer's line for it is told then",
            ) from error

    def _connect(self, deadline: float) -> socket.socket:
        hint = "check its `host` and `port`, the network, and `secureadmin status` on the filer"
        return connect(self._settings.host, self._settings.port, lambda kind, to: open_socket(kind, to, deadline), hint)

    def _enter(
        self, stack: ExitStack, connection: socket.socket, known: paramiko.HostKeys, proof: paramiko.RSAKey | Secret
    ) -> paramiko.Transport:
        """Agree on algorithms, check the host key, and log in."""
        transport = paramiko.Transport(connection)
        stack.callback(transport.close)
        options = transport.get_security_options()
        options.kex, options.ciphers, options.digests = KEX, CIPHERS, MACS
        options.key_types = _ordered(known.lookup(self._host_in_file()))
        limit = self._settings.timeout
        transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = limit
        transport.start_client()
        self._verify(known, transport.get_remote_server_key())
        self._log_in(transport, proof)
        return transport

    def _verify(self, known: paramiko.HostKeys, key: paramiko.PKey) -> None:
        """The host key must be the known one, before anything secret is said."""
        name = self._host_in_file()
        if known.check(name, key):
            return
        if known.lookup(name) is None:
            raise NotSent(
                f"the host key of the filer {self._settings.host} ({key.get_name()} {key.fingerprint}) is not known",
                hint="compare this with the filer's own key over a way that you trust, and " + self._add_the_line(key),
            )
        raise NotSent(
            f"THE HOST KEY OF THE FILER {self._settings.host} HAS CHANGED: it shows {key.get_name()} "
            f"{key.fingerprint}, which is not the one in {self._known_hosts}; nothing was sent",
            hint="somebody may listen in. Ask whoever runs the filer whether its keys were made anew or its partner "
            f"took over; only then take the old line out, and {self._add_the_line(key)}",
        )

    def _log_in(self, transport: paramiko.Transport, proof: paramiko.RSAKey | Secret) -> None:
        """By one method only: an old server may hang up at a second try."""
        if transport.host_key_type == "ssh-rsa":
            # Nothing newer was offered, so this server knows signatures with SHA-1 alone.
            transport.disabled_algorithms = {"pubkeys": _RSA[:-1]}
        match proof:
            case paramiko.RSAKey():
                transport.auth_publickey(self._user, proof)
            case Secret():
                transport.auth_password(self._user, proof.reveal(), fallback=False)
        if not transport.is_authenticated():
            raise paramiko.AuthenticationException("the filer wants a second proof")

    def _not_sent(self, error: Exception, deadline: float) -> NotSent:
        host, reason = self._settings.host, self._reason(error, deadline)
        match error:
            case paramiko.AuthenticationException():
                return NotSent(
                    f"the filer {host} did not let {self._user} in by ssh: {reason}",
                    hint="check `user` and `key_file` or `password`; on the filer, /etc/sshd/USER/.ssh/authorized_keys "
                    "and a role with login-ssh and cli-snap*",
                )
            case paramiko.ssh_exception.IncompatiblePeer():
                return NotSent(
                    f"the filer {host} and snapall have no ssh algorithm in common: {reason}",
                    hint="give it an RSA host key of 1024 bits or more: `secureadmin setup -f ssh`",
                )
            case _:
                return NotSent(
                    f"ssh with the filer {host} failed before the command was sent: {reason}",
                    hint="check `host` and `port`, and `secureadmin status` on the filer",
                )

    def _reason(self, error: Exception, deadline: float) -> str:
        if time.monotonic() >= deadline:
            return f"its time of {self._settings.timeout:g} s is over"
        return one_line(str(error)) or "it hung up"

    def _host_in_file(self) -> str:
        host, port = self._settings.host, self._settings.port
        return host if port == _SSH_PORT else f"[{host}]:{port}"

    def _add_the_line(self, key: paramiko.PKey) -> str:
        """Today's ssh-keyscan offers nothing that a 7-Mode filer speaks, and would come back without a key."""
        return f"add this line to {self._known_hosts}: {self._host_in_file()} {key.get_name()} {key.get_base64()}"


def _proof(settings: Filer) -> paramiko.RSAKey | Secret | NotSent:
    """What we log in with, or why we cannot. The key is loaded as RSA alone: guesses would hide the true fault."""
    if settings.key_file is None:
        return settings.password or NotSent(
            f"[filers.{settings.name}]: ssh needs a key_file or a password",
            hint="make a key with `ssh-keygen -t rsa -m PEM`, and put its .pub line on the filer",
        )
    try:
        return paramiko.RSAKey.from_private_key_file(str(settings.key_file))
    except (paramiko.SSHException, OSError, ValueError) as error:
        return NotSent(
            f"the key file {settings.key_file} cannot be used: {printable(str(error))}",
            hint="it must be a private RSA key without a passphrase, as `ssh-keygen -t rsa -m PEM` makes it",
        )


def _ordered(known: Collection[str] | None) -> tuple[str, ...]:
    """The host key algorithms, those of the known keys first, so that the server shows one that can be checked."""
    kinds = set(known or ())
    if "ssh-rsa" in kinds:
        kinds.update(_RSA)
    return tuple(sorted(HOST_KEYS, key=lambda kind: kind not in kinds))


def _execute(channel: paramiko.Channel, request: bytes) -> Reply:
    channel.exec_command(request)
    channel.shutdown_write()
    stdout = _drain(channel.recv)
    stderr = _drain(channel.recv_stderr)
    status = channel.recv_exit_status()
    if status == -1:
        raise EOFError("it hung up before the command ended")
    if status != 0 and not stdout.strip() and not stderr.strip():
        # Silence is success to a filer's client, so a failure must not be silent.
        raise EOFError(f"the command ended with exit status {status} and said nothing")
    return Reply(stdout, stderr)


def _drain(receive: Callable[[int], bytes]) -> str:
    data = b""
    while chunk := receive(1 << 16):
        data += chunk
        if len(data) > _CEILING:
            raise OSError("the answer is longer than 1 MiB")
    return data.decode("utf-8", "replace").replace("\r\n", "\n")
