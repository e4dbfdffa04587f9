"""Something that the rehearsal does not know: an exception that becomes a Stop."""

from __future__ import annotations


class Puzzle(Exception):
    """The batch says something that this interpreter does not know. No text of it quotes a value."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


def syntax_error(what: str) -> Puzzle:
    """Return the Puzzle for what cmd itself would not accept: it ends the batch at that line."""
    return Puzzle(f"cmd reports a syntax error here and ends the batch: {what}", "correct the line")
