"""Files of known_hosts, and whether a host with a key is accepted by them: what OpenSSH 9.2 does with each."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass


def hashed(name: str) -> str:
    """A name as `ssh-keygen -H` writes it."""
    salt = b"s" * 20
    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


@dataclass(frozen=True, slots=True)
class Case:
    """`KEY` is the host's key, `OTHER` is not; `NAME` is `[HOST]:PORT`, and `HASHED` the same hashed."""

    accepted: bool
    lines: tuple[str, ...]

    def text(self, key: str, other: str, host: str, port: int) -> str:
        text = "\n".join(self.lines)
        name = f"[{host}]:{port}"
        for word, value in (("KEY", key), ("OTHER", other), ("NAME", name), ("HASHED", hashed(name)), ("HOST", host)):
            text = text.replace(word, value)
        return text + "\n"


CASES = {
    "its key": Case(True, ("NAME KEY",)),
    "another key": Case(False, ("NAME OTHER",)),
    "an empty file": Case(False, ()),
    "two keys of one kind": Case(True, ("NAME OTHER", "NAME KEY")),
    "two keys, the other one last": Case(True, ("NAME KEY", "NAME OTHER")),
    "without the port": Case(True, ("HOST KEY",)),
    "another one with the port": Case(False, ("NAME OTHER", "HOST KEY")),
    "hashed": Case(True, ("HASHED KEY",)),
    "hashed, another key": Case(False, ("HASHED OTHER",)),
    "several names": Case(True, ("filer9,NAME,filer8 KEY",)),
    "a star": Case(True, ("[127.*]:* KEY",)),
    "a question mark": Case(True, ("[127.0.0.?]:* KEY",)),
    "another star": Case(False, ("[128.*]:* KEY",)),
    "brackets are no set of characters": Case(False, ("[1]27.0.0.1 KEY",)),
    "negated": Case(False, ("*,!NAME,!HOST KEY",)),
    "negated, another host": Case(True, ("*,!filer9 KEY",)),
    "revoked": Case(False, ("@revoked NAME KEY",)),
    "revoked after it was known": Case(False, ("NAME KEY", "@revoked NAME KEY")),
    "revoked for every host": Case(False, ("@revoked * KEY", "NAME KEY")),
    "revoked for another host": Case(True, ("@revoked filer9 KEY", "NAME KEY")),
    "another key revoked": Case(True, ("@revoked * OTHER", "NAME KEY")),
    "an authority's key is no host's": Case(False, ("@cert-authority * KEY",)),
    "beside an authority": Case(True, ("@cert-authority * OTHER", "NAME KEY")),
    "an unknown marker": Case(False, ("@trusted NAME KEY",)),
    "in capitals": Case(False, ("@REVOKED NAME KEY",)),
    "a comment": Case(False, ("# NAME KEY",)),
    "a comment behind": Case(True, ("NAME KEY root@filer1 2007",)),
    "blanks before and between": Case(True, (" \tNAME \t KEY",)),
    "a Windows line": Case(True, ("NAME KEY\r",)),
    "broken lines around it": Case(True, ("NAME", "NAME ssh-rsa", "NAME ssh-rsa A", "NAME KEY", "x y z", "@revoked")),
    "a key of another kind than it says": Case(False, ("NAME ssh-dss KEY",)),
    "a character of a comment that ends no line": Case(False, ("# \x85NAME KEY", "# \x0cNAME KEY", "# \u2028NAME KEY")),
}
