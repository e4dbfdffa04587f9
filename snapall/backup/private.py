"""Who may read and write the state: its owner alone, whatever the umask; on request, one group may read it.

Files and folders are created with narrow rights, never narrowed later. The state folder's own rights (0750) record a
group that may read, and what is created in it follows. Windows has no such rights: files inherit the access list of
the folder above.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from snapall.errors import JournalError, Untrusted

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # Windows makes links for administrators only
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_WRITABLE = stat.S_IWGRP | stat.S_IWOTH
_GROUP_ENTERS = stat.S_IRGRP | stat.S_IXGRP
_INNER = ("journals",)
_FOR_THE_GROUP = ("*.jsonl", "*.holder")  # journals, and the notes that say who holds a lock


def make_folder(folder: Path) -> None:
    """Make a folder for its owner alone, or narrow an existing one. Untrusted: others may write it. OSError."""
    for above in reversed([one for one in folder.parents if not one.exists()]):
        with suppress(FileExistsError):
            above.mkdir(0o755)  # with a umask of 0, anyone could replace it
    try:
        folder.mkdir(0o700)
    except FileExistsError:
        if not folder.is_dir():
            raise
    _own(folder)


def make_folder_in(state: Path, name: str) -> None:
    """Make a folder in the state folder, for the same readers. Untrusted. OSError."""
    if not state.exists():
        make_folder(state)
    make_folder(state / name)
    if (group := _group_of(state)) is not None:
        _share(state / name, group)


def arrange(state: Path, readers: int | None) -> None:
    """Make the state folder, or adjust an existing one, and let the group `readers` read it; None: no group.

    An owner who is no member of the group cannot give it away: that stops no backup. Untrusted: somebody else could
    have written it. JournalError: it cannot be made or listed.
    """
    try:
        make_folder(state)
        for folder in _folders(state):
            make_folder(folder)
            _share(folder, readers)
            for path in (path for pattern in _FOR_THE_GROUP for path in folder.glob(pattern)):
                _share(path, readers)
    except OSError as error:
        raise unwritable(state, error) from error


def unwritable(state: Path, error: OSError) -> JournalError:
    """The error for a state folder that cannot be written."""
    remedy = JournalError.RIGHTS if isinstance(error, PermissionError) else JournalError.ROOM
    return JournalError(f"the folder {state} cannot be written: {error.strerror}", remedy, "SA-1504")


def require_trusted(state: Path) -> None:
    """Check a state folder before reading it. Untrusted: others could have written it. It may be absent."""
    if sys.platform != "win32":
        with suppress(FileNotFoundError):
            for folder in _folders(state):
                _require_one_writer(folder, folder.stat())


def not_readable_by(group: int, state: Path) -> Path | None:
    """The first folder of the state that this group may not read."""
    for folder in _folders(state):
        about = folder.stat()
        if about.st_gid != group or about.st_mode & _GROUP_ENTERS != _GROUP_ENTERS:
            return folder
    return None


def create(path: Path) -> None:
    """Create an empty file, for the readers of its folder. FileExistsError. OSError."""
    _put(path, os.O_EXCL, b"")


def write(path: Path, text: str) -> None:
    """Write a small file, for the readers of its folder. OSError."""
    _put(path, os.O_TRUNC, text.encode())


def _put(path: Path, flag: int, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | flag | _NO_LINK, 0o600)
    try:
        _share_like_its_folder(path, descriptor)
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


def read(path: Path) -> BinaryIO:
    """Open a file of the state for reading. Untrusted: somebody else could have written it. OSError."""
    file = path.open("rb")
    try:
        _require_ours(path, os.fstat(file.fileno()), path.parent.stat().st_uid)
    except BaseException:
        file.close()
        raise
    return file


def open_lock(path: Path) -> int:
    """Open or create a lock file, for its owner alone. Untrusted: somebody else could lock it. OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _NO_LINK, 0o600)
    try:
        about = os.fstat(descriptor)
        _require_ours(path, about)
        if sys.platform != "win32" and about.st_mode & _OTHERS and about.st_uid == _us():
            os.fchmod(descriptor, 0o600)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _folders(state: Path) -> Iterator[Path]:
    """The state folder, and the folders in it that snapall makes."""
    yield state
    yield from (state / name for name in _INNER if (state / name).is_dir())


def _own(folder: Path) -> None:
    """Narrow a folder of ours, unless a group may read it. Untrusted: others may write it."""
    about = folder.stat()
    _require_ours(folder, about)
    if sys.platform != "win32" and about.st_mode & _OTHERS not in {0, _GROUP_ENTERS} and about.st_uid == _us():
        folder.chmod(0o700)


def _require_ours(path: Path, about: os.stat_result, *owners: int) -> None:
    """Untrusted: the file belongs to another user, `owners` excepted, or others may write it. Windows cannot tell."""
    if sys.platform == "win32":
        return
    if about.st_uid not in {0, _us(), *owners}:
        raise _another_owner(path, about.st_uid)
    _require_one_writer(path, about)


def _require_one_writer(path: Path, about: os.stat_result) -> None:
    if about.st_mode & _WRITABLE:
        raise Untrusted(
            f"others than its owner can write {path} (mode {stat.S_IMODE(about.st_mode):04o}): it is not trusted",
            f"check that nobody has changed its content, then run `chmod go-w {path}`",
            "SA-1506",
        )


def _another_owner(path: Path, owner: int) -> Untrusted:
    """The error for a file that another user owns."""
    them, us = _user(owner), _user(_us())
    return Untrusted(
        f"{path} belongs to user {them}, and this is {us}: it is not trusted",
        f"run snapall as {them}; or check its content, and give the whole state folder to {us} with `chown -R`",
        "SA-1505",
    )


def _us() -> int:
    if sys.platform == "win32":
        return 0
    return os.geteuid()


def _user(number: int) -> str:
    if sys.platform != "win32":
        import pwd  # noqa: PLC0415 - where there is one

        with suppress(KeyError):
            return pwd.getpwuid(number).pw_name
    return str(number)


def _group_of(folder: Path) -> int | None:
    """The group that may read this folder and what is in it."""
    about = folder.stat()
    readable = sys.platform != "win32" and about.st_mode & _OTHERS == _GROUP_ENTERS
    return about.st_gid if readable else None


def _share(path: Path, group: int | None) -> None:
    """Let the group read a file or folder of ours; None: nobody. The group changes before the rights grow."""
    if sys.platform == "win32":
        return
    about = path.stat()
    if about.st_uid != _us() or about.st_mode & _WRITABLE:  # leave alone what is not trusted
        return
    narrow = about.st_mode & stat.S_IRWXU
    if about.st_mode & _OTHERS and about.st_gid != group:
        path.chmod(narrow)
    if group is not None:
        wide = narrow | (_GROUP_ENTERS if stat.S_ISDIR(about.st_mode) else stat.S_IRGRP)
        with suppress(PermissionError):
            os.chown(path, -1, group)
            path.chmod(wide)


def _share_like_its_folder(path: Path, descriptor: int) -> None:
    if sys.platform == "win32":
        return
    group = _group_of(path.parent)
    about = os.fstat(descriptor)
    if group is not None:
        with suppress(PermissionError):
            if about.st_gid != group:
                os.fchown(descriptor, -1, group)
            os.fchmod(descriptor, 0o640)
    elif about.st_mode & _OTHERS:
        os.fchmod(descriptor, 0o600)
