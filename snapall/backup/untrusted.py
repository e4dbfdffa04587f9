"""The errors for what stands in the state folder and is not trusted, or cannot be written."""

from __future__ import annotations

from pathlib import Path

from snapall.backup import rights, trust
from snapall.backup.breaches import Owner
from snapall.errors import TO_OWN, JournalError, Untrusted


def unwritable(state: Path, error: OSError) -> JournalError:
    """The error for a state folder that cannot be written."""
    what = f" ({error.filename})" if isinstance(error.filename, str) and error.filename != str(state) else ""
    text = f"the folder {state} cannot be written: {error.strerror}{what}"
    return JournalError(text, JournalError.remedy_for(error), "SA-1504")


def no_regular_file(path: Path, what: str) -> Untrusted:
    """The error for what is in the place of a file."""
    return Untrusted(
        f"{path} is {what}, and snapall made none: it is not trusted",
        f"find out who put it there, and move it away with `{rights.moved_aside(path)}`",
        "SA-1522",
    )


def other_writers(path: Path, why: str) -> Untrusted:
    """The error for a file that others can write."""
    return Untrusted(
        f"others than its owner can write {path} ({why}): it is not trusted",
        f"check that nobody has changed its content, then run `{rights.one_writer(path)}`",
        "SA-1506",
    )


def another_owner(path: Path, owner: Owner) -> Untrusted:
    """The error for a file that another user owns."""
    them, us = trust.user_name(owner), trust.my_name()
    return Untrusted(
        f"{path} belongs to user {them}, and this is {us}: it is not trusted",
        f"run snapall as {them}; or check its content, and give the whole state folder to {us} with {TO_OWN}",
        "SA-1505",
    )
