"""The head of a `for`: its kind, options, variable, and what it runs over."""

from __future__ import annotations

import re

from snapall.config.cmd.feed import DELIMITERS, Feed
from snapall.config.cmd.puzzle import Puzzle, syntax_error

_IN = re.compile(r"in(?=[\s,;=])", re.IGNORECASE)
_DO = re.compile(r"do(?=[\s,;=])", re.IGNORECASE)


def for_head(feed: Feed) -> tuple[str, str, str, str]:
    """Take all up to `do`. Return the kind ("", "d", "f", "l"), the options, the variable's letter, the items' text."""
    feed.skip(DELIMITERS)
    word = feed.word(DELIMITERS)
    kind = options = ""
    if word.startswith("/"):
        kind = word[1:].lower()
        if kind not in ("d", "f", "l"):
            raise Puzzle("for searches folders (/r)", "name the files themselves, in a for without a switch")
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
