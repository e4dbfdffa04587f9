"""Expected errors, each with its remedy, and the exit codes."""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Callable, Sequence
from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of every command."""

    OK = 0  # success
    FAILED = 1  # no new backup
    USAGE = 2  # usage or configuration error; nothing was begun
    PARTIAL = 3  # there is a backup, but some VM was not quiesced, or the backup is not published yet
    LOCKED = 4  # another run holds the lock
    OUTSTANDING = 5  # VMs may be left quiesced
    STOPPED = 130  # stopped by a signal, after the VMs were released


_WORST_FIRST = (Exit.OUTSTANDING, Exit.STOPPED, Exit.FAILED, Exit.USAGE, Exit.LOCKED, Exit.PARTIAL, Exit.OK)


def worst(*codes: Exit) -> Exit:
    """Return the exit code for a call with several outcomes; OK if there are none."""
    return min(codes, key=_WORST_FIRST.index, default=Exit.OK)


class SnapallError(Exception):
    """An expected error, printed as a message and a remedy (`hint`), without a traceback.

    `code`, such as SA-1101, names the message for ever: a code is never given to another message. The first digit is
    the section of docs/messages.md: 1 backup, 2 database, 3 vcbsnapshot, 4 filer, 5 guardian, hooks and history,
    6 files, 7 usage and configuration, 9 a bug in snapall. docs/causes.toml explains each code.
    """

    exit = Exit.FAILED

    def __init__(self, message: str, hint: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code

    @property
    def parts(self) -> tuple[str, str, str]:
        """Message, remedy and code, as Failed and Warned take them."""
        return self.message, self.hint, self.code


_NUMBER = re.compile(r":?\s*\[(?:Errno|WinError) -?\d+\]\s*")  # a library's text may quote an error of the system


def reason_of(error: BaseException) -> str:
    """What an error says, without the number and the file name that Python puts around the system's own words."""
    said = error.strerror if isinstance(error, OSError) and isinstance(error.strerror, str) else str(error)
    return _NUMBER.sub(": ", said).removeprefix(": ") or "it gives no reason"


Notify = Callable[[str, str, str], None]
"""Reports a message: text, remedy, code."""


def combined(errors: Sequence[SnapallError]) -> SnapallError:
    """Combine several errors into one: a line for each message, and each remedy once."""
    first, *more = {one.message: one for one in errors}.values()
    lines = [first.message, *(coded(one.code, one.message) for one in more)]
    return SnapallError("\n".join(lines), "; ".join(dict.fromkeys(one.hint for one in errors if one.hint)), first.code)


def coded(code: str, text: str) -> str:
    """A message with its code in front, as people see it."""
    return f"{code} {text}" if code else text


class ConfigError(SnapallError):
    """The configuration is unusable; `message` lists every error, one per line. No system was contacted."""

    exit = Exit.USAGE


class SiteError(SnapallError):
    """A system of the site (database, filer, vcbsnapshot) did not answer, or gave an unusable answer."""


class Refused(SnapallError):
    """The site answered, and snapall refuses to go on. Nothing was changed."""


TO_OWN = "`icacls FOLDER /setowner NAME /T`" if sys.platform == "win32" else "`chown -R`"
"""How a user becomes the owner of a folder and all that is in it."""


class JournalError(SnapallError):
    """The journal cannot be read or written, so nothing may be changed."""

    ROOM = "free some space on the disk of the state folder, or let this user write there"
    FULL = "free some space on the disk of the state folder"
    RIGHTS = "run snapall as the owner of the state folder, or give that folder to this user with " + TO_OWN
    IN_USE = (
        "close the program that has the file open, such as a virus scanner or an editor, and exclude the state folder "
        "from scans; or let this user write there"
    )
    READ_ONLY = "its file system is read-only: mount it for writing, or set `state` to a folder elsewhere"
    NO_FOLDER = "move away the file that is in place of a folder, or set `state` to another path"
    NO_FILE = "move away the folder that is in place of the file which the message names"

    @classmethod
    def remedy_for(cls, error: OSError) -> str:
        """What to do when the state folder cannot be written, by the system's reason."""
        match error.errno:
            case errno.EACCES if hasattr(
                error, "winerror"
            ):  # only on Windows, where the system does not tell them apart
                return cls.IN_USE
            case errno.ENOSPC | errno.EDQUOT:
                return cls.FULL
            case errno.EACCES | errno.EPERM:
                return cls.RIGHTS
            case errno.EROFS:
                return cls.READ_ONLY
            case errno.ENOTDIR | errno.EEXIST:
                return cls.NO_FOLDER
            case errno.EISDIR:
                return cls.NO_FILE
            case _:
                return cls.ROOM


class OldFormat(JournalError):
    """A journal in a format that this version does not know."""


class Untrusted(JournalError):
    """Another user could have written the state, so what earlier runs left is unknown."""

    exit = Exit.OUTSTANDING


class Locked(SnapallError):
    """Another run of the same job is in progress."""

    exit = Exit.LOCKED


class LockNotReleased(SnapallError):
    """The lock is still held although its holder is dead, so nobody can clean up after it."""

    exit = Exit.OUTSTANDING


class Stopped(SnapallError):
    """A signal arrived before anything was begun."""

    exit = Exit.STOPPED
