"""Text from elsewhere, made fit to be shown; and command lines, made fit to be typed into this system's shell."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable

_SHOWN = 120  # characters
_PLAIN_ON_WINDOWS = re.compile(r"[A-Za-z0-9_.:/\\+=-]+")
_PLAIN_IN_DOUBLE_QUOTES = re.compile(r"[A-Za-z0-9_'/\-#%&*+<=>?\[\]^~@:.,;() ]*")


def printable(text: str) -> str:
    """The text with control and invisible characters escaped, so that it cannot play tricks on a terminal or a log.

    Lone surrogates are among them: they stand for bytes that are no text.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def quoted(text: str) -> str:
    """The text as a message may show it: in quotes, what cannot be printed escaped, cut after 120 characters."""
    safe = printable(text)
    return f'"{safe[:_SHOWN]}..."' if len(safe) > _SHOWN else f'"{safe}"'


def shell_word(word: str) -> str:
    """A word as a person types it into the shell of this system."""
    return windows_word(word) if sys.platform == "win32" else shlex.quote(word)


def command_line(words: Iterable[str]) -> str:
    """A command as a person types it into the shell of this system."""
    return " ".join(map(shell_word, words))


def windows_word(word: str) -> str:
    """A word in double quotes, the only ones that cmd.exe and PowerShell share, unless it needs none.

    As the C runtime reads it: a backslash counts only before a quotation mark. Nothing keeps cmd.exe from expanding
    `%NAME%`, or PowerShell `$name`, where such a variable exists; no quotes that both know would.
    """
    if _PLAIN_ON_WINDOWS.fullmatch(word):
        return word
    inner = re.sub(r'(\\*)"', r'\1\1\\"', word)
    return '"' + re.sub(r"(\\+)$", r"\1\1", inner) + '"'


def quoted_word(word: str) -> str:
    """A word of a remote command, whose quotation marks must reach the other side."""
    if sys.platform == "win32":
        return windows_word(word)
    plain = shlex.quote(word)
    return f'"{word}"' if plain != word and _PLAIN_IN_DOUBLE_QUOTES.fullmatch(word) else plain
