"""A batch or subroutine under way, and the ways out of it."""

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
