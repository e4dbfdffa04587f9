"""A batch or subroutine under way: where it is, the ways out of it, and where its output goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from snapall.config.cmd.text import BatchText

FRAME_LEVELS = 4  # a subroutine counts as so many blocks for the depth


@dataclass(frozen=True, slots=True)
class LocalState:
    """What `setlocal` saves: variables, folders, delayed expansion."""

    variables: Mapping[str, tuple[str, str]]
    folder: str
    elsewhere: Mapping[str, str]
    delayed_on: bool


class Frame:
    """One batch or subroutine: where it is, its arguments, and what `setlocal` saved in it."""

    def __init__(self, text: BatchText, at: int, full: str, arguments: list[str], rest: str) -> None:
        self.text = text
        self.at = at  # the index of the next line
        self.full = full  # the batch's full path, for %~dp0
        self.arguments = arguments  # %0 first
        self.rest = rest  # %*
        self.shifted = False
        self.replaced = False  # another batch ran in its place
        self.in_loop = 0
        self.saved: list[LocalState] = []
        self.command_line = False  # `cmd /c`, or the command of `for /F`: no batch, without labels and arguments
        self.data: bytes | None = None  # what `chcp` decodes anew


class Jump(Exception):
    """`goto`: the rest of the statement is dropped, and the frame goes on elsewhere."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at


class Leave(Exception):
    """`exit /b`, `goto :eof`, or another batch that took over: the frame ends."""


class Quit(Exception):
    """`exit`: the cmd ends."""


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
