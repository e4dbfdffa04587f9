"""The durable memory of a replication: `STATE/restores/replicate-JOB-STAMP.jsonl`, and what the latest ones say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from snapall.backup import private
from snapall.backup.clock import Clock
from snapall.backup.codec import fact_of
from snapall.backup.facts import Failed
from snapall.backup.journal import JournalFile, journals
from snapall.backup.lockfile import Lock
from snapall.backup.readback import format_of, whole_lines
from snapall.errors import JournalError, OldFormat
from snapall.restore.mirror.relations import Relation, RelationView, Update
from snapall.restore.mirror.replication import (
    REPLICATION_FORMAT,
    ReplicationBegan,
    ReplicationFact,
    ReplicationState,
    apply,
)

FOLDER = "restores"
_KINDS = {kind.__name__: kind for kind in ReplicationFact.__args__}
_BACK = 30  # journals that are read for the last look at a relation


@dataclass(frozen=True, slots=True)
class ReplicationRecord:
    """What happened, and when (UTC)."""

    at: datetime
    what: ReplicationFact


class ReplicationJournal(JournalFile[ReplicationFact, ReplicationRecord]):
    """The file of one replication."""

    @classmethod
    def create(cls, state: Path, began: ReplicationBegan, clock: Clock) -> Self:
        """Begin a new one. JournalError: the folder cannot be written."""
        return cls.begin(state / FOLDER / f"replicate-{began.job}-{began.stamp}.jsonl", began, clock)

    @classmethod
    def open(cls, path: Path, clock: Clock) -> Self:
        """Take over an earlier one. A torn last line was never acted upon, and is cut off."""
        records, size = _read(path)
        return cls(path, clock, records, size)

    @property
    def state(self) -> ReplicationState:
        """What its records fold to."""
        return folded(self.records)

    def _recorded(self, facts: Sequence[ReplicationFact]) -> list[ReplicationRecord]:
        return [ReplicationRecord(self._clock.utc(), fact) for fact in facts]


def folded(records: Sequence[ReplicationRecord]) -> ReplicationState:
    """The state after these records."""
    state = ReplicationState()
    for one in records:
        state = apply(state, one.at, one.what)
    return state


def _read(path: Path) -> tuple[list[ReplicationRecord], int]:
    data, size = whole_lines(path)
    number, _ = format_of(data, ReplicationBegan.__name__)
    if number not in {0, REPLICATION_FORMAT}:
        raise OldFormat(
            f"the journal {path} was written by another version of snapall, in a format of its own",
            "run `snapall recover` with that version; `snapmirror status` on the destination shows the transfers",
            "SA-1763",
        )
    try:
        found = (fact_of(line, _KINDS) for line in data[:size].decode().splitlines())
        return [ReplicationRecord(*one) for one in found if one is not None], size
    except ValueError as error:
        raise JournalError(
            f"the journal {path} is damaged: {error}",
            "move it away; `snapmirror status` on the destination shows what became of the transfers",
            "SA-1925",
        ) from error


def paths_of(state: Path, job: str) -> list[Path]:
    """The journals of a job's replications, oldest first."""
    return journals(state / FOLDER, f"replicate-{job}")


def jobs_of(state: Path) -> tuple[str, ...]:
    """The jobs with journals of replications, configured or not."""
    mine = (path.name for path in journals(state / FOLDER) if path.name.startswith("replicate-"))
    return tuple(dict.fromkeys(name.removeprefix("replicate-").rpartition("-")[0] for name in mine))


def open_ones(state: Path, job: str) -> list[Path]:
    """Those that did not end, oldest first. JournalError: one cannot be read."""
    return [path for path in paths_of(state, job) if folded(_read(path)[0]).open]


@contextmanager
def alone(state: Path, job: str) -> Iterator[bool]:
    """Whether no other process is at work on the job's replications; nobody else begins during the block."""
    private.make_folder_in(state, FOLDER)
    lock = Lock(state / FOLDER / f"replicate-{job}.lock")
    try:
        yield lock.try_acquire()
    finally:
        lock.close()


@dataclass(frozen=True, slots=True)
class LastSeen:
    """What the journals say of a relation last: when a look showed which lag, and why the last update failed."""

    relation: Relation
    at: datetime | None = None
    lag: float | None = None
    failure: Failed | None = None

    def behind(self, now: datetime) -> float | None:
        """Seconds by which the destination is behind, unless another transfer has come since; None: not known."""
        return None if self.at is None or self.lag is None else self.lag + (now - self.at).total_seconds()


def last_seen(state: Path, job: str, relations: Sequence[Relation]) -> tuple[LastSeen, ...]:
    """The relations as the newest journals show them; a journal that cannot be read is passed over."""
    found: dict[Relation, LastSeen] = {}
    for path in reversed(paths_of(state, job)[-_BACK:]):
        with suppress(JournalError):
            tasks = folded(_read(path)[0]).tasks
            for one in relations:
                task = tasks.get(Update(one))
                if one not in found and task is not None and task.looked_at is not None:
                    look = task.now if isinstance(task.now, RelationView) else None
                    failure = task.settled.failure if task.settled is not None else None
                    found[one] = LastSeen(one, task.looked_at, look.lag if look is not None else None, failure)
    return tuple(found.get(one, LastSeen(one)) for one in relations)


def prune(state: Path, job: str, keep: int) -> None:
    """Remove the oldest journals above `keep`; one that did not end stays."""
    for path in paths_of(state, job)[:-keep]:
        with suppress(JournalError, OSError):
            if not folded(_read(path)[0]).open:
                path.unlink()
