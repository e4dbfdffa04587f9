"""Where a program writes: its stdout and stderr, read as they come, on which it never breaks and never waits for long.

A plain pipe would kill the program (SIGPIPE) once we are dead, in the middle of a removal perhaps; a file would take in
whatever it prints, and fill the disk. So it is a pipe whose end is open for reading, too: on the program's own
descriptor it always has a reader, even behind ssh or sudo, which close all others. What the program prints after our
death stays in the pipe; only beyond 1 MiB it would wait.
"""

from __future__ import annotations

import os
import select
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from snapall.site.output import BoundedOutput

_PIPE = 1 << 20  # bytes that a pipe holds, if the system grants so many
_CHUNK = 1 << 18


class _Pipe:
    """A stream that is read as it comes."""

    reader: int
    end: int
    open: bool  # whether somebody may still write

    def __init__(self, output: BoundedOutput) -> None:
        """Raises OSError where the system has no such pipe."""
        self._output = output
        if sys.platform == "win32":
            raise OSError("Windows has no such pipe")
        self.reader, writer = os.pipe()
        try:
            self.end = os.open(f"/proc/self/fd/{writer}", os.O_RDWR)  # Linux, pipe(7) and proc(5)
        except OSError:
            os.close(self.reader)
            raise
        finally:
            os.close(writer)
        os.set_blocking(self.reader, False)
        self.open = True
        if sys.platform == "linux":
            import fcntl  # noqa: PLC0415 - only there

            with suppress(OSError):  # a user may have few of this size
                fcntl.fcntl(self.reader, fcntl.F_SETPIPE_SZ, _PIPE)

    def take(self) -> int:
        """Read what is there, one piece of it; how long that was."""
        try:
            chunk = os.read(self.reader, _CHUNK)
        except BlockingIOError:
            return 0
        self.open = chunk != b""
        self._output.feed(chunk)
        return len(chunk)

    def finish(self) -> None:
        """Read what was written until now: no more than a pipe holds, for somebody else may write on."""
        read = 0
        while read < _PIPE and (length := self.take()):
            read += length

    def started(self) -> None:
        os.close(self.end)

    def close(self) -> None:
        os.close(self.reader)


class _File:
    """A stream that is read at the end, on other systems. Where no file can be made the program's words are lost."""

    open = False

    def __init__(self, output: BoundedOutput) -> None:
        self._output = output
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - close() closes it
        except OSError:
            self._file = Path(os.devnull).open("w+b")  # noqa: SIM115
        self.end = self._file.fileno()

    def finish(self) -> None:
        self._file.seek(0)
        while chunk := self._file.read(_CHUNK):
            self._output.feed(chunk)

    def started(self) -> None:
        """The file stays open: it is read through the same descriptor."""

    def close(self) -> None:
        self._file.close()


class Streams:
    """Stdout and stderr of one program."""

    def __init__(self, telling: Sequence[bytes] = ()) -> None:
        self._outputs = (BoundedOutput(telling), BoundedOutput(telling))
        self._streams = tuple(_stream(output) for output in self._outputs)

    @property
    def ends(self) -> tuple[int, int]:
        """The descriptors that the program writes to."""
        return self._streams[0].end, self._streams[1].end

    @property
    def open(self) -> bool:
        """Whether somebody may still write, and must be read."""
        return any(stream.open for stream in self._streams)

    def started(self) -> None:
        """The program has its ends, or will never have them."""
        for stream in self._streams:
            stream.started()

    def take(self, seconds: float | None = None) -> None:
        """Wait for something to read, so many seconds at most, and read a piece of it."""
        if sys.platform == "win32":  # there nothing is read before the end
            return
        ready = select.poll()
        pipes = {stream.reader: stream for stream in self._streams if isinstance(stream, _Pipe) and stream.open}
        for reader in pipes:
            ready.register(reader, select.POLLIN)
        for reader, _ in ready.poll(None if seconds is None else max(0, int(seconds * 1000))):
            pipes[reader].take()

    def finish(self) -> tuple[str, str]:
        """Read what was written until now. What was kept of each."""
        for stream in self._streams:
            stream.finish()
        return self._outputs[0].text(), self._outputs[1].text()

    def close(self) -> None:
        """Read no more. Somebody who still writes is not hurt by it, but waits when the pipe is full."""
        for stream in self._streams:
            stream.close()


def _stream(output: BoundedOutput) -> _Pipe | _File:
    try:
        return _Pipe(output)
    except OSError:
        return _File(output)
