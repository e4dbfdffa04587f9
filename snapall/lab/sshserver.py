"""The filer's ssh service, with the algorithms of Data ONTAP 7-Mode only, on loopback."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED, OPEN_SUCCEEDED

from snapall.lab.filershell import Ending
from snapall.lab.listener import Listener

if TYPE_CHECKING:
    import socket

    from snapall.lab.filershell import FilerShell, ShellReply

LOG = "snapall.lab.ssh"
BANNER = "SSH-2.0-Data ONTAP SSH 1.0"

# Clients break connections all the time here, and faults are wanted: nobody needs the server's log.
logging.getLogger(LOG).addHandler(logging.NullHandler())
logging.getLogger(LOG).propagate = False


class FilerTransport(paramiko.Transport):
    """One connection, with the algorithms of the 7.3 guide, which lists no key exchange (filer.md, section 3).

    The class attributes are private ones of paramiko; `tests/lab` notices when they change.
    """

    _preferred_kex = ("diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1")
    _preferred_keys = ("ssh-rsa",)
    _preferred_pubkeys = ("ssh-rsa",)
    _preferred_ciphers = ("3des-cbc", "aes128-cbc")
    _preferred_macs = ("hmac-sha1",)

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(connection, server_sig_algs=False)
        self.set_log_channel(LOG)
        self.local_version = BANNER
        self.answering: threading.Thread | None = None
        self.answers: list[threading.Thread] = []

    def _send_user_message(self, data: Any) -> None:
        """Start the answer only after the command's acceptance was sent, or it might overtake that."""
        super()._send_user_message(data)  # type: ignore[misc]
        if threading.current_thread() is self and self.answering is not None:
            answering, self.answering = self.answering, None
            self.answers.append(answering)
            answering.start()


class LoginServer(paramiko.ServerInterface):
    """Who may log in, and what they may do: one command for each channel, no shell."""

    def __init__(self, server: SshServer, transport: FilerTransport, *, shut: bool) -> None:
        self._server = server
        self._transport = transport
        self._shut = shut
        self._settings = server.shell.world.settings
        self._done: set[int] = set()
        self.user = ""

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002
        """Password and public key, each if it is enabled."""
        methods = [("publickey", self._settings.ssh_publickey), ("password", self._settings.ssh_password)]
        return ",".join(name for name, allowed in methods if allowed)

    def check_auth_password(self, username: str, password: str) -> int:
        """The filer's own user."""
        known = (self._settings.filer_user, self._settings.filer_password)
        return self._judge(username, self._settings.ssh_password and (username, password) == known)

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        """A key in /etc/sshd/USER/.ssh/authorized_keys."""
        known = (self._settings.filer_user, self._settings.filer_key)
        return self._judge(username, self._settings.ssh_publickey and (username, key.get_base64()) == known)

    def _judge(self, user: str, known: bool) -> int:
        self.user = user
        return AUTH_SUCCESSFUL if known and not self._shut else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002
        """Sessions only."""
        allowed = kind == "session"
        return OPEN_SUCCEEDED if allowed else OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        """Do the channel's only command; the end of the connection refuses it."""
        if channel.get_id() in self._done:
            return False
        self._done.add(channel.get_id())
        reply = self._server.shell.answer(command.decode(errors="replace"), "ssh", self.user)
        if reply.ending is Ending.REFUSE:
            return False
        self._transport.answering = self._server.answering(self._transport, channel, reply)
        return True


class SshServer(Listener):
    """Listens until it is closed."""

    def __init__(self, shell: FilerShell, host_key: paramiko.PKey, port: int = 0) -> None:
        self.shell = shell
        self._host_key = host_key
        super().__init__(port)

    def serve(self, connection: socket.socket) -> None:
        """Serve one connection to its end."""
        greeting = self.shell.login("ssh")
        if not self.pause(greeting.wait) or greeting.ending is not Ending.ANSWER:
            return
        transport = FilerTransport(connection)
        transport.add_server_key(self._host_key)
        transport.start_server(threading.Event(), LoginServer(self, transport, shut=bool(greeting.stderr)))
        while transport.is_active() and not self.stopping.is_set():
            transport.join(0.05)
        transport.close()
        for thread in (transport, *transport.answers):
            thread.join()

    def answering(self, transport: FilerTransport, channel: paramiko.Channel, reply: ShellReply) -> threading.Thread:
        """A thread that sends the answer. The filer's exit status is always 0 (filer.md, section 3)."""

        def send() -> None:
            goes_on = self.pause(reply.wait)
            try:
                if goes_on:
                    channel.sendall(reply.stdout.encode())
                    channel.sendall_stderr(reply.stderr.encode())
                if goes_on and reply.ending is Ending.ANSWER:
                    channel.send_exit_status(0)
                    channel.close()
                else:
                    transport.close()
            except (OSError, EOFError, paramiko.SSHException):
                transport.close()  # the client left first

        return threading.Thread(target=send, name="lab-ssh-answer", daemon=True)
