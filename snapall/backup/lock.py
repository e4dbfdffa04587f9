"""The lock of a job: who changes the world holds it, and it dies with its process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from snapall.backup.clock import Clock
from snapall.errors import JournalError, Locked, Stopped

_UNKNOWN = "process"  # how a holder is called that has not said what it is


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a job's lock."""

    role: str
    pid: int
    since: str


@contextmanager
def hold(
    state: Path,
    job: str,
    role: str,
    clock: Clock,
    stopped: Callable[[], bool],
    waiting: Callable[[str], None] = lambda _: None,
) -> Iterator[None]:
    """Hold the job's lock, which the system drops with the process.

    Recover and guardian are waited for, since they end by themselves; `waiting` hears of it once. Locked: another run
    holds it. Stopped:
    `stopped` came true while waiting. JournalError: the folder cannot be written.
    """
    try:
        state.mkdir(parents=True, exist_ok=True)
        lock = FileLock(state / f"{job}.lock")
        attempts, told = 0, False
        while not _acquired(lock):
            holder = holder_of(state, job)
            attempts = attempts + 1 if holder.role in {"run", _UNKNOWN} else 0
            # One that has not said who it is, is just leaving, or only asked (`at_work`) is given a moment.
            if attempts > 1:
                raise Locked(
                    f"job {job} is held by another {holder.role} (process {holder.pid}, since {holder.since})",
                    "wait until it has ended; if the old schedule and a new one overlap, move one of them",
                )
            if stopped():
                raise Stopped(f"stopped while waiting for the {holder.role} of job {job} (process {holder.pid})")
            if attempts == 0 and not told:
                waiting(f"waiting for the {holder.role} of job {job} (process {holder.pid}), which settles a run")
                told = True
            clock.wait(1, stopped)
    except OSError as error:
        raise JournalError(f"the folder {state} cannot be written: {error.strerror}", JournalError.ROOM) from error
    with _kept(lock, state / f"{job}.holder", role, clock):
        yield


@contextmanager
def seize(state: Path, job: str, role: str, clock: Clock) -> Iterator[bool]:
    """Hold the job's lock if nobody does at this moment; yields whether that is so. No folder is made for it."""
    lock = FileLock(state / f"{job}.lock")
    try:
        free = state.is_dir() and _acquired(lock)
    except OSError:
        free = False
    if not free:
        yield False
        return
    with _kept(lock, state / f"{job}.holder", role, clock):
        yield True


@contextmanager
def _kept(lock: FileLock, sidecar: Path, role: str, clock: Clock) -> Iterator[None]:
    """Say who holds the lock, and give it up in the end."""
    try:
        body = {"role": role, "pid": os.getpid(), "since": clock.utc().isoformat(timespec="seconds")}
        with suppress(OSError):  # it only tells others whether waiting is worth it: a full disk stops no recover
            sidecar.write_text(json.dumps(body))
        yield
    finally:
        with suppress(OSError):
            sidecar.unlink(missing_ok=True)
        lock.release()


def at_work(state: Path, job: str) -> bool:
    """Whether somebody holds the job's lock now. Whoever wants it at this very moment waits a second and has it."""
    lock = FileLock(state / f"{job}.lock")
    try:
        free = _acquired(lock)
    except OSError:
        return False
    lock.release()
    return not free


def _acquired(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True


def holder_of(state: Path, job: str) -> Holder:
    """What the holder says of itself; one that died may still be named until the next one holds the lock."""
    try:
        body = json.loads((state / f"{job}.holder").read_text())
        return Holder(str(body["role"]), int(body["pid"]), str(body["since"]))
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return Holder(_UNKNOWN, 0, "a moment ago")
