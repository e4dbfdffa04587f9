"""The ssh algorithms that a filer may be spoken to with, and which of them a configuration allows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class SshAlgorithms:
    """What is offered of each kind, the best first: a server takes the first one that it has."""

    key_exchanges: tuple[str, ...]
    host_keys: tuple[str, ...]
    ciphers: tuple[str, ...]
    macs: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """Those of every kind."""
        return self.key_exchanges + self.host_keys + self.ciphers + self.macs

    def only(self, names: Iterable[str]) -> SshAlgorithms:
        """Those of these names."""
        kept = {one.name: tuple(filter(set(names).__contains__, getattr(self, one.name))) for one in fields(self)}
        return SshAlgorithms(**kept)


MODERN = SshAlgorithms(
    ("ecdh-sha2-nistp256", "diffie-hellman-group14-sha256"),
    ("ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256"),
    ("aes128-ctr", "aes256-ctr"),
    ("hmac-sha2-256", "hmac-sha2-512"),
)

# The last of each is what Data ONTAP 7.3 documents (1024-bit RSA, 3DES in CBC mode, HMAC-SHA1 and -MD5) or, for the
# key exchange, what is assumed of it.
_OLD = SshAlgorithms(
    ("diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1"),
    ("ssh-rsa",),
    ("aes128-cbc", "3des-cbc"),
    ("hmac-sha1", "hmac-md5"),
)
OLD = frozenset(_OLD.all)

ALL = SshAlgorithms(
    MODERN.key_exchanges + _OLD.key_exchanges,
    MODERN.host_keys + _OLD.host_keys,
    MODERN.ciphers + _OLD.ciphers,
    MODERN.macs + _OLD.macs,
)
"""The old ones last, in one offer: a filer gets one of them only if it has nothing better, and the host key signs both
offers, so that nobody on the way can thin them out. A second connection with the old ones could be provoked."""


def offered(choice: str | tuple[str, ...]) -> SshAlgorithms:
    """What the configuration allows: "any", "modern", or names."""
    match choice:
        case "any":
            return ALL
        case "modern":
            return MODERN
        case names:
            return ALL.only(names)


def fault_of(names: tuple[str, ...]) -> str | None:
    """What is wrong with a list of names."""
    if unknown := [name for name in names if name not in ALL.all]:
        return f"does not know {', '.join(unknown)}; known are {', '.join(ALL.all)}"
    chosen = ALL.only(names)
    for kind in fields(chosen):
        if not getattr(chosen, kind.name):
            text = kind.name.replace("_", " ").removesuffix("s")
            return f"names no {text}: add one of {', '.join(getattr(ALL, kind.name))}"
    return None
