"""The way to a filer by ssh: paramiko, with the old algorithms that 7-Mode speaks and strict host keys."""

from __future__ import annotations

import getpass
import logging
import socket
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import paramiko

from snapall.config.algorithms import OLD, offered
from snapall.config.secret import Secret
from snapall.errors import reason_of
from snapall.escaping import shell_word
from snapall.site.excerpt import one_line
from snapall.site.filer import FilerReply, Hop, NoAnswer, NotSent, sendable
from snapall.site.knownhosts import HostKeys
from snapall.site.masking import Mask
from snapall.site.prefetch import Prefetch
from snapall.site.sshkeys import RSA, HostKey, KnownHosts, host_key_of, ordered, proof_of, short_key
from snapall.site.tcp import BoundedSocket, Deadline, connect, open_socket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from snapall.config.settings import Filer

_SSH_PORT = 22
_QUICK = 5.0  # seconds for a connection that was begun ahead, and for its channel; then another one is opened
_STRANGER = 256 << 10  # bytes that are taken from somebody whose host key is not verified; a handshake is far smaller
_CEILING = 1 << 20  # bytes of each stream; less than ssh's window of 2 MiB, so that one can be read after the other

# What paramiko raises, from its own thread too: a packet that makes no sense may end that in any way.
_FAILURES = (Exception,)

# Whatever paramiko logs reaches us as an exception; without a handler it would also print tracebacks.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class _Transport(paramiko.Transport):
    """One that remembers its key exchange, which paramiko forgets once it is done."""

    key_exchange = ""
    _engine: Any = None

    @property
    def kex_engine(self) -> Any:
        """What paramiko sets while keys are exchanged."""
        return self._engine

    @kex_engine.setter
    def kex_engine(self, engine: Any) -> None:
        self._engine = engine
        self.key_exchange = getattr(engine, "name", self.key_exchange)


@dataclass(frozen=True, slots=True)
class SshConnection:
    """A connection that we are logged in on."""

    sock: BoundedSocket
    transport: paramiko.Transport

    @property
    def usable(self) -> bool:
        """Whether it is still there."""
        return self.transport.is_authenticated()

    def close(self) -> None:
        """End it."""
        self.transport.close()
        self.sock.close()


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a filer and we agreed on, without a command."""

    host_key: HostKey
    algorithms: tuple[str, ...]

    @property
    def label(self) -> str:
        """The algorithms as they are shown to a person."""
        old = [name for name in self.algorithms if name in OLD]
        return ", ".join(self.algorithms) + (f"; old: {', '.join(old)}" if old else "")


class Ssh:
    """One ssh connection for each command: a 7-Mode filer hangs up on whoever asks for more."""

    def __init__(self, settings: Filer, until: Callable[[float], Deadline] = Deadline) -> None:
        """Reads the key file once. Without a usable one `run` raises NotSent: VMs can be released all the same."""
        self._settings = settings
        self._until = until
        self._user = settings.user or getpass.getuser()
        self._mask = Mask(settings.password)
        self._proof = proof_of(settings)
        self._known = KnownHosts(settings)
        self._algorithms = offered(settings.ssh_algorithms)
        self.notes: tuple[tuple[str, str, str], ...] = ()  # warnings: text, remedy, code of each
        self._ahead: Prefetch[SshConnection] = Prefetch(lambda: self._come_in(self._deadline()), settings.timeout)

    def command_line(self, command: str) -> str:
        """The command as a person would give it, `ssh snapall@filer1 snap create vmvol1 vmware_recent`."""
        port = "" if self._settings.port == _SSH_PORT else f" -p {self._settings.port}"
        return f"ssh{port} {shell_word(f'{self._user}@{self._settings.host}')} {command}"

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
                return replace(_execute(channel, request, heard), mask=self._mask)
            except _FAILURES as error:
                raise NoAnswer(
                    f"no complete answer by ssh from {self._settings.label}: {self._reason(error, deadline)}",
                    hint="run `snap list` to see what happened",
                    output=self._mask.broken_off(heard.decode("utf-8", "replace")),
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
        self, stack: ExitStack, connection: SshConnection, deadline: Deadline, patience: float | None = None
    ) -> paramiko.Channel:
        stack.callback(connection.close)
        stack.enter_context(deadline.watch(connection.sock))
        try:
            return connection.transport.open_session(timeout=patience or self._settings.timeout)
        except _FAILURES as error:
            raise self._not_sent(error, deadline) from error

    def _connect(self, deadline: Deadline) -> BoundedSocket:
        hint = "check its `host` and `port`, the network, and `secureadmin status` on the filer"
        host, port = self._settings.host, self._settings.port
        return BoundedSocket(connect(host, port, lambda kind, to: open_socket(kind, to, deadline), hint), _STRANGER)

    def open(self, deadline: Deadline) -> SshConnection:
        """A connection that is logged in, for whoever speaks another protocol on it, and closes it. Raises NotSent."""
        return self._come_in(deadline)

    def greet(self) -> Greeting:
        """Connect, agree, check the host key and log in, and give no command. Raises NotSent: its `hop` says where."""
        with closing(self._come_in(self._deadline())) as connection:
            key = host_key_of(self._settings, connection.transport.get_remote_server_key())
            return Greeting(key, _agreed_on(connection.transport))

    def host_key(self) -> HostKey:
        """The key that the filer shows; whether it is the right one is for others to judge. Raises NotSent."""
        with self._connected(self._deadline()) as (stack, connection):
            transport = self._agreed(stack, connection, HostKeys(""))
            return host_key_of(self._settings, transport.get_remote_server_key())

    @contextmanager
    def _connected(self, deadline: Deadline) -> Iterator[tuple[ExitStack, BoundedSocket]]:
        """A connection under a deadline; what fails on it is told as NotSent."""
        with ExitStack() as stack:
            connection = stack.enter_context(closing(self._connect(deadline)))
            with deadline.watch(connection):
                try:
                    yield stack, connection
                except NotSent:
                    raise
                except _FAILURES as error:
                    raise self._not_sent(error, deadline) from error

    def _come_in(self, deadline: Deadline) -> SshConnection:
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
            connection.allow(3 * _CEILING)  # both streams of an answer, and what packs them
            stack.pop_all()  # from now on it is the caller's to close
            return SshConnection(connection, transport)

    def _agreed(self, stack: ExitStack, connection: socket.socket, known: HostKeys) -> paramiko.Transport:
        """Agree on algorithms: the key exchange is done, and nothing secret was said."""
        transport = _Transport(connection)
        stack.callback(transport.close)
        options = transport.get_security_options()
        ours = self._algorithms
        options.kex, options.ciphers, options.digests = ours.key_exchanges, ours.ciphers, ours.macs
        options.key_types = ordered(ours.host_keys, known.kinds)
        limit = self._settings.timeout
        transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = limit
        transport.start_client()
        return transport

    def _log_in(self, transport: paramiko.Transport, proof: paramiko.RSAKey | Secret) -> None:
        """By one method only: an old server may hang up at a second try."""
        if transport.host_key_type == "ssh-rsa":
            # Nothing newer was offered, so this server knows signatures with SHA-1 alone.
            transport.disabled_algorithms = {"pubkeys": RSA[:-1]}
        elif "ssh-rsa" not in self._algorithms.host_keys:
            transport.disabled_algorithms = {"pubkeys": RSA[-1:]}
        match proof:
            case paramiko.RSAKey():
                transport.auth_publickey(self._user, proof)
            case Secret():
                transport.auth_password(self._user, proof.reveal(), fallback=False)
        if not transport.is_authenticated():
            raise paramiko.AuthenticationException("the filer asks for a second factor")

    def _not_sent(self, error: Exception, deadline: Deadline) -> NotSent:
        filer, reason = self._settings.label, self._reason(error, deadline)
        match error:
            case paramiko.AuthenticationException():
                return NotSent(
                    f"{filer} refused the ssh login of {self._user}: {reason}",
                    hint="check `user` and `key_file` or `password`; on the filer, /etc/sshd/USER/.ssh/authorized_keys "
                    "must have the RSA key (a DSA key, often in authorized_keys2, cannot be used); the role needs "
                    "login-ssh and cli-snap*",
                    hop=Hop.LOGIN,
                    code="SA-4111",
                )
            case paramiko.ssh_exception.IncompatiblePeer() if self._settings.ssh_algorithms != "any":
                return NotSent(
                    f"{filer} has no ssh algorithm that [filers.{self._settings.name}] allows: {reason}",
                    hint='leave out `ssh_algorithms` in the configuration, or set it to "any": old algorithms are then '
                    "used where the filer has nothing better",
                    hop=Hop.ALGORITHMS,
                    code="SA-4121",
                )
            case paramiko.ssh_exception.IncompatiblePeer():
                return NotSent(
                    f"{filer} and snapall have no ssh algorithm in common: {reason}",
                    hint="give it an RSA host key of 1024 bits or more: `secureadmin setup -f ssh`",
                    hop=Hop.ALGORITHMS,
                    code="SA-4112",
                )
            case _:
                return NotSent(
                    f"the ssh connection to {filer} failed before the command was sent: {reason}",
                    hint="check `host` and `port`, and `secureadmin status` on the filer",
                    hop=Hop.ALGORITHMS,
                    code="SA-4113",
                )

    def _reason(self, error: Exception, deadline: Deadline) -> str:
        if deadline.over:
            return f"timed out after {self._settings.timeout:g} s"
        return one_line(reason_of(error) if str(error) else "") or "the filer closed the connection"


def _agreed_on(transport: paramiko.Transport) -> tuple[str, ...]:
    """The algorithms of a connection, in the order of their kinds; those of both directions if they differ."""
    known = ("key_exchange", "host_key_type", "local_cipher", "remote_cipher", "local_mac", "remote_mac")
    return tuple(dict.fromkeys(filter(None, (getattr(transport, name) for name in known))))


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
