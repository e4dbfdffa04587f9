"""What a foreign program said, made fit to stand in one line of a message."""

from __future__ import annotations

from snapall.escaping import printable

_LONGEST = 500


def whole(*texts: str) -> str:
    """All that was said, one text below the other, as it goes into a log."""
    return "\n".join(text.rstrip() for text in texts if text.strip())


def one_line(*texts: str) -> str:
    """All that was said, its lines joined by ` / `, cut at 500 characters."""
    lines = [line.strip() for text in texts for line in text.split("\n")]
    return printable(" / ".join(line for line in lines if line))[:_LONGEST]


def last_line(*texts: str) -> str:
    """The last line of the first text that has one; `` when none has."""
    for text in texts:
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        if lines:
            return printable(lines[-1])[:_LONGEST]
    return ""
