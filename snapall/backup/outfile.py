"""Files that snapall writes for others to read: their mode is given, and no link that others made is followed."""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

from snapall.backup import trust
from snapall.backup.patience import patiently

_AS_IT_IS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_BYTES = getattr(os, "O_BINARY", 0)
_APPEND = os.O_WRONLY | os.O_APPEND | _BYTES


class PlantedFile(OSError):
    """A file that is not written: others could have put it there, as a link to a file of ours."""


class CutShort(OSError):
    """Only a part was written, since the disk is full, say; `rest` is missing."""

    def __init__(self, error: OSError, rest: bytes) -> None:
        super().__init__(error.errno, error.strerror)
        self.rest = rest


def append(path: Path, data: bytes, mode: int) -> None:
    """Append to a file; a new one gets this mode, whatever the umask. PlantedFile. CutShort. OSError."""
    _write(path, data, os.O_APPEND, mode)


def replace_content(path: Path, data: bytes, mode: int) -> None:
    """Write a file anew; a new one gets this mode, whatever the umask. PlantedFile. OSError."""
    _write(path, data, os.O_TRUNC, mode)


def create(path: Path, data: bytes, mode: int) -> None:
    """Make a new file of this mode, whatever the umask; none is left if that fails. FileExistsError. OSError."""
    descriptor = _created(path, mode)
    try:
        if sys.platform != "win32":
            os.fchmod(descriptor, mode)
        _put(descriptor, data)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror) from error


def make_private_folder(folder: Path) -> None:
    """Make a folder for its owner alone, whatever the umask. FileExistsError. OSError."""
    if sys.platform == "win32":
        from snapall.backup import acl_windows  # noqa: PLC0415 - pywin32

        acl_windows.make_private_folder(folder)
        return
    folder.mkdir(0o700)
    folder.chmod(0o700)


def _created(path: Path, mode: int) -> int:
    """Create a file. On Windows one for its owner alone has an access list; any other inherits that of its folder."""
    if sys.platform == "win32" and not mode & 0o077:
        from snapall.backup import acl_windows  # noqa: PLC0415 - pywin32

        return acl_windows.create_private(path)
    return patiently(lambda: os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BYTES, mode), path)


def make_folders(folder: Path) -> None:
    """Make a folder, and those above it that are missing, so that only their owner can write them. OSError."""
    for one in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
        with suppress(FileExistsError):
            one.mkdir(0o755)
            one.chmod(0o755)


def _write(path: Path, data: bytes, how: int, mode: int) -> None:
    """Follow a link only where nobody but root and we could have made it, or could replace it."""
    planted = _is_beside_others_files(path) or any(True for _ in trust.replaceable(path))
    try:
        descriptor = patiently(lambda: _opened(path) if planted else os.open(path, _APPEND), path)
    except FileNotFoundError:
        with suppress(FileExistsError):  # another process was first
            return create(path if planted else Path(os.path.realpath(path)), data, mode)
        return _write(path, data, how, mode)
    if how == os.O_TRUNC and stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.ftruncate(descriptor, 0)
    return _put(descriptor, data)


def _is_beside_others_files(path: Path) -> bool:
    """Whether others can make names in the folder or where a link leads, a hard link to a file of ours for example."""
    for folder in {path.parent, Path(os.path.realpath(path)).parent}:
        about = folder.stat()
        if sys.platform != "win32" and (about.st_mode & stat.S_IWOTH or trust.is_shared(folder, about)):
            return True
    return False


def _opened(path: Path) -> int:
    """Open a file in a folder where others can make files. PlantedFile: it is no plain file of root or ours."""
    try:
        descriptor = os.open(path, _APPEND | _AS_IT_IS)
    except OSError as error:
        if path.is_symlink() or error.errno == errno.ENXIO:  # the latter: a pipe without a reader
            raise PlantedFile(errno.ELOOP, "others could have put this link or pipe there") from error
        raise
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode) or about.st_nlink > 1 or about.st_uid not in {0, trust.me()}:
        os.close(descriptor)
        raise PlantedFile(errno.ELOOP, "others could have put this file there")
    return descriptor


def _put(descriptor: int, data: bytes) -> None:
    rest = data
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError as error:
        if rest == data:
            raise
        raise CutShort(error, rest) from error
    finally:
        os.close(descriptor)
