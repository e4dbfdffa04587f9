"""Text from elsewhere, made fit to be shown."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with control and invisible characters escaped, so that it cannot play tricks on a terminal or a log.

    Lone surrogates are among them: they stand for bytes that are no text.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)
