"""The group that may read the state: its folder's rights name it, and what is in the folder follows."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

from snapall.backup import trust

OTHERS = stat.S_IRWXG | stat.S_IRWXO
GROUP_ENTERS = stat.S_IRGRP | stat.S_IXGRP


def group_of(folder: Path) -> int | None:
    """The group that may read this folder and what is in it."""
    about = folder.stat()
    readable = sys.platform != "win32" and about.st_mode & OTHERS == GROUP_ENTERS
    return about.st_gid if readable else None


def share(path: Path, group: int | None) -> None:
    """Let the group read a file or folder of ours; None: nobody. The group changes before the rights grow."""
    if sys.platform == "win32":
        return
    about = path.lstat()
    shared = about.st_mode & stat.S_IWOTH or trust.is_shared(path, about)
    if about.st_uid != trust.me() or shared or stat.S_ISLNK(about.st_mode):  # leave alone what is not trusted
        return
    narrow = about.st_mode & stat.S_IRWXU
    if about.st_mode & OTHERS and (about.st_gid != group or about.st_mode & stat.S_IWGRP):
        path.chmod(narrow)
    if group is not None:
        wide = narrow | (GROUP_ENTERS if stat.S_ISDIR(about.st_mode) else stat.S_IRGRP)
        with suppress(PermissionError):
            os.chown(path, -1, group)
            path.chmod(wide)


def narrow_inherited(folder: Path) -> None:
    """Give a folder of ours its own access list on Windows, if it still has that of the folder above. OSError."""
    if sys.platform == "win32":
        from snapall.backup import acl_windows  # noqa: PLC0415 - pywin32

        found = acl_windows.access_of(folder)
        if found.inherits and found.belongs_to({acl_windows.my_sid()}):
            acl_windows.narrow(folder)


def share_like_its_folder(path: Path, descriptor: int) -> None:
    """Give a new file the readers of its folder, whatever the umask. OSError."""
    if sys.platform == "win32":
        return
    group = group_of(path.parent)
    about = os.fstat(descriptor)
    if group is not None:
        with suppress(PermissionError):
            if about.st_gid != group:
                os.fchown(descriptor, -1, group)
            os.fchmod(descriptor, 0o640)
    elif stat.S_IMODE(about.st_mode) != 0o600:
        os.fchmod(descriptor, 0o600)
