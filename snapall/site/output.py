"""What is kept of a program's output, which may be without end: its beginning, its end, and what tells from between."""

from __future__ import annotations

from collections.abc import Sequence

CEILING = 1 << 20
"""How many bytes of a stream are surely kept. Of a longer one about so many are: half from either end."""

_HALF = CEILING // 2
_LONGEST = 1 << 16  # bytes of a line from the middle, and of all that are kept for the same word


class BoundedOutput:
    """One stream, taken in as it comes, in bounded memory.

    What is longer than the ceiling is kept in whole lines alone: half a line could be taken for another one (an id that
    was cut off, `ssid:` out of the middle of a log line), and half a password is one that no mask finds.
    """

    def __init__(self, telling: Sequence[bytes] = ()) -> None:
        """`telling`: words in small letters; a line with one of them is kept wherever it stands."""
        self._head = bytearray()
        self._tail = bytearray()
        self._between: dict[bytes, None] = {}  # the lines that tell, each once, in their order
        self._room = dict.fromkeys(telling, _LONGEST)
        self._passed = 0  # bytes that went by between head and tail
        self._broken = False  # whether the tail begins within a line

    def feed(self, chunk: bytes) -> None:
        """Take in what came next."""
        room = _HALF - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        if len(self._tail) > _HALF + _LONGEST:
            self._pass_by()

    def text(self) -> str:
        """What was kept. Windows programs write in code pages: a byte that is not UTF-8 becomes a mark."""
        return self._kept().decode("utf-8", "replace").replace("\r\n", "\n")

    def _kept(self) -> bytes:
        if not self._passed:
            return bytes(self._head + self._tail)
        head = self._head[: self._head.rfind(b"\n") + 1]
        tail = self._tail.partition(b"\n")[2] if self._broken else self._tail
        between = b"".join(line + b"\n" for line in self._between)
        lost = len(self._head) + self._passed + len(self._tail) - len(head + between + tail)
        return bytes(head) + b"[%d bytes left out]\n" % lost + between + bytes(tail)

    def _pass_by(self) -> None:
        """Let go of the older part of the tail, up to the end of a line."""
        if not self._passed:
            self._broken = not self._head.endswith(b"\n")
        most = len(self._tail) - _HALF
        whole = self._tail.rfind(b"\n", 0, most) + 1
        passed = bytes(self._tail[: whole or most])
        del self._tail[: len(passed)]
        self._passed += len(passed)
        if self._words(passed):
            for line in passed.split(b"\n")[int(self._broken) : -1]:  # the last one is empty, or goes on
                self._keep(line)
        self._broken = not whole

    def _keep(self, line: bytes) -> None:
        """Chatter with one word must not use up the room of another."""
        for word in self._words(line):
            if line not in self._between and len(line) < self._room[word]:
                self._between[line] = None
                self._room[word] -= len(line)

    def _words(self, text: bytes) -> list[bytes]:
        small = text.lower()
        return [word for word in self._room if word in small]
