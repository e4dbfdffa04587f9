"""Text from elsewhere, made fit to be shown."""

from __future__ import annotations

import re
import shlex

_SHOWN = 120  # characters
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


def quoted_word(word: str) -> str:
    """A word of a remote command, whose quotation marks must reach the other side."""
    plain = shlex.quote(word)
    return f'"{word}"' if plain != word and _PLAIN_IN_DOUBLE_QUOTES.fullmatch(word) else plain
