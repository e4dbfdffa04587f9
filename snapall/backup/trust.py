"""Who is trusted with the files that snapall believes, and who else could have written them: see breaches.py.

Trusted are root and the user who runs snapall, and a user's private group, which has no other member. On Windows, which
has access lists in place of modes, these are SYSTEM, Administrators, TrustedInstaller and the user: see acl.py.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from snapall.backup.breaches import Breach, Doubt, Owner

_MOST_LINKS = 40  # that the system follows for one name


def me() -> int:
    """The user who runs this process; 0 on Windows."""
    if sys.platform == "win32":
        return 0
    return os.geteuid()


def doubts(path: Path, *more_owners: Owner) -> Iterator[Doubt]:
    """Find out how others could have written this file or folder. `more_owners` are trusted, too. OSError."""
    if sys.platform == "win32":
        from snapall.backup import doubts_windows  # noqa: PLC0415 - pywin32

        yield from doubts_windows.doubts(path, *more_owners)
        yield from doubts_windows.replaceable(path, *more_owners)
        return
    about, trusted = path.stat(), frozenset({0, me(), *more_owners})
    if about.st_uid not in trusted:
        yield Doubt(Breach.OWNER, path, user_name(about.st_uid))
    if about.st_mode & stat.S_IWOTH:
        yield Doubt(Breach.EVERYBODY, path, f"its mode is {mode_of(about)}")
    elif is_shared(path, about):
        group = group_name(about.st_gid)
        yield Doubt(Breach.GROUP, path, f"its mode is {mode_of(about)}, and its group is {group}{_acl(path)}")
    if about.st_mode & (stat.S_IROTH | stat.S_IRGRP) and not _is_read_by_us_alone(about):
        yield Doubt(Breach.READABLE, path, f"its mode is {mode_of(about)}")
    yield from replaceable(path, *more_owners)


def replaceable(path: Path, *more_owners: Owner) -> Iterator[Doubt]:
    """Find the folders in which others could replace this file, whether it exists or not, or a link on the way to it.

    In a sticky folder, such as /tmp, only an owner replaces a name; but anybody could have made one there, so
    `more_owners` are not trusted with it. OSError.
    """
    if sys.platform == "win32":
        from snapall.backup import doubts_windows  # noqa: PLC0415 - pywin32

        yield from doubts_windows.replaceable(path, *more_owners)
        return
    trusted = frozenset({0, me(), *more_owners})
    for entry, folder in dict.fromkeys(_way_to(path)):
        about = folder.stat()
        can_write = f"can write the folder {folder} (mode {mode_of(about)})"
        if about.st_uid not in trusted:
            yield Doubt(Breach.FOLDER, folder, f"the folder {folder} belongs to user {user_name(about.st_uid)}")
        elif about.st_mode & stat.S_ISVTX and _made_by_us(entry):
            continue
        elif about.st_mode & stat.S_IWOTH:
            yield Doubt(Breach.FOLDER, folder, f"everybody {can_write}")
        elif is_shared(folder, about):
            yield Doubt(Breach.SHARED_FOLDER, folder, f"group {group_name(about.st_gid)}{_acl(folder)} {can_write}")


def _way_to(path: Path, links: int = 0) -> Iterator[tuple[Path, Path]]:
    """Each name on the way to a file, those behind links too, with the folder in which the name stands."""
    path = path.absolute()
    for entry in reversed([path, *path.parents][:-1]):
        if not entry.parent.exists():
            return
        yield entry, entry.parent
        if links < _MOST_LINKS and entry.is_symlink():
            yield from _way_to(entry.parent / entry.readlink(), links + 1)


def _made_by_us(entry: Path) -> bool:
    """Whether this name belongs to root or us. One that does not exist belongs to whoever makes it."""
    with suppress(FileNotFoundError):
        return entry.lstat().st_uid in {0, me()}
    return True


def is_shared(path: Path, about: os.stat_result) -> bool:
    """Whether a group can write here that is not the private group of the owner, or of this user.

    With an access list, the mode of the group is the most that those in the list may do (acl(5)): then it is no sign
    that the group alone may write.
    """
    return bool(about.st_mode & stat.S_IWGRP) and (_acl(path) != "" or not is_private(about))


def _acl(path: Path) -> str:
    """What to say of a file's access list; "" if it has none."""
    if sys.platform == "linux":
        with suppress(OSError):  # a file system without such lists
            return ", with an access list (getfacl)" if "system.posix_acl_access" in os.listxattr(path) else ""
    return ""


def is_private(about: os.stat_result) -> bool:
    """Whether the file's group is the private group of its owner or of this user, as Debian and Red Hat make them.

    With a umask of 002, all files of such a user are writable by that group. Root's group is private, too, unless it
    has members; `tar`, as root, keeps the mode that a file had in the archive.
    """
    return any(_is_private_group(about.st_gid, user) for user in {about.st_uid, me()})


def _is_private_group(number: int, user: int) -> bool:
    if sys.platform == "win32":
        return False
    import grp  # noqa: PLC0415 - where there is one
    import pwd  # noqa: PLC0415 - where there is one

    try:
        group, account = grp.getgrgid(number), pwd.getpwuid(user)
    except KeyError:
        return False
    named = account.pw_gid == number and account.pw_name == group.gr_name and set(group.gr_mem) <= {account.pw_name}
    return named and all(one.pw_uid == user for one in pwd.getpwall() if one.pw_gid == number)


def _is_read_by_us_alone(about: os.stat_result) -> bool:
    """Whether root gave this user's private group the right to read a file, and nobody else."""
    return not about.st_mode & stat.S_IROTH and about.st_uid != me() and is_private(about)


def mode_of(about: os.stat_result) -> str:
    """The mode as chmod takes it."""
    return f"{stat.S_IMODE(about.st_mode):04o}"


def owner_of(path: Path) -> Owner:
    """The owner of a file or folder. OSError."""
    if sys.platform == "win32":
        from snapall.backup import acl_windows  # noqa: PLC0415 - pywin32

        return acl_windows.access_of(path).owner
    return path.stat().st_uid


def believed_owners(path: Path) -> tuple[Owner, ...]:
    """Whom a user who only reads believes: the owner of the state. Root and Administrators believe nobody. OSError."""
    if sys.platform == "win32":
        from snapall.backup import acl_windows  # noqa: PLC0415 - pywin32

        return () if acl_windows.is_administrator() else (owner_of(path),)
    owner = path.stat().st_uid
    return (owner,) if me() else ()


def user_name(owner: Owner) -> str:
    """The name of a user; the number or the SID if it has none."""
    if sys.platform == "win32":
        from snapall.backup import acl_windows  # noqa: PLC0415 - pywin32

        return acl_windows.account_name(str(owner))
    import pwd  # noqa: PLC0415 - where there is one

    with suppress(KeyError):
        return pwd.getpwuid(int(owner)).pw_name
    return str(owner)


def my_name() -> str:
    """The name of the user who runs this process."""
    if sys.platform == "win32":
        from snapall.backup import acl_windows  # noqa: PLC0415 - pywin32

        return acl_windows.account_name(acl_windows.my_sid())
    return user_name(me())


def group_name(number: int) -> str:
    """The name of a group; the number if it has none."""
    if sys.platform != "win32":
        import grp  # noqa: PLC0415 - where there is one

        with suppress(KeyError):
            return grp.getgrgid(number).gr_name
    return str(number)
