"""The journal of another process, opened once and read repeatedly, whatever becomes of its name."""

from __future__ import annotations

import os
from pathlib import Path

from snapall.backup import private
from snapall.backup.readback import damaged, parsed
from snapall.backup.record import Record
from snapall.backup.runstate import RunState
from snapall.backup.state import fold
from snapall.errors import JournalError


class JournalReader:
    """What a living run writes: its records, their state, and its heartbeat."""

    def __init__(self, path: Path) -> None:
        """Open the file and read it. JournalError: it cannot be opened. Untrusted: others could have written it."""
        self.path = path
        self.records: list[Record] = []  # as of the last time that the file could be read
        self.state = RunState()
        self.trouble: JournalError | None = None  # why it cannot be read now
        self._read = b""  # the lines that are in `records`
        self._mark = (0, 0)
        try:
            self._file = private.read(path)
        except OSError as error:
            raise JournalError(f"the journal {path} cannot be read: {error.strerror}", code="SA-1509") from error
        self.look()

    @property
    def in_place(self) -> bool:
        """Whether it is the file at its path."""
        try:
            return os.path.samestat(os.fstat(self._file.fileno()), self.path.stat())
        except OSError:
            return False

    def look(self) -> bool:
        """Read what is new. Whether the file has changed since the last look, if only by a heartbeat."""
        try:
            about = os.fstat(self._file.fileno())
            mark = (about.st_mtime_ns, about.st_size)
            if mark == self._mark:
                return False
            data = self._content()
        except OSError:
            return False
        self._mark = mark
        whole = data[: data.rfind(b"\n") + 1]
        try:
            self._take(whole)
            self.trouble = None
        except ValueError as error:
            self.trouble = damaged(self.path, str(error), whole)
        return True

    def close(self) -> None:
        """Close the file; what was read stays."""
        self._file.close()

    def _content(self) -> bytes:
        descriptor, blocks = self._file.fileno(), []
        os.lseek(descriptor, 0, os.SEEK_SET)
        while block := os.read(descriptor, 1 << 20):
            blocks.append(block)
        return b"".join(blocks)

    def _take(self, lines: bytes) -> None:
        if not lines.startswith(self._read):  # a write that failed was cut off again
            records = parsed(lines, 1)
            self.records, self.state = records, fold(records)
        else:
            records = parsed(lines[len(self._read) :], self._read.count(b"\n") + 1)
            self.records, self.state = [*self.records, *records], fold(records, self.state)
        self._read = lines
