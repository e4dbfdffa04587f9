"""The characters of a statement: lines are added as the parser needs them."""

from __future__ import annotations

import re
from collections.abc import Callable

from snapall.config.cmd.stops import Puzzle, syntax_error
from snapall.config.cmd.syntax import Redirection

DELIMITERS = " \t,;="
_SPECIAL = "&|<>"


class Feed:
    """A text and a position in it. `more` returns the next line, expanded, or None after the last."""

    def __init__(self, more: Callable[[], tuple[int, str] | None]) -> None:
        self._more = more
        self.text = ""
        self.at = 0
        self.line = 0
        self.level = 0  # how deep the parser is nested
        self.read()

    def read(self) -> bool:
        """Add the next line. Return whether there was one."""
        following = self._more()
        if following is None:
            return False
        self.line = following[0]
        self.text = self.text[self.at :] + following[1] + "\n"
        self.at = 0
        return True

    @property
    def char(self) -> str:
        """The next character: "\\n" at a line's end, "" after the last line."""
        return self.text[self.at : self.at + 1]

    def starts(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Match a pattern here, and skip what it matches."""
        hit = pattern.match(self.text, self.at)
        if hit is not None:
            self.at = hit.end()
        return hit

    def skip(self, chars: str) -> None:
        """Skip such characters."""
        while self.char and self.char in chars:
            self.at += 1

    def skip_line(self) -> None:
        """Skip the rest of the line, and those that a caret at its end appends."""
        while True:
            end = self.text.find("\n", self.at)
            rest = self.text[self.at : end]
            self.at = max(end, self.at)
            if (len(rest) - len(rest.rstrip("^"))) % 2 == 0 or not self._continued():
                return

    def _continued(self) -> bool:
        self.at += 1
        return self.at < len(self.text) or self.read()

    def escaped(self) -> str:
        """Take the character after a caret; at a line's end that is the first one of the next line."""
        self.at += 1
        if self.char == "\n" and not self._continued():
            return ""
        if self.char == "\n":
            raise Puzzle("a ^ continues the line with an empty one", "write the command on one line")
        self.at += 1
        return self.text[self.at - 1]

    def word(self, stop: str) -> str:
        """Take characters up to an unquoted one of `stop`, the line's end, or a sign of cmd; carets are removed."""
        taken: list[str] = []
        quoted = False
        while self.char and self.char != "\n" and (quoted or self.char not in stop + _SPECIAL):
            if self.char == "^" and not quoted:
                taken.append(self.escaped())
                continue
            quoted ^= self.char == '"'
            taken.append(self.char)
            self.at += 1
        return "".join(taken)

    def redirection(self, handle: int | None, depth: int) -> Redirection:
        """Take a redirection, from its sign on."""
        sign = ">>" if self.text.startswith(">>", self.at) else self.char
        self.at += len(sign)
        handle = handle if handle is not None else (0 if sign == "<" else 1)
        self.skip(DELIMITERS)
        if self.char == "&":
            self.at += 1
            self.skip(DELIMITERS)
            if not self.char.isdigit():
                raise syntax_error("a handle's number is missing after >&")
            self.at += 1
            return Redirection(handle, sign, int(self.text[self.at - 1]))
        target = self.word(DELIMITERS + (")" if depth else ""))
        if not target:
            raise syntax_error("the file of a redirection is missing")
        return Redirection(handle, sign, target)
