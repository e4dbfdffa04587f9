"""What stands before the command of an `if` or `for`: the condition, and what the loop runs over."""

from __future__ import annotations

import re

from snapall.config.cmd.feed import DELIMITERS, Feed
from snapall.config.cmd.stops import Puzzle, syntax_error
from snapall.config.cmd.syntax import Test

_UNARY = ("exist", "defined", "errorlevel")
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
    if lower == "cmdextversion":
        raise Puzzle("an if asks for the version of cmd", "remove it")
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


_IN = re.compile(r"in(?=[\s,;=])", re.IGNORECASE)
_DO = re.compile(r"do(?=[\s,;=])", re.IGNORECASE)


def for_head(feed: Feed) -> tuple[str, str, str, str]:
    """Take all up to `do`. Return the kind ("", "f", "l"), the options, the variable's letter, the items' text."""
    feed.skip(DELIMITERS)
    word = feed.word(DELIMITERS)
    kind = options = ""
    if word.startswith("/"):
        kind = word[1:].lower()
        if kind not in ("f", "l"):
            raise Puzzle("for /d and for /r search folders", "name the files, in a for without a switch")
        feed.skip(DELIMITERS)
        word = feed.word(DELIMITERS)
        if kind == "f" and not word.startswith("%"):
            options = word
            feed.skip(DELIMITERS)
            word = feed.word(DELIMITERS)
    if len(word) != 2 or word[0] != "%":
        raise syntax_error("for has no variable, such as %%i")
    feed.skip(DELIMITERS)
    if not feed.starts(_IN):
        raise syntax_error("for has no in, or no blank after it")
    feed.skip(DELIMITERS)
    if feed.char != "(":
        raise syntax_error("( is missing after in")
    items = _items(feed)
    feed.skip(DELIMITERS)
    if not feed.starts(_DO):
        raise syntax_error("for has no do, or no blank after it")
    return kind, options, word[1], items


def _items(feed: Feed) -> str:
    feed.at += 1
    taken: list[str] = []
    while feed.char != ")":
        if feed.char == "":
            if not feed.read():
                raise Puzzle("a ( has no )", "close the list of for")
        elif feed.char == "\n":
            taken.append(" ")
            feed.at += 1
        else:
            text = feed.word(")")
            if not text and feed.char not in (")", "\n", ""):
                raise syntax_error(f"{feed.char} in the list of for needs a ^ before it")
            taken.append(text)
    feed.at += 1
    return "".join(taken)
