"""The disk under the state folder: what is durable of the journals, so that a power cut can take the rest.

It stands between `snapall.backup.journal` and the system's calls. Nothing is synced in truth: that is only noted.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ENOSPC
from pathlib import Path
from typing import Any

from snapall.backup import journal
from tests.years.process import Process


class Disk:
    """Replaces the module `os` in the journal."""

    def __init__(self) -> None:
        self.durable: dict[int, int] = {}  # by inode: so many bytes
        self.main = threading.local()  # `process`: whose main thread this is; only that one writes
        self.fsyncs = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    @property
    def _writer(self) -> Process | None:
        found = getattr(self.main, "process", None)
        assert found is None or isinstance(found, Process)
        return found

    def write(self, descriptor: int, data: bytes) -> int:
        process = self._writer
        if process is not None:
            process.touch()
            if process.full:
                raise OSError(ENOSPC, "No space left on device")
        return os.write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        self.fsyncs += 1
        about = os.fstat(descriptor)
        process = self._writer
        if process is not None:
            process.touch()
        self.durable[about.st_ino] = about.st_size
        if process is not None:
            process.touch()

    @contextmanager
    def under(self) -> Iterator[None]:
        """Journals are written to this disk meanwhile."""
        setattr(journal, "os", self)  # noqa: B010 - the seam
        try:
            yield
        finally:
            setattr(journal, "os", os)  # noqa: B010

    def cut(self, folder: Path, chance: random.Random) -> None:
        """The power is gone: what was not synced is lost, torn, or full of zeros."""
        for path in sorted(folder.glob("journals/*.jsonl")):
            about = path.stat()
            kept = self.durable.get(about.st_ino, 0)
            if kept >= about.st_size:
                continue
            data = path.read_bytes()
            tail = data[kept:]
            lines = tail.splitlines(keepends=True)
            match chance.randrange(4):
                case 0:
                    tail = b""
                case 1:
                    tail = lines[0][: len(lines[0]) // 2]
                case 2:
                    tail = bytes(len(tail) - len(lines[-1])) + lines[-1] if len(lines) > 1 else bytes(len(tail))
                case _:
                    tail = lines[0]  # a whole line came to the disk by itself
            path.write_bytes(data[:kept] + tail)
            self.durable[about.st_ino] = kept + len(tail)
        if chance.random() < 0.3 and (last := folder / "last.stamp").exists():
            last.write_bytes(b"")
