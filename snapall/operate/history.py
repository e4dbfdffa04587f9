"""The runs of a state folder, read back: by job, by name, the last of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from snapall.backup.journal import journals
from snapall.backup.lock import at_work as is_held
from snapall.backup.lock import holder_of
from snapall.backup.memory import Memory
from snapall.errors import ConfigError, JournalError
from snapall.operate.course import Course, Kind
from snapall.operate.reading import course
from snapall.operate.status import Known, is_good
from snapall.site.process import was_there


@dataclass(frozen=True, slots=True)
class Past:
    """Runs, newest first, and what could not be read of them."""

    runs: tuple[Course, ...]
    unreadable: tuple[str, ...] = ()


def past(memory: Memory, job: str, last: int | None = None) -> Past:
    """The nights of a job, newest first; of named backups and adoptions only what is still owed counts elsewhere.

    JournalError: the folder cannot be listed, so that nothing is known.
    """
    require_listed(memory.folder)
    found: list[Course] = []
    unreadable: list[str] = []
    for one in _newest_first(memory, job):
        if isinstance(one, str):
            unreadable.append(one)
        elif one.kind is Kind.NIGHT:
            found.append(one)
        if last is not None and len(found) == last:
            break
    return Past(tuple(found), tuple(unreadable))


def _newest_first(memory: Memory, job: str) -> Iterator[Course | str]:
    for path in reversed(journals(memory.folder, job)):
        try:
            told = course(memory.open(path).facts)
        except JournalError as error:
            yield error.message
            continue
        if told is not None:
            yield told


def run_named(memory: Memory, wanted: str, jobs: Sequence[str]) -> Course:
    """The run that is meant: "" is the last of all, a job's name its last one, else a stamp, JOB-stamp or a prefix.

    ConfigError: none is called so, or several are. JournalError: its journal, or the folder, cannot be read.
    """
    require_listed(memory.folder)
    paths = journals(memory.folder)
    if not paths:
        raise ConfigError(f"no run is on record in {memory.folder}", "`snapall run` takes a backup")
    if wanted in {"", *jobs}:
        return _last([path for path in paths if not wanted or _job_of(path) == wanted], memory, wanted)
    found = [path for path in paths if wanted in (path.stem, _stamp_of(path))]
    found = found or [path for path in paths if path.stem.startswith(wanted) or _stamp_of(path).startswith(wanted)]
    match found:
        case [path]:
            told = course(memory.open(path).facts)
            if told is None:
                raise ConfigError(f"run {path.stem} died before it did anything", "name another one")
            return told
        case []:
            last = ", ".join(path.stem for path in paths[-3:])
            raise ConfigError(f"no run is called {wanted!r}", f"the last ones are {last}")
        case several:
            names = ", ".join(path.stem for path in several[-5:])
            raise ConfigError(f"{len(several)} runs begin with {wanted!r}", f"name one of them in full: {names}")


def _last(paths: Sequence[Path], memory: Memory, wanted: str) -> Course:
    for path in reversed(paths):
        told = course(memory.open(path).facts)
        if told is not None:
            return told
    raise ConfigError(f"no run of {wanted or 'any job'} is on record", "`snapall run` takes a backup")


def _job_of(path: Path) -> str:
    return path.stem.rpartition("-")[0]


def _stamp_of(path: Path) -> str:
    return path.stem.rpartition("-")[2]


def known_of(memory: Memory, job: str) -> Known:
    """What `status` needs of a job: its nights back to the last good one, and every run that is still open.

    JournalError: the folder cannot be listed, so that nothing is known.
    """
    require_listed(memory.folder)
    nights: list[Course] = []
    unreadable: list[str] = []
    for one in _newest_first(memory, job):
        if isinstance(one, str):
            unreadable.append(one)
        elif one.kind is Kind.NIGHT:
            nights.append(one)
            if is_good(one):
                break
    unsettled: list[Course] = []
    for path in memory.open_runs(job):
        try:
            told = course(memory.open(path).facts)
            unsettled += [told] if told is not None else []
        except JournalError as error:
            unreadable.append(error.message)
    pending = {one.run for one in memory.known(job) if one.temporary}
    return Known(nights, unsettled, tuple(dict.fromkeys(unreadable)), at_work(memory, job), len(pending))


def at_work(memory: Memory, job: str) -> str:
    """Who holds the job's lock, "" nobody. No lock is made for it: it would belong to whoever asks."""
    lock = memory.state / f"{job}.lock"
    if not lock.exists():
        return ""
    # Another user's lock cannot be tried: what its holder says of itself has to do, if it has not died since.
    ours = os.access(lock, os.W_OK)
    held = is_held(memory.state, job) if ours else _says_so(memory, job)
    return f"a {holder_of(memory.state, job).role}" if held else ""


def _says_so(memory: Memory, job: str) -> bool:
    holder = holder_of(memory.state, job)
    try:
        return was_there(holder.pid, datetime.fromisoformat(holder.since).timestamp())
    except ValueError:  # nobody, or one who does not say since when
        return False


def require_listed(folder: Path) -> None:
    """JournalError: what is in the folder cannot be seen. One that is not there is an empty one."""
    try:
        with suppress(FileNotFoundError), os.scandir(folder) as entries:
            next(entries, None)
    except OSError as error:
        raise JournalError(
            f"the journals in {folder} cannot be read: {error.strerror}",
            "let whoever asks belong to a group that may read them",
        ) from error
