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


def let_everybody_write(folder: Path) -> None:
    """Let every user of the machine replace what is in a folder."""
    if sys.platform == "win32":
        give(folder, "D:P(A;;FA;;;SY)(A;;FA;;;WD)")
    else:
        folder.chmod(0o777)
