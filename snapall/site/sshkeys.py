"""The keys of ssh with a filer: what we log in with, what its host key is, and how known_hosts writes that."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import paramiko

from snapall.escaping import printable
from snapall.site.filer import Hop, NotSent

if TYPE_CHECKING:
    from snapall.settings import Filer, Secret

HOST_KEYS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")
RSA = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")

_SSH_PORT = 22


@dataclass(frozen=True, slots=True)
class HostKey:
    """The key that a filer shows. `line` is what known_hosts must have for it."""

    kind: str
    fingerprint: str  # SHA256, in base64, as OpenSSH shows it
    line: str

    @property
    def told(self) -> str:
        """As it is shown to a person."""
        return f"{self.kind} {self.fingerprint}"


def name_in_file(settings: Filer) -> str:
    """How known_hosts calls the filer."""
    return settings.host if settings.port == _SSH_PORT else f"[{settings.host}]:{settings.port}"


def shown(settings: Filer, key: paramiko.PKey) -> HostKey:
    """The key as a person compares it, and as known_hosts keeps it."""
    line = f"{name_in_file(settings)} {key.get_name()} {key.get_base64()}"
    return HostKey(key.get_name(), key.fingerprint, line)


def proof_of(settings: Filer) -> paramiko.RSAKey | Secret | NotSent:
    """What we log in with, or why we cannot. The key is loaded as RSA alone: guesses would hide the true fault."""
    if settings.key_file is None:
        return settings.password or NotSent(
            f"[filers.{settings.name}]: ssh needs a key_file or a password",
            hint="make a key with `ssh-keygen -t rsa -m PEM`, and put its .pub line on the filer",
            hop=Hop.LOGIN,
        )
    try:
        return paramiko.RSAKey.from_private_key_file(str(settings.key_file))
    except (paramiko.SSHException, OSError, ValueError) as error:
        return NotSent(
            f"the key file {settings.key_file} cannot be used: {printable(str(error))}",
            hint="it must be a private RSA key without a passphrase, as `ssh-keygen -t rsa -m PEM` makes it",
            hop=Hop.LOGIN,
        )


def ordered(known: Collection[str] | None) -> tuple[str, ...]:
    """The host key algorithms, those of the known keys first, so that the server shows one that can be checked."""
    kinds = set(known or ())
    if "ssh-rsa" in kinds:
        kinds.update(RSA)
    return tuple(sorted(HOST_KEYS, key=lambda kind: kind not in kinds))
