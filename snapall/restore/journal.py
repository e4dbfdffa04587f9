"""The journals of mounts, restores and verifications: one file for each, apart from the nightly ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from snapall.backup.clock import Clock
from snapall.backup.codec import fact_of
from snapall.backup.journal import JournalFile, is_open, journals
from snapall.backup.readback import ASIDE, format_of, last_line, whole_lines
from snapall.backup.store import JournalStore
from snapall.errors import JournalError, Notify, OldFormat
from snapall.escaping import shell_word
from snapall.restore.ending import remains
from snapall.restore.mounted import Mount, mount_of
from snapall.restore.record import FACTS, RESTORE_FORMAT, UseBegan, UseFact, UseKind, UseRecord
from snapall.restore.state import UseState, fold
from snapall.restore.steps import RestoreVolume

_KINDS = {kind.value for kind in UseKind}  # replications have their journals in the same folder


class UseJournal(JournalFile[UseFact, UseRecord]):
    """The file of one mount, restore or verification."""

    @classmethod
    def open(cls, path: Path, clock: Clock) -> Self:
        """Take over an earlier one. A torn last line was never acted upon, and is cut off."""
        records, size = read_use(path)
        return cls(path, clock, records, size)

    def _recorded(self, facts: Sequence[UseFact]) -> list[UseRecord]:
        return [UseRecord(self._clock.utc(), fact) for fact in facts]


def read_use(path: Path) -> tuple[list[UseRecord], int]:
    """The records of a file, and how many bytes of it are whole. JournalError: it cannot be read."""
    whole, size = whole_lines(path)
    number, version = format_of(whole, UseBegan.__name__)
    if number not in {0, RESTORE_FORMAT}:
        raise OldFormat(
            f"the journal {path} was written by another version of snapall ({version}), in a format of its own",
            "settle it with that version: `snapall status` shows it, `snapall unmount` or `snapall recover` ends it",
            "SA-1762",
        )
    lines = whole[:size].decode("utf-8", "replace").splitlines()
    try:
        found = [fact_of(line, FACTS) for line in lines]
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    records = [UseRecord(*one) for one in found if one is not None]
    if records and fold(records[:1]).began is None:
        raise _damaged(path, "it begins without its header")
    return records, size


def is_over(path: Path) -> bool:
    """Whether the last line says that nothing is left of a use, and sums up all before it. Reads only the file's end.

    Without such a line, the whole journal has to tell.
    """
    try:
        length, line = last_line(path)
        found = fact_of(line.decode(), FACTS) if line.endswith(b"\n") else None
    except (OSError, ValueError, JournalError):  # reading the whole file reports what is wrong with it
        return False
    return found is not None and 0 < UseRecord(*found).sums_up == length


def _damaged(path: Path, why: str) -> JournalError:
    old, new = (shell_word(str(one)) for one in (path, f"{path}{ASIDE}"))
    return JournalError(
        f"the journal {path} is damaged: {why}",
        f"check with `lun show -v` for LUNs called snapall_*, then rename {old} to {new}",
        "SA-1710",
    )


@dataclass(frozen=True, slots=True)
class RecordedUse:
    """A mount, a restore or a verification as its journal has it. `open`: it may have left something half-way."""

    path: Path
    state: UseState
    open: bool

    @property
    def left(self) -> tuple[str, ...]:
        """What it left wrong, as far as nobody has accepted it."""
        return remains(self.state)

    @property
    def unfinished(self) -> bool:
        """Whether `recover` has something to do or to say about it."""
        return self.open or bool(self.left)

    @property
    def began_at(self) -> datetime | None:
        """When it began."""
        return self.state.began_at


@dataclass(frozen=True, slots=True)
class SharedVolumes:
    """Volumes of the filer at a host, and the names of all jobs whose locks guard them."""

    filer: str
    volumes: tuple[str, ...]
    jobs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UseStore:
    """The journals of all uses of backups in a state folder."""

    runs: JournalStore

    @property
    def folder(self) -> Path:
        """Their folder."""
        return self.runs.state / "restores"

    def begin(self, header: UseBegan) -> UseJournal:
        """Begin a journal. JournalError: it cannot be written."""
        path = self.folder / f"{header.kind}-{header.job}-{header.stamp}.jsonl"
        return UseJournal.begin(path, header, self.runs.clock)

    def open(self, path: Path) -> UseJournal:
        """Take over a journal. JournalError: it cannot be read."""
        return UseJournal.open(path, self.runs.clock)

    def now(self, use: RecordedUse) -> RecordedUse:
        """A use as its journal has it now: whoever had the lock may have gone on. JournalError: it cannot be read."""
        return RecordedUse(use.path, fold(read_use(use.path)[0]), is_open(use.path))

    def uses(
        self, job: str | None = None, *, only_open: bool = False, unreadable: Notify | None = None
    ) -> Iterator[RecordedUse]:
        """The uses that are not over, of one job or of all, oldest first.

        `unreadable` is told of each journal that cannot be read, and the others follow. Without it: JournalError.
        """
        for path in self._paths(job, unreadable):
            if is_over(path):
                continue
            open_ = is_open(path)
            if open_ or not only_open:
                try:
                    state = fold(read_use(path)[0])
                except JournalError as error:
                    _pass_on(error, unreadable)
                    continue
                if state.began is not None:  # else it died before it did anything
                    yield RecordedUse(path, state, open_)

    def rewound(self, filer: str, volumes: Iterable[str], since: datetime) -> Iterator[UseState]:
        """The restores since then that put one of these volumes back as a whole, so that newer snapshots are gone.

        Journals that cannot be read are left out: `uses` names them.
        """
        for path in self._paths(None, lambda *_: None):
            if path.name.startswith(f"{UseKind.RESTORE}-"):
                with suppress(JournalError):
                    state = fold(read_use(path)[0])
                    at = state.began_at
                    if at is not None and at > since and state.header.filer == filer and _rewinds(state, volumes):
                        yield state

    def prune(self, job: str, keep: int) -> None:
        """Remove the oldest journals of uses that are over, above `keep`."""
        for path in self._paths(job, lambda *_: None)[:-keep]:
            with suppress(OSError):
                if is_over(path):
                    path.unlink()

    def _paths(self, job: str | None, unreadable: Notify | None) -> list[Path]:
        try:
            if not any(self.folder.iterdir()):
                return []
        except FileNotFoundError:
            return []
        except OSError as error:
            text = f"the journals in {self.folder} cannot be read: {error.strerror}"
            _pass_on(JournalError(text, JournalError.RIGHTS, "SA-1709"), unreadable)
            return []
        found = [path for path in journals(self.folder) if path.name.partition("-")[0] in _KINDS]
        return [path for path in found if job is None or path.name.partition("-")[2].rpartition("-")[0] == job]

    def mounts(self, job: str | None = None, unreadable: Notify | None = None) -> tuple[RecordedUse, ...]:
        """The mounts whose clones are there, as far as the journals know, and every use that is unfinished."""
        return tuple(one for one in self.uses(job, unreadable=unreadable) if one.unfinished or one.state.stands)

    def standing(self, job: str | None = None, unreadable: Notify | None = None) -> tuple[Mount, ...]:
        """The same as `status` and `list` show them."""
        return tuple(mount_of(one.state, half=one.open, left=one.left) for one in self.mounts(job, unreadable))

    @contextmanager
    def locked(
        self,
        jobs: Iterable[str],
        role: str,
        stopped: Callable[[], bool],
        waiting: Notify,
        *,
        yielding: bool = False,
    ) -> Iterator[None]:
        """Hold the locks of these jobs. Raises what `lock.hold` raises.

        `yielding`: a run that is at work or waits goes first, and is waited for.
        """
        with ExitStack() as locks:
            for name in sorted(set(jobs)):
                locks.enter_context(self.runs.lock(name, role, stopped, waiting, yielding=yielding))
            yield


def _rewinds(state: UseState, volumes: Iterable[str]) -> bool:
    done = (one.step for one in state.steps.values() if one.final and isinstance(one.step, RestoreVolume))
    return any(step.volume in volumes for step in done)


def _pass_on(error: JournalError, unreadable: Notify | None) -> None:
    if unreadable is None:
        raise error
    unreadable(*error.parts)
