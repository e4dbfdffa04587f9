"""The way to a filer by ssh: paramiko, with the old algorithms that 7-Mode speaks and strict host keys."""

from __future__ import annotations

import getpass
import logging
import socket
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm

from snapall.config.secret import Secret
from snapall.site.excerpt import one_line
from snapall.site.filer import FilerReply, Hop, NoAnswer, NotSent, sendable
from snapall.site.prefetch import Prefetch
from snapall.site.sshkeys import RSA, HostKey, KnownHosts, host_key_of, name_in_file, ordered, proof_of, short_key
from snapall.site.tcp import Deadline, connect, open_socket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from snapall.config.settings import Filer

# What a current server takes first; the last of each is what Data ONTAP 7.3 documents (1024-bit RSA, 3DES in CBC
# mode, HMAC-SHA1 and -MD5) or, for the key exchange, what is assumed of it.
KEX = (
    "ecdh-sha2-nistp256",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group14-sha1",
    "diffie-hellman-group1-sha1",
)
CIPHERS = ("aes128-ctr", "aes256-ctr", "aes128-cbc", "3des-cbc")
MACS = ("hmac-sha2-256", "hmac-sha2-512", "hmac-sha1", "hmac-md5")

_SSH_PORT = 22
_QUICK = 5.0  # seconds for a connection that was begun ahead, and for its channel; then another one is opened
_CEILING = 1 << 20  # bytes of each stream; less than ssh's window of 2 MiB, so that one can be read after the other

# What paramiko raises, from its own thread too: a key or a cipher that cryptography refuses is among it.
_FAILURES = (paramiko.SSHException, OSError, EOFError, ValueError, UnsupportedAlgorithm)

# Whatever paramiko logs reaches us as an exception; without a handler it would also print tracebacks.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class _SshConnection:
    """A connection that we are logged in on."""

    sock: socket.socket
    transport: paramiko.Transport

    @property
    def usable(self) -> bool:
        return self.transport.is_authenticated()

    def close(self) -> None:
        self.transport.close()
        self.sock.close()


class Ssh:
    """One ssh connection for each command: a 7-Mode filer hangs up on whoever asks for more."""

    def __init__(self, settings: Filer, until: Callable[[float], Deadline] = Deadline) -> None:
        """Reads the key file once. Without a usable one `run` raises NotSent: VMs can be released all the same."""
        self._settings = settings
        self._until = until
        self._user = settings.user or getpass.getuser()
        self._proof = proof_of(settings)
        self._known = KnownHosts(settings)
        self.notes: tuple[tuple[str, str, str], ...] = ()  # warnings: text, remedy, code of each
        self._ahead: Prefetch[_SshConnection] = Prefetch(lambda: self._come_in(self._deadline()), settings.timeout)

    def command_line(self, command: str) -> str:
        """The command as a person would give it, `ssh snapall@filer1 snap create vmvol1 vmware_recent`."""
        port = "" if self._settings.port == _SSH_PORT else f" -p {self._settings.port}"
        return f"ssh{port} {self._user}@{self._settings.host} {command}"

    def preconnect(self) -> None:
        """Connect and log in for a later command: old algorithms take their time, and VMs may be held by then."""
        if not isinstance(self._proof, NotSent):
            self._ahead.open()

    def run(self, command: str) -> FilerReply:
        """Give the filer one command. Raises NotSent or NoAnswer."""
        request = sendable(command)
        if isinstance(self._proof, NotSent):
            raise self._proof
        deadline = self._deadline()
        with ExitStack() as stack:
            channel = self._prepared(stack, deadline) or self._channel(stack, self._come_in(deadline), deadline)
            heard = bytearray()
            try:
                return _execute(channel, request, heard)
            except _FAILURES as error:
                raise NoAnswer(
                    f"no complete answer by ssh from the filer {self._settings.host}: {self._reason(error, deadline)}",
                    hint="run `snap list` to see what happened",
                    output=heard.decode("utf-8", "replace"),
                    code="SA-4114",
                ) from error

    def _deadline(self) -> Deadline:
        return self._until(self._settings.timeout)

    def _prepared(self, stack: ExitStack, deadline: Deadline) -> paramiko.Channel | None:
        """A channel on a connection that was opened ahead, if the filer still has one for us."""
        connection = self._ahead.take(min(_QUICK, self._settings.timeout / 2))
        if connection is None:
            return None
        try:
            return self._channel(stack, connection, deadline, _QUICK)
        except NotSent:
            connection.close()  # at once: the filer may have few sessions
            return None

    def _channel(
        self, stack: ExitStack, connection: _SshConnection, deadline: Deadline, patience: float | None = None
    ) -> paramiko.Channel:
        stack.callback(connection.close)
        stack.enter_context(deadline.watch(connection.sock))
        try:
            return connection.transport.open_session(timeout=patience or self._settings.timeout)
        except _FAILURES as error:
            raise self._not_sent(error, deadline) from error

    def _connect(self, deadline: Deadline) -> socket.socket:
        hint = "check its `host` and `port`, the network, and `secureadmin status` on the filer"
        return connect(self._settings.host, self._settings.port, lambda kind, to: open_socket(kind, to, deadline), hint)

    def greet(self) -> HostKey:
        """Connect, agree, check the host key and log in, and give no command. Raises NotSent: its `hop` says where."""
        with closing(self._come_in(self._deadline())) as connection:
            return host_key_of(self._settings, connection.transport.get_remote_server_key())

    def host_key(self) -> HostKey:
        """The key that the filer shows; whether it is the right one is for others to judge. Raises NotSent."""
        with self._connected(self._deadline()) as (stack, connection):
            transport = self._agreed(stack, connection, paramiko.HostKeys())
            return host_key_of(self._settings, transport.get_remote_server_key())

    @contextmanager
    def _connected(self, deadline: Deadline) -> Iterator[tuple[ExitStack, socket.socket]]:
        """A connection under a deadline; what fails on it is told as NotSent."""
        with ExitStack() as stack:
            connection = stack.enter_context(closing(self._connect(deadline)))
            with deadline.watch(connection):
                try:
                    yield stack, connection
                except _FAILURES as error:
                    raise self._not_sent(error, deadline) from error

    def _come_in(self, deadline: Deadline) -> _SshConnection:
        """Connect, agree, check the host key and log in. Raises NotSent."""
        known = self._known.read()
        with self._connected(deadline) as (stack, connection):
            transport = self._agreed(stack, connection, known)
            self._known.verify(known, transport.get_remote_server_key())
            shown = host_key_of(self._settings, transport.get_remote_server_key())
            self.notes = (short_key(self._settings.host, shown),) if shown.too_short else ()
            if isinstance(self._proof, NotSent):
                raise self._proof
            self._log_in(transport, self._proof)
            stack.pop_all()  # from now on it is the caller's to close
            return _SshConnection(connection, transport)

    def _agreed(self, stack: ExitStack, connection: socket.socket, known: paramiko.HostKeys) -> paramiko.Transport:
        """Agree on algorithms: the key exchange is done, and nothing secret was said."""
        transport = paramiko.Transport(connection)
        stack.callback(transport.close)
        options = transport.get_security_options()
        options.kex, options.ciphers, options.digests = KEX, CIPHERS, MACS
        options.key_types = ordered(known.lookup(name_in_file(self._settings)))
        limit = self._settings.timeout
        transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = limit
        transport.start_client()
        return transport

    def _log_in(self, transport: paramiko.Transport, proof: paramiko.RSAKey | Secret) -> None:
        """By one method only: an old server may hang up at a second try."""
        if transport.host_key_type == "ssh-rsa":
            # Nothing newer was offered, so this server knows signatures with SHA-1 alone.
            transport.disabled_algorithms = {"pubkeys": RSA[:-1]}
        match proof:
            case paramiko.RSAKey():
                transport.auth_publickey(self._user, proof)
            case Secret():
                transport.auth_password(self._user, proof.reveal(), fallback=False)
        if not transport.is_authenticated():
            raise paramiko.AuthenticationException("the filer asks for a second factor")

    def _not_sent(self, error: Exception, deadline: Deadline) -> NotSent:
        host, reason = self._settings.host, self._reason(error, deadline)
        match error:
            case paramiko.AuthenticationException():
                return NotSent(
                    f"the filer {host} refused the ssh login of {self._user}: {reason}",
                    hint="check `user` and `key_file` or `password`; on the filer, /etc/sshd/USER/.ssh/authorized_keys "
                    "must have the RSA key (a DSA key, often in authorized_keys2, cannot be used); the role needs "
                    "login-ssh and cli-snap*",
                    hop=Hop.LOGIN,
                    code="SA-4111",
                )
            case paramiko.ssh_exception.IncompatiblePeer():
                return NotSent(
                    f"the filer {host} and snapall have no ssh algorithm in common: {reason}",
                    hint="give it an RSA host key of 1024 bits or more: `secureadmin setup -f ssh`",
                    hop=Hop.ALGORITHMS,
                    code="SA-4112",
                )
            case _:
                return NotSent(
                    f"the ssh connection to the filer {host} failed before the command was sent: {reason}",
                    hint="check `host` and `port`, and `secureadmin status` on the filer",
                    hop=Hop.ALGORITHMS,
                    code="SA-4113",
                )

    def _reason(self, error: Exception, deadline: Deadline) -> str:
        if deadline.over:
            return f"timed out after {self._settings.timeout:g} s"
        return one_line(str(error)) or "the filer closed the connection"


def _execute(channel: paramiko.Channel, request: bytes, heard: bytearray) -> FilerReply:
    """Send it and read the whole answer; when that breaks off, `heard` has what came until then."""
    channel.exec_command(request)
    channel.shutdown_write()
    stdout = _drain(channel.recv, heard)
    stderr = _drain(channel.recv_stderr, heard)
    status = channel.recv_exit_status()
    if status == -1:
        raise EOFError("the filer closed the connection before the command ended")
    if status != 0 and not stdout.strip() and not stderr.strip():
        # Silence is success to a filer's client, so a failure must not be silent.
        raise EOFError(f"the command ended with exit status {status} and printed nothing")
    return FilerReply(stdout, stderr)


def _drain(receive: Callable[[int], bytes], heard: bytearray) -> str:
    data = b""
    while chunk := receive(1 << 16):
        data += chunk
        heard += chunk
        if len(data) > _CEILING:
            raise OSError("the answer is longer than 1 MiB")
    return data.decode("utf-8", "replace").replace("\r\n", "\n")
