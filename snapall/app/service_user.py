"""Root that meets the state of a service user becomes that user, before it reads or writes anything of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from snapall import restart
from snapall.backup import trust
from snapall.backup.breaches import POLICY, BreachVerdict, FilePurpose
from snapall.errors import Untrusted


def become_owner_of(state: Path) -> str:
    """Continue as the user who owns the state folder, if this is root; return what to say, "" if nothing changed.

    So no file of that user's becomes root's, and whatever that user wrote there does nothing that the user could not
    do. Untrusted: somebody else could have put the folder there, or root cannot become that user.
    """
    if sys.platform == "win32" or os.geteuid() != 0:
        return ""
    try:
        owner = state.stat().st_uid
    except OSError:  # opening it reports that
        return ""
    if owner == 0:
        return ""
    them = trust.user_name(owner)
    _require_put_there_by(owner, state)
    _switch_to(owner, state)
    require_readable_program(them)
    return f"this is root, and the state folder {state} belongs to user {them}: continuing as {them}"


def _require_put_there_by(owner: int, state: Path) -> None:
    them = trust.user_name(owner)
    for doubt in trust.replaceable(state, owner):
        if POLICY[FilePurpose.STATE][doubt.breach] is BreachVerdict.REFUSE:
            raise Untrusted(
                f"the state folder {state} belongs to user {them}, and others could have put it there, because "
                f"{doubt.why}: root does not continue as {them}",
                "check who made it; set `state` to a path in a folder that only root, or that user, can write",
                "SA-1523",
            )


def _switch_to(owner: int, state: Path) -> None:
    """Become this user for good, with its groups and its home. Untrusted: that fails."""
    if sys.platform == "win32":
        return
    import pwd  # noqa: PLC0415 - where there is one

    try:
        account = pwd.getpwuid(owner)
        os.initgroups(account.pw_name, account.pw_gid)
        os.setgid(account.pw_gid)
        os.setuid(owner)
    except (KeyError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else "there is no such account"
        raise Untrusted(
            f"the state folder {state} belongs to user {trust.user_name(owner)}, and root cannot continue as that "
            f"user: {reason}",
            "run snapall as that user; or check the folder's content, and give it to root with `chown -R`",
            "SA-1524",
        ) from error
    os.environ.update(HOME=account.pw_dir, USER=account.pw_name, LOGNAME=account.pw_name)


def require_readable_program(them: str) -> None:
    """Require that this user can start snapall, as the guardian does. Untrusted: it cannot, so nothing was begun."""
    for path, right in restart.needed():
        if not os.access(path, right):
            raise Untrusted(
                f"user {them}, who owns the state folder, cannot read {path}, which is part of snapall",
                "install snapall in a folder that every user can read",
                "SA-1525",
            )
