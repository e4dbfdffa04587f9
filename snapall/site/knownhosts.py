"""A known_hosts file, read as OpenSSH reads it (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

_REVOKED = "@revoked"
_BLANKS = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class KnownKey:
    """One line with a key. `blob` is the key as it goes over the wire."""

    marker: str
    hosts: str
    kind: str
    blob: bytes

    def names(self, host: str) -> bool:
        """Whether the line is for this host, which is in small letters."""
        if self.hosts.startswith("|"):
            return _hashed(self.hosts, host)
        patterns = self.hosts.lower().split(",")
        if any(_matches(one[1:], host) for one in patterns if one.startswith("!")):
            return False
        return any(_matches(one, host) for one in patterns if not one.startswith("!"))


class HostKeys:
    """The keys that one host may show, and those that it must not."""

    def __init__(self, text: str, *names: str) -> None:
        """`names`: how the file may call the host; the first one that it knows is the one that counts."""
        keys = tuple(_keys(text))
        of_each = [[key for key in keys if key.names(name.lower())] for name in names]
        # A key of an authority signs host certificates, which paramiko does not take. It is no host's own key.
        plain = ([key for key in found if not key.marker] for found in of_each)
        self._known = next(filter(None, plain), [])
        self._revoked = {key.blob for found in of_each for key in found if key.marker == _REVOKED}

    @property
    def kinds(self) -> frozenset[str]:
        """Of which kinds the known keys are."""
        return frozenset(key.kind for key in self._known)

    def known(self, blob: bytes) -> bool:
        """Whether this is one of the host's keys."""
        return any(key.blob == blob for key in self._known)

    def revoked(self, blob: bytes) -> bool:
        """Whether the host must not show this key, whatever else the file says."""
        return blob in self._revoked


def _keys(text: str) -> Iterator[KnownKey]:
    """Every line that holds a key. One that does not make sense is passed over, as by OpenSSH: it lets nobody in."""
    for line in text.split("\n"):  # neither lines nor words end at other characters, as they may stand in comments
        words = _BLANKS.split(line.strip(" \t\r"))
        marker = words.pop(0) if words[0].startswith("@") else ""
        if marker not in ("", _REVOKED, "@cert-authority") or len(words) < 3 or words[0].startswith("#"):
            continue
        hosts, kind, key = words[:3]
        with suppress(ValueError):
            blob = base64.b64decode(key, validate=True)
            if blob.startswith(len(kind).to_bytes(4, "big") + kind.encode()):
                yield KnownKey(marker, hosts, kind, blob)


def _matches(pattern: str, host: str) -> bool:
    """`*` and `?` alone are special: the brackets of `[filer1]:2222` are not."""
    parts = ({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    return re.fullmatch("".join(parts), host) is not None


def _hashed(entry: str, host: str) -> bool:
    """`|1|SALT|HASH`, the host's name under HMAC-SHA1."""
    try:
        _, one, salt, digest = entry.split("|")
        expected = base64.b64decode(digest, validate=True)
        made = hmac.digest(base64.b64decode(salt, validate=True), host.encode(), "sha1")
    except ValueError:
        return False
    return one == "1" and hmac.compare_digest(made, expected)
