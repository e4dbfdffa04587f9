"""Reads past runs from a state folder: by job, by name, or the last one."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from snapall.backup import private
from snapall.backup.holder import holder_of, not_released
from snapall.backup.journal import is_open, journals
from snapall.backup.lock import Use, use_of
from snapall.backup.store import JournalStore, read_summary
from snapall.errors import ConfigError, JournalError, OldFormat
from snapall.operate.reading import from_summary, history
from snapall.operate.run_history import RunHistory, RunKind
from snapall.operate.status import Known, Unreadable, is_good
from snapall.site.process import was_there

_RETRIES = 4
_PAUSE = 0.25  # seconds before a lock whose holder is dead is checked again


@dataclass(frozen=True, slots=True)
class PastRuns:
    """Runs, newest first, and the errors of journals that cannot be read."""

    runs: tuple[RunHistory, ...]
    unreadable: tuple[str, ...] = ()


def past(store: JournalStore, job: str, last: int | None = None) -> PastRuns:
    """Return the nights of a job, newest first, without kept backups and adoptions.

    JournalError: the folder cannot be listed.
    """
    require_listed(store.folder)
    found: list[RunHistory] = []
    unreadable: list[str] = []
    for one in _newest_first(store, job):
        if isinstance(one, Unreadable):
            unreadable.append(one.text)
        elif one.kind is RunKind.NIGHT:
            found.append(one)
        if last is not None and len(found) == last:
            break
    return PastRuns(tuple(found), tuple(unreadable))


def _newest_first(store: JournalStore, job: str) -> Iterator[RunHistory | Unreadable]:
    """Yield each run, read from its summary. Skips closed journals of an older format: nothing depends on them."""
    for path in reversed(journals(store.folder, job)):
        try:
            summary = read_summary(path)
        except JournalError as error:
            if is_open(path) or not isinstance(error, OldFormat):
                yield Unreadable(error.message, error.hint, is_open(path))
            continue
        if summary is not None:
            yield from_summary(summary)


def run_named(store: JournalStore, wanted: str, jobs: Sequence[str]) -> RunHistory:
    """Return a run by name: "" for the last of all, a job for its last one, a stamp, JOB-stamp, or a prefix of it.

    ConfigError: no run matches, or several do. JournalError: the journal or the folder cannot be read.
    """
    require_listed(store.folder)
    paths = journals(store.folder)
    if not paths:
        raise ConfigError(f"there is no run in {store.folder}", "take a backup with `snapall run`", "SA-5202")
    if wanted in {"", *jobs}:
        return _last([path for path in paths if not wanted or _job_of(path) == wanted], store, wanted)
    found = [path for path in paths if wanted in (path.stem, _stamp_of(path))]
    found = found or [path for path in paths if path.stem.startswith(wanted) or _stamp_of(path).startswith(wanted)]
    match found:
        case [path]:
            run = history(store.read(path))
            if run is None:
                raise ConfigError(f"run {path.stem} died before it did anything", "choose another run", "SA-5205")
            return run
        case []:
            last = ", ".join(path.stem for path in paths[-3:])
            raise ConfigError(
                f"there is no run {wanted!r}", f"choose a run, for example one of the last: {last}", "SA-5203"
            )
        case several:
            names = ", ".join(path.stem for path in several[-5:])
            raise ConfigError(
                f"{len(several)} runs begin with {wanted!r}", f"use the full name of one: {names}", "SA-5204"
            )


def _last(paths: Sequence[Path], store: JournalStore, wanted: str) -> RunHistory:
    for path in reversed(paths):
        run = history(store.read(path))
        if run is not None:
            return run
    raise ConfigError(f"there is no run of {wanted or 'any job'}", "take a backup with `snapall run`", "SA-5201")


def _job_of(path: Path) -> str:
    return path.stem.rpartition("-")[0]


def _stamp_of(path: Path) -> str:
    return path.stem.rpartition("-")[2]


def known_of(store: JournalStore, job: str) -> Known:
    """Return what `status` needs of a job: its nights back to the last good one, and every open run.

    JournalError: the folder cannot be listed.
    """
    require_listed(store.folder)
    nights: list[RunHistory] = []
    unreadable: list[Unreadable] = []
    for one in _newest_first(store, job):
        if isinstance(one, Unreadable):
            unreadable.append(one)
        elif one.kind is RunKind.NIGHT:
            nights.append(one)
            if is_good(one):
                break
    unsettled: list[RunHistory] = []
    paths = store.open_runs(job)
    for path in paths:
        try:
            run = history(store.read(path))  # in full, since damage in the middle of an open run matters
            unsettled += [run] if run is not None else []
        except JournalError as error:
            unreadable.append(Unreadable(error.message, error.hint, open=True))
    pending = {one.run for one in store.known(job) if one.temporary}
    lock = lock_of(store, job)
    silent = _silence(paths[-1], store) if paths else 0.0
    return Known(
        nights, unsettled, tuple(dict.fromkeys(unreadable)), lock.at_work, len(pending), lock.abandoned, silent
    )


def _silence(path: Path, store: JournalStore) -> float:
    """Seconds since a run wrote to its journal or touched it as a heartbeat."""
    try:
        return store.clock.utc().timestamp() - path.stat().st_mtime
    except OSError:
        return 0.0


@dataclass(frozen=True, slots=True)
class LockStatus:
    """A job's lock. `at_work`: the role of its holder, "" if free. `abandoned`: why it cannot be taken, or ""."""

    at_work: str = ""
    abandoned: str = ""
    remedy: str = ""
    code: str = ""


def lock_of(store: JournalStore, job: str) -> LockStatus:
    """Return the state of the job's lock, without creating one, which would belong to the wrong user."""
    use = use_of(store.state, job, store.processes)
    for _ in range(_RETRIES):  # another process may be checking it, or a guardian taking it
        if use is Use.ABANDONED:
            store.clock.wait(_PAUSE, lambda: False)
            use = use_of(store.state, job, store.processes)
    holder = holder_of(store.state, job)
    match use:
        case Use.ABANDONED:
            error = not_released(store.state, job, holder)
            return LockStatus("", *error.parts)
        case Use.FREE:
            return LockStatus()
        case Use.HIDDEN if not _holder_lives(store, job):
            return LockStatus()
        case Use.HELD | Use.HIDDEN:
            return LockStatus(f"a {holder.role}")


def at_work(store: JournalStore, job: str) -> str:
    """Return the role of whoever holds the job's lock, "" if nobody does."""
    return lock_of(store, job).at_work


def _holder_lives(store: JournalStore, job: str) -> bool:
    """Whether the holder of a lock that we may not open is alive, by its own note."""
    holder = holder_of(store.state, job)
    if holder.host not in {"", platform.node()}:
        return True
    try:
        return was_there(holder.pid, holder.started or datetime.fromisoformat(holder.since).timestamp())
    except ValueError:  # no holder, or no start time
        return False


def require_listed(folder: Path) -> None:
    """Require a readable and trusted folder. JournalError: it is not. A missing folder counts as empty."""
    try:
        with suppress(FileNotFoundError), os.scandir(folder) as entries:
            next(entries, None)
        private.require_trusted(folder.parent)
    except OSError as error:
        remedy = f"check {folder}: it should be a folder used only by snapall"
        if isinstance(error, PermissionError):
            remedy = "set `readers` in the configuration to a group that this user belongs to"
        raise JournalError(f"the journals in {folder} cannot be read: {error.strerror}", remedy, "SA-5206") from error
