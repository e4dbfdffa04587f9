"""The holder file beside a job's lock: which process has the lock, and whether that process is alive."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from snapall.backup import private
from snapall.backup.steps import Child
from snapall.errors import Locked, LockNotReleased, Untrusted
from snapall.escaping import shell_word

UNKNOWN = "process"
"""The role of a holder without a holder file."""

_LONGEST = 4096  # bytes of a holder file


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that has a job's lock, as its holder file says."""

    role: str
    pid: int
    since: str
    host: str = ""
    started: float = 0.0  # seconds since 1970; 0: not known


class Processes(Protocol):
    """The processes of this machine."""

    def itself(self) -> Child:
        """This very process."""

    def alive(self, child: Child) -> bool:
        """Whether this very process still runs."""


class NoProcesses:
    """Knows no other process: each counts as alive."""

    def itself(self) -> Child:
        """This very process, without its start time."""
        return Child(os.getpid(), 0.0)

    def alive(self, _child: Child) -> bool:
        """Always True, to be safe."""
        return True


NO_PROCESSES = NoProcesses()


def write_holder(holder_file: Path, role: str, since: datetime, me: Child) -> None:
    """Write down who has the lock, for all who may read the state folder. OSError."""
    at = since.isoformat(timespec="seconds")
    body = {"role": role, "host": platform.node(), "pid": me.pid, "started": me.started, "since": at}
    private.write(holder_file, json.dumps(body))


def is_dead(holder: Holder, processes: Processes) -> bool:
    """Whether the holder is certainly dead: one of this machine, with its start time known."""
    return _is_known(holder) and not processes.alive(Child(holder.pid, holder.started))


def is_alive(holder: Holder, processes: Processes) -> bool:
    """Whether the holder is certainly alive, and not this very process."""
    return _is_known(holder) and holder.pid != os.getpid() and processes.alive(Child(holder.pid, holder.started))


def _is_known(holder: Holder) -> bool:
    return holder.host == platform.node() and holder.pid > 0 and holder.started > 0


def holder_of(state: Path, job: str) -> Holder:
    """The holder as its file says; the file may outlive a dead process until the next one takes the lock."""
    try:
        with private.read(state / f"{job}.holder") as file:
            body = json.loads(file.read(_LONGEST))
        started = float(body.get("started", 0.0))
        return Holder(str(body["role"]), int(body["pid"]), str(body["since"]), str(body.get("host", "")), started)
    except (OSError, Untrusted, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return Holder(UNKNOWN, 0, "a moment ago")


def label_of(holder: Holder, job: str) -> str:
    """A holder in messages."""
    if holder.pid == 0:
        return f"a process at work on job {job} that has left no holder file"
    return f"the {holder.role} of job {job} (process {holder.pid})"


def locked(state: Path, job: str, holder: Holder) -> Locked:
    """The error for a lock that another process has, with a holder file or without one."""
    if holder.pid == 0:
        path = state / f"{job}.lock"
        return Locked(
            f"the lock {path} is held by a process that has left no holder file",
            f"if that lasts, find the process with {_search(path)}; if it is no run at work, end it",
            "SA-1012",
        )
    return Locked(
        f"another {holder.role} is already working on job {job} (process {holder.pid}, since {holder.since})",
        "wait until it has ended; if the old schedule and a new one overlap, move one of them",
        "SA-1011",
    )


def held_too_long(job: str, holder: Holder, seconds: float) -> Locked:
    """The error for a lock that a use of a backup keeps."""
    return Locked(
        f"the {holder.role} of job {job} (process {holder.pid}, since {holder.since}) has kept its lock for "
        f"{seconds / 60:.0f} minutes: nothing was done",
        f"wait until process {holder.pid} has ended; if it hangs, end it and run `snapall recover`, then try again",
        "SA-1770",
    )


def not_released(state: Path, job: str, holder: Holder) -> LockNotReleased:
    """The error for a lock whose holder is dead."""
    path = state / f"{job}.lock"
    return LockNotReleased(
        f"the lock {path} is still held although process {holder.pid}, the {holder.role} that it names, is dead",
        f"find who holds it with {_search(path)}, end that process, then run `snapall recover`",
        "SA-1013",
    )


def _search(path: Path) -> str:
    """The command that finds the process with a lock."""
    if sys.platform == "win32":
        return f"Sysinternals' `handle {shell_word(str(path))}`"
    return f"`fuser -v {shell_word(str(path))}` or `lsof {shell_word(str(path))}`"


def holder_file_exists(state: Path, job: str) -> bool:
    """Whether there may be a holder file; True if we may not look."""
    try:
        return bool((state / f"{job}.holder").lstat())
    except OSError as error:
        return not isinstance(error, FileNotFoundError | NotADirectoryError)
