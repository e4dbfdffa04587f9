"""The condition of an `if`."""

from __future__ import annotations

from snapall.config.cmd.feed import DELIMITERS, Feed
from snapall.config.cmd.puzzle import syntax_error
from snapall.config.cmd.syntax import Test

_UNARY = ("exist", "defined", "errorlevel", "cmdextversion")
_COMPARED = ("equ", "neq", "lss", "leq", "gtr", "geq")


def test_of(feed: Feed, depth: int) -> Test:
    """Take the condition that follows `if`. Raises Puzzle where cmd reports a syntax error."""
    stop = DELIMITERS + (")" if depth else "")
    negated = ignore_case = False
    while True:
        feed.skip(DELIMITERS)
        word = feed.word(stop)
        lower = word.lower()
        if lower == "/i":
            ignore_case = True
        elif lower == "not":
            negated = not negated
        else:
            break
    if lower in _UNARY:  # `if errorlevel==1`, too: an equal sign only separates there
        return Test(lower, _word(feed, stop), "", negated, ignore_case)
    feed.skip(" \t,;")
    if feed.text.startswith("==", feed.at):
        kind = "=="
    else:
        feed.skip(DELIMITERS)
        kind = feed.word(stop).lower()
        if kind not in _COMPARED:
            raise syntax_error("an if compares nothing; perhaps a variable in it is empty and has no quotes around it")
    return Test(kind, word, _word(feed, stop), negated, ignore_case)


def _word(feed: Feed, stop: str) -> str:
    feed.skip(DELIMITERS)
    word = feed.word(stop)
    if not word:
        raise syntax_error("a word is missing after if")
    return word
