"""This machine's links: the configuration's file rights, the state folder, the log, the lock, what is still owed."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from snapall.backup import private
from snapall.backup.holder import holder_of
from snapall.backup.store import JournalStore
from snapall.config.settings import Config, Hooks
from snapall.errors import SnapallError
from snapall.operate.doctor.links import Seen, Walk
from snapall.operate.history import known_of, lock_of

_ROOM = 50 * 1024 * 1024  # bytes; a journal of 1,000 VMs takes two
_OTHERS = stat.S_IRGRP | stat.S_IROTH


def look_here(walk: Walk, settings: Config, memory: JournalStore) -> None:
    """Everything that can be said without contacting anybody."""
    jobs = ", ".join(settings.jobs)
    walk.look("configuration", "", lambda: Seen(f"{settings.path}: jobs {jobs}"))
    walk.look("file rights", "", lambda: _rights(settings))
    there = walk.look("state folder", "", lambda: _folder(settings))
    walk.look("log", "", lambda: _file(settings.log, "log"))
    if settings.metrics is not None:
        metrics = settings.metrics
        walk.look("metrics", "", lambda: _file(metrics, "metrics"))
    for job, hooks in settings.hooks.items():
        if hooks.programs:
            walk.look("hooks", job, lambda hooks=hooks: _hooks(hooks))  # type: ignore[misc]
    for job in settings.jobs:
        walk.look("lock", job, lambda job=job: _lock(memory, job), "state folder")  # type: ignore[misc]
    # A job that the configuration has lost may owe something all the same.
    for job in dict.fromkeys([*settings.jobs, *(memory.jobs() if there else ())]):
        walk.look("outstanding work", job, lambda job=job: _outstanding(memory, job), "state folder")  # type: ignore[misc]


def _rights(settings: Config) -> Iterator[Seen]:
    """Who may read the passwords and keys, and write what we run by."""
    if sys.platform == "win32":
        yield Seen("not looked at on Windows: see the files' security by hand")
        return
    found = False
    for path in settings.secret_files:
        if path.stat().st_mode & _OTHERS:
            found = True
            yield Seen(f"{path} holds a secret, and others than its owner may read it", f"chmod 600 {path}")
    if settings.path.stat().st_mode & stat.S_IWOTH:
        found = True
        yield Seen(f"everybody may write {settings.path}, and so run any program by it", f"chmod o-w {settings.path}")
    if not found:
        yield Seen("secrets are readable for their owner alone")


def _folder(settings: Config) -> Seen:
    path = settings.state
    there = _nearest(path)
    if not there.is_dir():
        raise SnapallError(f"{there} is a file, and should be the folder for journals", "name another `state`")
    if not os.access(there, os.W_OK | os.X_OK):
        raise SnapallError(f"{there} cannot be written by this user", "give it to whoever runs snapall")
    private.require_trusted(path)
    unread = private.not_readable_by(settings.readers, path) if settings.readers is not None and path.exists() else None
    if unread is not None:
        return Seen(
            f"the group `readers` cannot read {unread}",
            "make whoever runs snapall a member of that group: the next run lets it read the state",
        )
    free = _free(there)
    if free is not None and free < _ROOM:
        return Seen(f"{path} has only {free // 1024} KiB left", "free some space: no journal, no backup")
    return Seen(f"{path}{'' if path.exists() else ', which the first run makes'}")


def _nearest(path: Path) -> Path:
    """The path, or the nearest of its parents that is there."""
    return path if path.exists() or path == path.parent else _nearest(path.parent)


def _free(folder: Path) -> int | None:
    if sys.platform == "win32":
        return None
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize


def _file(path: Path, key: str) -> Seen:
    """A file that is written beside a backup, and costs none when it cannot be."""
    there = path if path.exists() else path.parent
    if path.is_dir():
        return Seen(f"{path} is a folder", f"name a file as `{key}`: nothing can be written to it")
    if not there.exists():
        return Seen(f"the folder {path.parent} is not there", f"make it, or name another file as `{key}`")
    if not os.access(there, os.W_OK):
        return Seen(f"{path} cannot be written by this user", "give it to whoever runs snapall")
    return Seen(str(path))


def _hooks(hooks: Hooks) -> Iterator[Seen]:
    """Whether their programs are there; what they do is tried by no look."""
    missing = {when: program for when, program in hooks.programs.items() if shutil.which(program) is None}
    if "before" in missing:
        raise SnapallError(f"`before`: {_absent(missing['before'])}, so that no backup would be begun", _IN_FULL)
    for when, program in missing.items():
        yield Seen(f"`{when}`: {_absent(program)}", _IN_FULL)
    if not missing:
        yield Seen(f"{', '.join(hooks.programs)}: to be found")


def _absent(program: str) -> str:
    return f"{program} is not on this machine, or may not be run"


_IN_FULL = "name the program in full, as a list with its arguments"


def _lock(memory: JournalStore, job: str) -> Seen:
    lock = lock_of(memory, job)
    if lock.abandoned:
        raise SnapallError(lock.abandoned, lock.remedy)
    if not lock.at_work:
        return Seen("nobody is at work")
    holder = holder_of(memory.state, job)
    return Seen(
        f"{lock.at_work} is at work since {holder.since} (pid {holder.pid})", "a run would end with exit 4 now: wait"
    )


def _outstanding(store: JournalStore, job: str) -> Iterator[Seen]:
    known = known_of(store, job)
    for one in known.unreadable:
        yield Seen(one.text, one.remedy)
    left = [label for one in known.open for label in one.left]
    if left:
        yield Seen(f"earlier runs may have left VMs quiesced: {', '.join(left)}", "snapall recover")
    elif known.open:
        yield Seen("an earlier run is not settled whole", "snapall recover")
    elif not known.unreadable:
        yield Seen("nothing is owed")
