"""Where a command's output goes, and where its input comes from."""

from __future__ import annotations

from dataclasses import dataclass


class Sink:
    """A target of output: the console, nul, a file, or text that is taken (by a pipe, or by `for /F`)."""

    def __init__(self, kind: str, path: str = "", full: str = "", *, append: bool = True) -> None:
        self.kind = kind  # "console", "nul", "file" or "taken"
        self.path = path
        self.full = full
        self.append = append  # until the first text of `>` is written
        self.taken: list[str] = []


class Input:
    """A text that is read line by line."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def line(self) -> str | None:
        """Return the next line without its end; None after the last."""
        if self._at >= len(self._text):
            return None
        end = self._text.find("\n", self._at)
        end = len(self._text) if end < 0 else end
        line = self._text[self._at : end]
        self._at = end + 1
        return line

    def rest(self) -> str:
        """Return all that was not yet read."""
        rest = self._text[self._at :]
        self._at = len(self._text)
        return rest


@dataclass(frozen=True, slots=True)
class Handles:
    """Standard output, error and input; input is None where a person would have to type it."""

    out: Sink
    err: Sink
    given: Input | None
