"""Gives files and folders the rights that a test is about, on Windows by access lists."""

from __future__ import annotations

import sys
from pathlib import Path


def give(path: Path, sddl: str) -> None:
    """Give a file or folder an access list; on Windows alone."""
    if sys.platform == "win32":
        import win32security

        made = win32security.ConvertStringSecurityDescriptorToSecurityDescriptor(sddl, 1)
        wanted = win32security.DACL_SECURITY_INFORMATION
        dacl = made.GetSecurityDescriptorDacl()
        win32security.SetNamedSecurityInfo(str(path), win32security.SE_FILE_OBJECT, wanted, None, None, dacl, None)


def let_everybody_write(path: Path) -> None:
    """Let every user of the machine write a file, or replace what is in a folder."""
    if sys.platform == "win32":
        give(path, "D:P(A;;FA;;;SY)(A;;FA;;;WD)")
    else:
        path.chmod(0o777)


def let_everybody_read(file: Path) -> None:
    """Let every user of the machine read a file."""
    if sys.platform == "win32":
        give(file, "D:P(A;;FA;;;OW)(A;;FA;;;SY)(A;;FR;;;WD)")
    else:
        file.chmod(0o644)
