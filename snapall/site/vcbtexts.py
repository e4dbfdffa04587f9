"""What vcbsnapshot prints, in this one place, and the remedies that follow from it."""

from __future__ import annotations

import re

GONE = re.compile(r"has already been deleted or has not been completely created", re.IGNORECASE)
# The same words may be said of the VM, as when it was unregistered: that tells nothing of its snapshot.
NO_VM = re.compile(r"vim\.VirtualMachine\b[^\n]*has already been deleted", re.IGNORECASE)
BUSY = re.compile(r"another task is (?:already )?in progress|\bTaskInProgress\b", re.IGNORECASE)

# A log line that tells of no error: its words are no answer.
LOGGED = re.compile(r"\[[^\]\n]*\b(?:trivia|verbose|info|warning)\].*", re.IGNORECASE)

# One of these wordings is attested for vcbsnapshot, the others are VirtualCenter's own. A missing privilege is no
# refused login: VirtualCenter let the user in, and the next VM may lie where that user has the privilege.
REFUSED_LOGIN = re.compile(
    r"complete login|login failed due to|user ?name or password|not authenticated", re.IGNORECASE
)
NO_PRIVILEGE = re.compile(r"permission to perform", re.IGNORECASE)
# Of a find. The name of the program itself is no snapshot: `vcbsnapshot: not found`.
UNREACHED = re.compile(
    r"unable to communicate|(?:could|can) ?not (?:connect|resolve)|connect[^\n]{0,80}\b(?:timed out|refused)|"
    r"no route to host",
    re.IGNORECASE,
)
NOTHING_FOUND = re.compile(
    r"\bsnapshot\b[^\n]{0,200}\b(?:not found|not be found|does not exist)|\bno (?:\w+ ){0,2}snapshots?\b|"
    r"\bnot find (?:\w+ ){0,2}snapshots?\b",
    re.IGNORECASE,
)
NO_FAR_PROGRAM = frozenset({126, 127})  # a shell's exit codes for a program that it cannot start
OLD_SSH = re.compile(r"no matching [a-z ]{1,40} found", re.IGNORECASE)

# A line with one of these is kept however much the program prints: what the texts above say, in small letters.
TELLING = (
    b"ssid:",
    b"already been deleted",
    b"another task",
    b"taskinprogress",
    b"login",
    b"password",
    b"not authenticated",
    b"permission",
)

VC_HINT = "check `host` in [vcenter] and whether VirtualCenter's service runs, then run vcbsnapshot by hand with -f"
LOGIN_HINT = "check `user` and `password` in [vcenter], or VCB's own config.js where these are left out"
PRIVILEGE_HINT = (
    "VirtualCenter accepts the login, but its role lacks a privilege on this VM: give it Create Snapshot and Remove "
    "Snapshot, and, for VCB itself, Disk Lease"
)
OLD_SSH_HINT = (
    "ESX 3's ssh knows only old algorithms: allow them in ~/.ssh/config of the user who runs snapall, under `Host` and "
    "the name of that machine: `Ciphers +3des-cbc`, `KexAlgorithms +diffie-hellman-group1-sha1`, "
    "`HostKeyAlgorithms +ssh-rsa`, `PubkeyAcceptedAlgorithms +ssh-rsa`, `MACs +hmac-sha1`"
)


def spoken(output: str) -> str:
    """What the program said itself, without the log lines that tell of no error."""
    return "\n".join(line for line in output.split("\n") if LOGGED.match(line) is None)
