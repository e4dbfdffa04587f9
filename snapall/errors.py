"""Expected errors, each with its remedy, and the exit codes."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum


class Exit(IntEnum):
    """What a command answers to the scheduler. Never a count, never 0 with a warning."""

    OK = 0  # whole success
    FAILED = 1  # no new backup
    USAGE = 2  # usage or configuration, before anything began
    PARTIAL = 3  # a backup exists, but not every VM was quiesced, or it is not in the chain yet
    LOCKED = 4  # another run holds the lock
    OUTSTANDING = 5  # VMs may be left quiesced
    STOPPED = 130  # stopped by a signal, after releasing


_WORST_FIRST = (Exit.OUTSTANDING, Exit.STOPPED, Exit.FAILED, Exit.USAGE, Exit.LOCKED, Exit.PARTIAL, Exit.OK)


def worst(*codes: Exit) -> Exit:
    """The code that a call with several outcomes exits with; OK when there is none."""
    return min(codes, key=_WORST_FIRST.index, default=Exit.OK)


class SnapallError(Exception):
    """An expected error: printed as one message with its remedy, without a traceback."""

    exit = Exit.FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def combined(errors: Sequence[SnapallError]) -> SnapallError:
    """Several as one: each message on a line, each remedy once."""
    messages, hints = (dict.fromkeys(texts) for texts in zip(*((one.message, one.hint) for one in errors), strict=True))
    return SnapallError("\n".join(messages), "; ".join(filter(None, hints)))


class ConfigError(SnapallError):
    """The configuration cannot be used; `message` holds every fault found, one a line. Nothing was contacted."""

    exit = Exit.USAGE


class SiteError(SnapallError):
    """A system of the site (database, filer, vcbsnapshot) could not be asked, or answered what cannot be used."""


class Refused(SnapallError):
    """The site was understood, and snapall will not go on: nothing was changed."""


class JournalError(SnapallError):
    """The journal cannot be read or written, so nothing may be changed."""

    ROOM = "free some space, or set `state` in the configuration to a folder that can be written"
    RIGHTS = "run snapall as the user whom the state folder belongs to, or give the folder to this one with `chown -R`"


class OldFormat(JournalError):
    """A journal of snapall 0.1, which was never released."""


class Untrusted(JournalError):
    """Somebody else could have written the state, so nobody knows what earlier runs left."""

    exit = Exit.OUTSTANDING


class Locked(SnapallError):
    """Another run of the same job is at work."""

    exit = Exit.LOCKED


class LockNotReleased(SnapallError):
    """The lock is still held although the process that held it is dead: nobody can settle what that one left."""

    exit = Exit.OUTSTANDING


class Stopped(SnapallError):
    """A signal came while nothing was begun yet."""

    exit = Exit.STOPPED
