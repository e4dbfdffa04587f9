"""Text from elsewhere, made fit to be shown."""

from __future__ import annotations

_SHOWN = 120  # characters


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
