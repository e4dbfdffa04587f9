"""The whole lab: a world in a folder, its filer at a port, its secrets, its snapall.toml."""

from __future__ import annotations

import hashlib
import io
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import paramiko

from snapall.backup.outfile import create, replace_content
from snapall.lab.config_file import configuration, database_url, misfits
from snapall.lab.filershell import FilerShell
from snapall.lab.listener import HOST, TICK
from snapall.lab.rshserver import RshServer
from snapall.lab.sites import SiteSpec, build, paper
from snapall.lab.sshserver import SshServer
from snapall.lab.world import World

Keys = tuple[paramiko.RSAKey, paramiko.RSAKey]  # the filer's host key, and its user's


def new_keys() -> Keys:
    """Generate keys as a filer of 2007 has them, in about a tenth of a second."""
    return paramiko.RSAKey.generate(1024), paramiko.RSAKey.generate(2048)


class Lab:
    """A lab in a folder, up from `start` to `close` or to the end of the `with` block; the folder stays."""

    def __init__(self, directory: Path | str) -> None:
        """Open one that exists. Raises SnapallError when there is none."""
        self.world = World(directory)
        self.directory = self.world.directory
        self.config = self.directory / "snapall.toml"
        self.port = 0
        self.edited = False  # whether snapall.toml is somebody's own, so that `start` left it alone
        self.misfits: tuple[str, ...] = ()  # what an edited one needs to fit the lab
        self._up = ExitStack()

    @classmethod
    def create(cls, directory: Path | str, site: SiteSpec | None = None, keys: Keys | None = None) -> Lab:
        """Create a new one, by default of the paper's site and with keys of its own."""
        directory = Path(directory).resolve()
        database_url(directory)
        build(directory, paper() if site is None else site).close()
        lab = cls(directory)
        host, user = keys or new_keys()
        for name, key in (("host_rsa", host), ("id_rsa", user)):
            text = io.StringIO()
            key.write_private_key(text)
            create(lab.directory / name, text.getvalue().encode(), 0o600)
        lab.world.set(filer_key=user.get_base64())
        settings = lab.world.settings
        for name, secret in (("vc.secret", settings.vc_password), ("filer.secret", settings.filer_password)):
            create(lab.directory / name, f"{secret}\n".encode(), 0o600)
        return lab

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(
        self,
        transport: Literal["ssh", "rsh"] = "ssh",
        *,
        parallel: int = 4,
        order: Literal["safe", "paper"] = "safe",
        extra: str = "",
    ) -> Path:
        """Start the filer, at its former port if that is free, and write snapall.toml; its path.

        One that was edited stays as it is; `misfits` has the lines that it needs.
        `extra` is added to the end of the file: more keys of the job, then tables of their own.
        """
        self.stop()
        settings = self.world.settings
        shell = FilerShell(self.world)
        server: SshServer | RshServer
        if transport == "ssh":
            host_key = paramiko.RSAKey(filename=str(self.directory / "host_rsa"))
            server = SshServer(shell, host_key, settings.port)
            line = f"[{HOST}]:{server.port} {host_key.get_name()} {host_key.get_base64()}\n"
            replace_content(self.directory / "known_hosts", line.encode(), 0o644)
        else:
            server = RshServer(shell, settings.port)
        self._up.callback(server.close)
        self.port = server.port
        self.world.set(port=server.port)
        self._work()
        text = configuration(
            self.directory, settings, transport=transport, port=server.port, parallel=parallel, order=order, extra=extra
        )
        self._write(text)
        return self.config

    def _write(self, text: str) -> None:
        present = self.config.read_bytes() if self.config.exists() else None
        self.edited = present is not None and _digest(present) != self.world.settings.config_digest
        self.misfits = misfits(present, text) if present is not None and self.edited else ()
        if not self.edited:
            replace_content(self.config, text.encode(), 0o644)
            self.world.set(config_digest=_digest(self.config.read_bytes()))

    def stop(self) -> None:
        """Take the filer down: connections are refused. The world stays, and `start` brings the filer back."""
        self._up.close()

    def close(self) -> None:
        """Stop, and close the folder's files."""
        self.stop()
        self.world.close()

    def _work(self) -> None:
        """Let VirtualCenter and the filer finish deferred work, even if its caller has died."""
        stopping = threading.Event()

        def work() -> None:
            while not stopping.wait(TICK):
                if self.world.is_due():
                    self.world.catch_up()

        thread = threading.Thread(target=work, name="lab-at-work", daemon=True)
        thread.start()
        self._up.callback(thread.join)
        self._up.callback(stopping.set)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
