"""The durable memory of a run: one JSON line for each record, synced to the disk before anything rests on it.

A restore has the same memory, with facts of its own.
"""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Generic, Self, TypeVar

from snapall.backup import private
from snapall.backup.clock import Clock
from snapall.backup.codec import Dated, from_line, to_line
from snapall.backup.facts import Began, Ended, Fact, may_wait
from snapall.backup.outcome import Summary
from snapall.backup.patience import patiently, unlink
from snapall.backup.readback import last_line, read_journal
from snapall.backup.record import Record, header_of, summing_up
from snapall.errors import JournalError

F = TypeVar("F")
R = TypeVar("R", bound=Dated)


class JournalFile(ABC, Generic[F, R]):
    """A file of records, open while its owner is at work, and the records in memory. F: its facts, R: its records.

    One thread appends. A failed write is cut off again, so that the next one begins on its own line. Records that could
    not be written go before it, so that the file never lacks one in its middle.
    """

    def __init__(self, path: Path, clock: Clock, records: Sequence[R], size: int) -> None:
        self.path = path
        self.records: list[R] = list(records)
        self.broken = ""  # why the last write failed
        self.lost = False  # whether the records are in memory alone: no other process will ever know them
        self._clock = clock
        self._size = size
        self._unwritten = b""  # recorded, but not in the file
        self._file: IO[bytes] | None = None
        # A full disk may have lost an intent but not its answer: counting intents would use a number twice.
        self._number = max((getattr(one.what, "n", 0) for one in records), default=0)
        self._closed = ""  # why nothing more is written

    @classmethod
    def begin(cls, path: Path, header: F, clock: Clock) -> Self:
        """Begin a new file with its header. JournalError: its folder cannot be written."""
        folder = path.parent
        try:
            private.make_folder_in(folder.parent, folder.name)
            private.create(path)
            for ours in (folder, folder.parent):
                _sync_folder(ours)
            # The journal is lost with any folder above it, and some may have been created just now.
            for above in folder.parent.parents:
                with suppress(OSError):  # a folder that we may not read is older
                    _sync_folder(above)
        except OSError as error:
            raise _unwritable(path, error) from error
        journal = cls(path, clock, [], 0)
        try:
            journal.append([header])
        except JournalError:
            with suppress(OSError):
                journal.leave()
                unlink(path)
            raise
        return journal

    @property
    def size(self) -> int:
        """How many bytes precede the next record, those not written yet included."""
        return self._size + len(self._unwritten)

    @property
    def in_place(self) -> bool:
        """Whether the file is still the one at its path, so that other processes can read it."""
        try:
            self._require_place()
        except OSError:
            return False
        return not self.lost

    def number(self) -> int:
        """The number of the next command."""
        self._number += 1
        return self._number

    def append(self, facts: Sequence[F]) -> list[R]:
        """Write facts, synced unless a power cut may take them. JournalError: nothing may rest on them."""
        records = self._recorded(facts)
        try:
            self._require_open()
            if durable := bool(self._unwritten) or not all(map(may_wait, facts)):
                self._require_place()
            self._put(records, durable=durable)
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self.records += records
        return records

    def remember(self, facts: Sequence[F]) -> list[R]:
        """Record what has happened, in one write. A full disk does not undo it; `broken` says why the write failed.

        A file that has lost its name is still written: the guardian has it open.
        """
        records = self._recorded(facts)
        durable = bool(self._unwritten) or not all(map(may_wait, facts))
        try:
            self._require_open()
            self._put(records, durable=durable)
        except (OSError, JournalError) as error:
            self._unwritten += _lines(records)
            self._break(error)
        self._note_place(durable=durable)
        self.records += records
        return records

    def _note_place(self, *, durable: bool) -> None:
        """Treat a file that has lost its name as one that cannot be written."""
        try:
            if durable and not self._closed:
                self._require_place()
        except OSError as error:
            self._break(error)

    def _break(self, error: OSError | JournalError) -> None:
        self.broken = self.broken or str(_unwritable(self.path, error) if isinstance(error, OSError) else error)

    def beat(self) -> None:
        """Renew the heartbeat, which is the file's time of change, whatever became of its name."""
        if self._closed:
            return
        by_descriptor = self._file is not None and os.utime in os.supports_fd
        with suppress(OSError):
            os.utime(self._file.fileno() if by_descriptor and self._file is not None else self.path)

    def leave(self) -> None:
        """Write nothing more: the lock is given up, and the file belongs to its next holder."""
        self._closed = f"the run of the journal {self.path} has ended"
        if self._file is not None:
            self._file.close()
            self._file = None

    @abstractmethod
    def _recorded(self, facts: Sequence[F]) -> list[R]:
        """The facts, as they happened now."""

    def _put(self, records: Sequence[R], *, durable: bool) -> None:
        data, file = self._unwritten + _lines(records), self._opened()
        patiently(lambda: self._write(file, data, durable=durable), self.path)
        self._size += len(data)
        self._unwritten = b""

    def _write(self, file: IO[bytes], data: bytes, *, durable: bool) -> None:
        if os.fstat(file.fileno()).st_size != self._size:  # a write that broke off; to cut costs more than to look
            file.truncate(self._size)
        file.seek(self._size)
        _write_all(file.fileno(), data)
        if durable:
            os.fsync(file.fileno())

    def _opened(self) -> IO[bytes]:
        """The file, opened once, whatever becomes of its name."""
        if self._file is None:
            self._file = patiently(lambda: self.path.open("r+b", buffering=0), self.path)
        return self._file

    def _require_open(self) -> None:
        if self._closed:
            raise JournalError(self._closed, "run `snapall recover`", "SA-1503")

    def _require_place(self) -> None:
        """OSError: the file is no longer the one at its path, so no other process could settle the run."""
        if not os.path.samestat(self.path.stat(), os.fstat(self._opened().fileno())):
            raise OSError(0, "another file has taken its place")


class Journal(JournalFile[Fact, Record]):
    """A run's file."""

    @classmethod
    def create(cls, folder: Path, began: Began, clock: Clock) -> Self:
        """Begin the journal of a new run. JournalError: the folder cannot be written."""
        return cls.begin(path_of(folder, began.job.name, began.stamp), began, clock)

    @classmethod
    def open(cls, path: Path, clock: Clock) -> Self:
        """Take over an earlier journal. A torn last line was never acted upon, and is cut off."""
        records, size = read_journal(path)
        return cls(path, clock, records, size)

    @classmethod
    def recalled(cls, path: Path, clock: Clock, records: Sequence[Record]) -> Self:
        """Continue in memory alone, with records that were read before the file was lost."""
        journal = cls(path, clock, records, 0)
        journal.lost = True
        journal.broken = journal._closed = f"the journal {path} is lost"
        return journal

    @property
    def began(self) -> Began:
        """The header. JournalError: the file has none, so the run never did anything."""
        if (header := header_of(self.records)) is not None:
            return header
        raise JournalError(
            f"the journal {self.path} has no header", "the run did nothing; move the file away", "SA-1502"
        )

    def _recorded(self, facts: Sequence[Fact]) -> list[Record]:
        return [Record(self._clock.utc(), fact) for fact in facts]


def _lines(records: Sequence[Dated]) -> bytes:
    return "".join(f"{to_line(one)}\n" for one in records).encode()


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _sync_folder(folder: Path) -> None:
    """Make file names durable, too. Windows has no such call: its file systems write names through."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def path_of(folder: Path, job: str, stamp: str) -> Path:
    """The journal file of a run."""
    return folder / f"{job}-{stamp}.jsonl"


def is_open(path: Path) -> bool:
    """Whether the run may have outstanding work: its last line is no closing report. Reads only the file's end.

    A run without one whole line died before it did anything. A file that cannot be read counts as open.
    """
    try:
        begin, line = last_line(path)
    except (OSError, JournalError):
        return True
    return not _closes(line) if begin or line.endswith(b"\n") else False


def is_closed(path: Path) -> bool:
    """Whether the last line is a closing report. A file without a whole line may be about to begin."""
    try:
        return _closes(last_line(path)[1])
    except (OSError, JournalError):
        return False


def closing_summary(path: Path) -> Summary | None:
    """The summary in the last line, of all before it; None: there is none. Reads only the file's end."""
    try:
        begin, line = last_line(path)
        record = from_line(line.decode()) if line.endswith(b"\n") else None
    except (OSError, ValueError, JournalError):  # reading the whole file reports what is wrong with it
        return None
    return summing_up(record.what, begin) if record is not None else None


def _closes(line: bytes) -> bool:
    try:
        last = json.loads(line) if line.endswith(b"\n") else {}
    except (ValueError, RecursionError):
        return False
    return isinstance(last, dict) and last.get("is") == Ended.__name__ and last.get("open") is False


def journals(folder: Path, job: str | None = None) -> list[Path]:
    """The journals of a job, or of all jobs, oldest first."""
    found = [path for path in folder.glob("*.jsonl") if job is None or path.name.rpartition("-")[0] == job]
    return sorted(found, key=lambda path: (path.stem.rpartition("-")[2], path.name))


def _unwritable(path: Path, error: OSError) -> JournalError:
    text = f"the journal {path} cannot be written: {error.strerror}"
    return JournalError(text, JournalError.remedy_for(error), "SA-1501")
