"""Lines added to a file by several threads: each waits until its own are safe, and those that wait share one fsync."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(eq=False, slots=True)
class Waiting:
    """Some lines on their way to the disk."""

    data: bytes
    then: Callable[[bool], None]
    durable: bool
    done: bool = False
    error: OSError | None = None


class Appending:
    """A file that only grows. A failed write is torn off again, so that the next begins on its own line.

    A disk takes up to 10 ms for an fsync: eight threads that queue for one each would keep VMs waiting, and held.
    """

    def __init__(self, path: Path, size: int) -> None:
        """`size`: the bytes of the file that count; what lies behind them goes with the next write."""
        self._path = path
        self._size = size
        self._waiting: deque[Waiting] = deque()
        self._turn = threading.Lock()

    def add(self, data: bytes, then: Callable[[bool], None], durable: bool = True) -> Waiting:
        """Queue whole lines, without waiting. `then` hears, in the order of the file, whether they stand in it.

        Lines that are not `durable` survive the end of the process, and perhaps not that of the machine.
        """
        one = Waiting(data, then, durable)
        self._waiting.append(one)
        return one

    def wait(self, one: Waiting) -> None:
        """Come back when these lines are written, with whatever else waits by then. OSError: they are not."""
        with self._turn:
            if not one.done:
                self._write_out()
        if one.error is not None:
            raise OSError(*one.error.args) from one.error

    def drain(self) -> None:
        """Write what is queued. It raises nothing: whoever queued it is told."""
        with self._turn:
            self._write_out()

    def _write_out(self) -> None:
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        error: OSError | None = OSError(0, "not written")
        try:
            if batch:
                self._put(b"".join(one.data for one in batch), any(one.durable for one in batch))
            error = None
        except OSError as raised:
            error = raised
        finally:
            for one in batch:
                one.error, one.done = error, True
                one.then(error is None)

    def _put(self, data: bytes, durable: bool) -> None:
        # Opened each time: it stays one file under its name, and no descriptor is left to a child.
        with self._path.open("r+b", buffering=0) as file:
            file.truncate(self._size)
            file.seek(self._size)
            _write_all(file.fileno(), data)
            if durable:
                os.fsync(file.fileno())
        self._size += len(data)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
