"""The command that gives a file the rights that snapall trusts, for the shell of this system."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from snapall.backup import acl, trust
from snapall.escaping import shell_word

TRUSTED = "SYSTEM, Administrators" if sys.platform == "win32" else "root"
"""Who is trusted beside the user."""


def one_writer(path: Path) -> str:
    """The command after which only its owner can write a file or folder."""
    return _narrowing(path) if sys.platform == "win32" else f"chmod go-w {shell_word(str(path))}"


def one_reader(path: Path) -> str:
    """The command after which only its owner can read a file."""
    return _narrowing(path) if sys.platform == "win32" else f"chmod 600 {shell_word(str(path))}"


def owned_by_us(path: Path) -> str:
    """The command that makes us the owner of a file."""
    if sys.platform == "win32":
        from snapall.backup import acl_windows  # noqa: PLC0415 - pywin32

        return f"icacls {shell_word(str(path))} /setowner *{acl_windows.my_sid()}"
    return f"chown {trust.my_name()} {shell_word(str(path))}"


def moved_aside(path: Path) -> str:
    """The command that gives a file another name."""
    verb = "move" if sys.platform == "win32" else "mv"
    return f"{verb} {shell_word(str(path))} {shell_word(f'{path}.aside')}"


def _narrowing(path: Path) -> str:
    """What icacls is told to leave the file to us, Administrators and SYSTEM."""
    if sys.platform == "win32":
        from snapall.backup import acl_windows  # noqa: PLC0415 - pywin32

        me, others = acl_windows.my_sid(), set[acl.Ace]()
        with suppress(OSError):
            found = acl_windows.access_of(path)
            others = {*found.readers({me}), *found.writers({me})}
        return acl.narrowing(shell_word(str(path)), acl_windows.users(), others, path.is_dir())
    return ""
