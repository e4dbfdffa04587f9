"""Who may read and write the state: its owner alone, whatever the umask; on request, one group may read it.

Files and folders are created with narrow rights; wide ones of an earlier version are narrowed. The state folder's own
rights (0750) record a group that may read, and what is created in it follows. No link is followed in it. trust.py says
who is trusted. On Windows folders are made with an access list, which files inherit; one that inherits nothing from the
folder above was made by snapall, or set by an administrator, and is left as it is.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from snapall.backup import patience, rights, sharing, trust
from snapall.backup.breaches import POLICY, Breach, BreachVerdict, FilePurpose, Owner
from snapall.backup.outfile import make_folders, make_private_folder
from snapall.backup.sharing import narrow_inherited
from snapall.backup.untrusted import another_owner, no_regular_file, other_writers, unwritable
from snapall.errors import Notify, Untrusted

# No link is followed (Windows makes links for administrators only), and no pipe is waited for.
_AS_IT_IS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_FOR_READERS = ("journals", "restores")
_FOR_THE_OWNER = ("runbooks",)  # they hold serials and hosts
_FOR_THE_GROUP = ("*.jsonl", "*.holder")  # journals, and the notes that say who holds a lock
_FOR_NOBODY = ("*.lock", "*.wanted", "*.stamp")


def make_folder(folder: Path) -> None:
    """Make a folder for its owner alone, or narrow an existing one. Untrusted: others may write it. OSError."""
    make_folders(folder.parent)
    try:
        make_private_folder(folder)
    except FileExistsError:
        if not folder.is_dir():
            raise
        narrow_inherited(folder)
    _own(folder)


def make_folder_in(state: Path, name: str) -> None:
    """Make a folder in the state folder, for the same readers. Untrusted. OSError."""
    if not state.exists():
        make_folder(state)
    make_folder(state / name)
    if (group := sharing.group_of(state)) is not None:
        sharing.share(state / name, group)


def arrange(state: Path, readers: int | None, warn: Notify = lambda *_: None) -> None:
    """Make the state folder, or adjust an existing one, and let the group `readers` read it; None: no group.

    An owner who is no member of the group cannot give it away: that stops no backup. `warn` is told of rights that
    were too wide. Untrusted: somebody else could have written it. JournalError: it cannot be made or listed.
    """
    try:
        files = _files(state, *_FOR_THE_GROUP, *_FOR_NOBODY)
        files += (path for name in _FOR_THE_OWNER for path in (state / name).glob("*.*"))
        wide = [path for path in (*_folders(state), *files) if _is_open_to_all(path)]
        make_folder(state)
        for folder in _folders(state):
            make_folder(folder)
            sharing.share(folder, None if folder.name in _FOR_THE_OWNER else readers)
        for path in files:
            alone = path.parent.name in _FOR_THE_OWNER or any(map(path.match, _FOR_NOBODY))
            with suppress(FileNotFoundError):  # a holder file goes with its process
                sharing.share(path, None if alone else readers)
    except OSError as error:
        raise unwritable(state, error) from error
    if wide:
        more = f" and {len(wide) - 1} more" if len(wide) > 1 else ""
        warn(
            f"too many users had permissions for {wide[0]}{more}: narrowed to what snapall itself sets",
            "nothing to do; if another program has to read the journals, name its group with `readers`",
            "SA-1521",
        )


def require_trusted(state: Path) -> None:
    """Check a state folder before reading it. Untrusted: others could have written it. It may be absent.

    A user who only reads believes its owner; root does not, since what root reads it also acts upon.
    """
    with suppress(FileNotFoundError):
        believed = trust.believed_owners(state)
        _require_place(state, *believed)
        for folder in _folders(state):
            _require_ours(folder, folder.stat(), *believed)


def not_readable_by(group: int, state: Path) -> Path | None:
    """The first folder of the state that this group may not read."""
    for folder in _folders(state):
        about = folder.stat()
        if folder.name not in _FOR_THE_OWNER and (
            about.st_gid != group or about.st_mode & sharing.GROUP_ENTERS != sharing.GROUP_ENTERS
        ):
            return folder
    return None


def create(path: Path) -> None:
    """Create an empty file, for the readers of its folder. FileExistsError. OSError."""
    _put(path, os.O_EXCL, b"")


def write(path: Path, text: str) -> None:
    """Write a small file, for the readers of its folder; a link in its place is replaced. OSError."""
    with suppress(FileNotFoundError):
        about = path.lstat()
        if not stat.S_ISREG(about.st_mode) or about.st_nlink > 1:
            patience.unlink(path)
    _put(path, os.O_TRUNC, text.encode())


def _put(path: Path, flag: int, data: bytes) -> None:
    descriptor = _opened(path, os.O_WRONLY | os.O_CREAT | flag)
    try:
        sharing.share_like_its_folder(path, descriptor)
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


def read(path: Path) -> BinaryIO:
    """Open a file of the state for reading. Untrusted: somebody else could have written it. OSError."""
    file = os.fdopen(_opened(path, os.O_RDONLY), "rb")
    try:
        _require_ours(path, os.fstat(file.fileno()), *trust.believed_owners(path.parent))
    except BaseException:
        file.close()
        raise
    return file


def open_lock(path: Path) -> int:
    """Open or create a lock file, for its owner alone. Untrusted: somebody else could lock it. OSError."""
    descriptor = _opened(path, os.O_RDWR | os.O_CREAT)
    try:
        about = os.fstat(descriptor)
        _require_ours(path, about)
        if sys.platform != "win32" and stat.S_IMODE(about.st_mode) != 0o600 and about.st_uid == trust.me():
            os.fchmod(descriptor, 0o600)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def look_at_lock(path: Path) -> int:
    """Open an existing lock file, to see whether it is locked. OSError: it is a link, we may not, or there is none."""
    return patience.patiently(lambda: os.open(path, os.O_RDWR | _AS_IT_IS), path)


def _opened(path: Path, flags: int) -> int:
    """Open a regular file of the state. Untrusted: something else is in its place. OSError."""
    try:
        descriptor = patience.patiently(lambda: os.open(path, flags | _AS_IT_IS, 0o600), path)
    except OSError:
        if path.is_symlink():
            raise no_regular_file(path, "a link") from None
        raise
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise no_regular_file(path, "no regular file")


def _folders(state: Path) -> Iterator[Path]:
    """The state folder, and the folders in it that snapall makes."""
    yield state
    yield from (state / name for name in (*_FOR_READERS, *_FOR_THE_OWNER) if (state / name).is_dir())


def _files(state: Path, *patterns: str) -> list[Path]:
    """The files of the state folder and its folders with such names."""
    return [path for folder in _folders(state) for pattern in patterns for path in folder.glob(pattern)]


def _is_open_to_all(path: Path) -> bool:
    """Whether the rights of a file or folder of ours are wider than snapall ever sets them."""
    if sys.platform == "win32":
        return False
    try:
        about = path.lstat()
    except FileNotFoundError:
        return False
    ours = about.st_uid == trust.me() and not stat.S_ISLNK(about.st_mode)
    return ours and bool(about.st_mode & (stat.S_IRWXO | stat.S_IWGRP))


def _own(folder: Path) -> None:
    """Narrow a folder of ours, unless a group may read it. Untrusted: others may write or replace it."""
    about = folder.stat()
    _require_ours(folder, about)
    _require_place(folder)
    wide = about.st_mode & sharing.OTHERS not in {0, sharing.GROUP_ENTERS}
    if sys.platform != "win32" and wide and about.st_uid == trust.me():
        folder.chmod(0o700)


def _require_ours(path: Path, about: os.stat_result, *owners: Owner) -> None:
    """Untrusted: the file belongs to another user, `owners` excepted, or others may write it."""
    if sys.platform == "win32":
        from snapall.backup import doubts_windows  # noqa: PLC0415 - pywin32

        for doubt in doubts_windows.doubts(path, *owners):
            if POLICY[FilePurpose.STATE][doubt.breach] is BreachVerdict.REFUSE:
                belongs = doubt.breach is Breach.OWNER
                raise another_owner(path, trust.owner_of(path)) if belongs else other_writers(path, doubt.why)
        return
    if about.st_uid not in {0, trust.me(), *owners}:
        raise another_owner(path, about.st_uid)
    _require_one_writer(path, about)


def _require_one_writer(path: Path, about: os.stat_result) -> None:
    if about.st_mode & stat.S_IWOTH or trust.is_shared(path, about):
        raise other_writers(path, f"mode {trust.mode_of(about)}")


def _require_place(folder: Path, *owners: Owner) -> None:
    """Untrusted: others, `owners` excepted, could put another folder in the place of this one."""
    for doubt in trust.replaceable(folder, *owners):
        if POLICY[FilePurpose.STATE][doubt.breach] is BreachVerdict.REFUSE:
            us = trust.my_name()
            raise Untrusted(
                f"others can replace {folder}, because {doubt.why}: it is not trusted",
                f"let only {rights.TRUSTED} and {us} write {doubt.place}, or set `state` to a path where that is so",
                "SA-1520",
            )
