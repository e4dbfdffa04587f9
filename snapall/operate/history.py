"""The runs of a state folder, read back: by job, by name, the last of them."""

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

_LOOKS = 4
_BETWEEN = 0.25  # seconds between two looks at a lock whose holder is dead


@dataclass(frozen=True, slots=True)
class PastRuns:
    """Runs, newest first, and what could not be read of them."""

    runs: tuple[RunHistory, ...]
    unreadable: tuple[str, ...] = ()


def past(store: JournalStore, job: str, last: int | None = None) -> PastRuns:
    """The nights of a job, newest first; named backups and adoptions are no nights.

    JournalError: the folder cannot be listed, so that nothing is known.
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
    """Each run by its summary. A journal of an older format is passed over once it is closed: nothing depends on it."""
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
    """The run that is meant: "" is the last of all, a job's name its last one, else a stamp, JOB-stamp or a prefix.

    ConfigError: none is called so, or several are. JournalError: its journal, or the folder, cannot be read.
    """
    require_listed(store.folder)
    paths = journals(store.folder)
    if not paths:
        raise ConfigError(f"no run is on record in {store.folder}", "`snapall run` takes a backup")
    if wanted in {"", *jobs}:
        return _last([path for path in paths if not wanted or _job_of(path) == wanted], store, wanted)
    found = [path for path in paths if wanted in (path.stem, _stamp_of(path))]
    found = found or [path for path in paths if path.stem.startswith(wanted) or _stamp_of(path).startswith(wanted)]
    match found:
        case [path]:
            run = history(store.read(path))
            if run is None:
                raise ConfigError(f"run {path.stem} died before it did anything", "name another one")
            return run
        case []:
            last = ", ".join(path.stem for path in paths[-3:])
            raise ConfigError(f"no run is called {wanted!r}", f"the last ones are {last}")
        case several:
            names = ", ".join(path.stem for path in several[-5:])
            raise ConfigError(f"{len(several)} runs begin with {wanted!r}", f"name one of them in full: {names}")


def _last(paths: Sequence[Path], store: JournalStore, wanted: str) -> RunHistory:
    for path in reversed(paths):
        run = history(store.read(path))
        if run is not None:
            return run
    raise ConfigError(f"no run of {wanted or 'any job'} is on record", "`snapall run` takes a backup")


def _job_of(path: Path) -> str:
    return path.stem.rpartition("-")[0]


def _stamp_of(path: Path) -> str:
    return path.stem.rpartition("-")[2]


def known_of(store: JournalStore, job: str) -> Known:
    """What `status` needs of a job: its nights back to the last good one, and every run that is still open.

    JournalError: the folder cannot be listed, so that nothing is known.
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
            run = history(store.read(path))  # whole: of an open run, damage in the middle matters
            unsettled += [run] if run is not None else []
        except JournalError as error:
            unreadable.append(Unreadable(error.message, error.hint, open=True))
    pending = {one.run for one in store.known(job) if one.temporary}
    lock = lock_of(store, job)
    notes = tuple(dict.fromkeys(unreadable))
    silent = _silence(paths[-1], store) if paths else 0.0
    return Known(nights, unsettled, notes, lock.at_work, len(pending), lock.abandoned, silent)


def _silence(path: Path, store: JournalStore) -> float:
    """Seconds since a run wrote into its journal, or touched it to say that it lives."""
    try:
        return store.clock.utc().timestamp() - path.stat().st_mtime
    except OSError:
        return 0.0


@dataclass(frozen=True, slots=True)
class LockSeen:
    """A look at a job's lock. `at_work`: who works under it, "" nobody. `abandoned`: why nobody can get it, else ""."""

    at_work: str = ""
    abandoned: str = ""
    remedy: str = ""


def lock_of(store: JournalStore, job: str) -> LockSeen:
    """Look at the job's lock. No lock is made for it: it would belong to whoever asks."""
    use = use_of(store.state, job, store.processes)
    for _ in range(_LOOKS):  # somebody else may look at this moment, or a guardian just take it
        if use is Use.ABANDONED:
            store.clock.wait(_BETWEEN, lambda: False)
            use = use_of(store.state, job, store.processes)
    holder = holder_of(store.state, job)
    match use:
        case Use.ABANDONED:
            error = not_released(store.state, job, holder)
            return LockSeen("", error.message, error.hint)
        case Use.FREE:
            return LockSeen()
        case Use.HIDDEN if not _says_so(store, job):
            return LockSeen()
        case Use.HELD | Use.HIDDEN:
            return LockSeen(f"a {holder.role}")


def at_work(store: JournalStore, job: str) -> str:
    """Who works under the job's lock, "" nobody."""
    return lock_of(store, job).at_work


def _says_so(store: JournalStore, job: str) -> bool:
    """What the holder of a lock that we may not open says of itself, if it has not died since."""
    holder = holder_of(store.state, job)
    if holder.host not in {"", platform.node()}:
        return True
    try:
        return was_there(holder.pid, holder.started or datetime.fromisoformat(holder.since).timestamp())
    except ValueError:  # nobody, or one who does not say since when
        return False


def require_listed(folder: Path) -> None:
    """JournalError: what is in the folder cannot be seen, or is not to be believed. One that is not there is empty."""
    try:
        with suppress(FileNotFoundError), os.scandir(folder) as entries:
            next(entries, None)
        private.require_trusted(folder.parent)
    except OSError as error:
        readers = "name a group that whoever asks belongs to as `readers` in the configuration"
        raise JournalError(
            f"the journals in {folder} cannot be read: {error.strerror}",
            readers
            if isinstance(error, PermissionError)
            else f"see what {folder} is: it should be a folder of its own",
        ) from error
