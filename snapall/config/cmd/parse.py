"""Text -> nodes: one statement at a time, as cmd reads a batch (phase 2 of its parser)."""

from __future__ import annotations

import re
from dataclasses import replace

from snapall.config.cmd.feed import DELIMITERS, Feed
from snapall.config.cmd.heads import for_head, test_of
from snapall.config.cmd.stops import Puzzle, syntax_error
from snapall.config.cmd.syntax import Block, For, If, Joined, Node, Redirection, Remark, Simple

_DEEPEST = 40
_KEYWORD = re.compile(r"(if|for)(?=[\s,;=/])", re.IGNORECASE)
_REMARK = re.compile(r"rem(?=[\s,;=])", re.IGNORECASE)
_ELSE = re.compile(r"else(?=[\s,;=<>])", re.IGNORECASE)
_JOINT = re.compile(r"&&|\|\||&|\|")
_RANKS = ("&", "||", "&&", "|")  # the loosest first


def statement(feed: Feed) -> Node | None:
    """Take one statement, with all lines that it needs; None at the end. Raises Puzzle."""
    feed.skip(DELIMITERS + "@")
    if feed.char in ("", "\n"):
        return None
    found = _joined(feed, 0, 0)
    if feed.char not in ("", "\n"):
        raise syntax_error("something follows a closing parenthesis")
    return found


def _joined(feed: Feed, rank: int, depth: int) -> Node:
    if rank == len(_RANKS):
        feed.level += 1
        if feed.level > _DEEPEST:
            raise Puzzle("commands are nested too deeply", "move the inner ones to a subroutine")
        found = _command(feed, depth)
        feed.level -= 1
        return found
    left = _joined(feed, rank + 1, depth)
    while (hit := _JOINT.match(feed.text, feed.at)) is not None and hit[0] == _RANKS[rank]:
        line = feed.line
        feed.at = hit.end()
        feed.skip(" \t")
        if feed.char in ("", "\n", ")"):
            if hit[0] == "&":
                return left
            raise syntax_error(f"nothing follows {hit[0]}")
        left = Joined(hit[0], left, _joined(feed, rank + 1, depth), line)
    return left


def _command(feed: Feed, depth: int) -> Node:
    feed.skip(DELIMITERS + "@")
    line = feed.line
    if feed.char == ":":
        feed.skip_line()
        return Remark(line, label=True)
    if feed.char == "(":
        return _block(feed, depth)
    if feed.char in ("&", "|"):
        raise syntax_error(f"nothing stands before {feed.char}")
    if feed.char == ")" and not depth:
        feed.skip_line()  # cmd ignores a line that begins with a superfluous parenthesis
        return Remark(line)
    if feed.char in ("<", ">"):
        return _redirected_first(feed, depth)
    return _keyword(feed, depth, line) or _simple(feed, depth, ())


def _keyword(feed: Feed, depth: int, line: int) -> Node | None:
    if feed.starts(_REMARK):
        return _remark(feed, depth, line)
    hit = feed.starts(_KEYWORD)
    if hit is None:
        return None
    if hit[0].lower() == "for":
        kind, options, variable, items = for_head(feed)
        feed.skip(DELIMITERS)
        silent = feed.char == "@"
        return For(kind, options, variable, items, _body(feed, depth, "do"), line, silent)
    test = test_of(feed, depth)
    then = _body(feed, depth, "if")
    feed.skip(DELIMITERS)
    if not feed.starts(_ELSE):
        return If(test, then, None, line)
    return If(test, then, _body(feed, depth, "else"), line)


def _body(feed: Feed, depth: int, after: str) -> Node:
    """Take what `if`, `else` or `do` rules: all that follows on the line, `&` included."""
    feed.skip(DELIMITERS + "@")
    if feed.char in ("", "\n", ")"):
        raise syntax_error(f"no command follows {after}")
    return _joined(feed, 0, depth)


def _remark(feed: Feed, depth: int, line: int) -> Node:
    """Skip a comment: only its first word is read for signs (jeb and dbenham: REM has one argument token)."""
    feed.skip(DELIMITERS)
    if feed.word(DELIMITERS + (")" if depth else "")):
        end = feed.text.find("\n", feed.at)
        feed.at = end if end >= 0 else len(feed.text)
    return Remark(line)


def _block(feed: Feed, depth: int) -> Node:
    line = feed.line
    feed.at += 1
    body: list[Node] = []
    while True:
        feed.skip(DELIMITERS + "@\n")
        if feed.char == "" and not feed.read():
            raise Puzzle("a ( has no )", "close the block")
        if feed.char == ")":
            break
        if feed.char not in ("", " ", "\t", ",", ";", "=", "@", "\n"):
            body.append(_joined(feed, 0, depth + 1))
            if feed.char not in ("", "\n", ")"):
                raise syntax_error("something follows a closing parenthesis")
    feed.at += 1
    if not body or (isinstance(body[-1], Remark) and body[-1].label):
        raise syntax_error("a block is empty, or ends with a label or a comment by ::")
    return Block(tuple(body), _after_block(feed, depth), line)


def _after_block(feed: Feed, depth: int) -> tuple[Redirection, ...]:
    found: list[Redirection] = []
    sign = re.compile(r"([0-9]?)(?=[<>])")
    feed.skip(DELIMITERS)
    while (hit := feed.starts(sign)) is not None:
        found.append(feed.redirection(int(hit[1]) if hit[1] else None, depth))
        feed.skip(DELIMITERS)
    return tuple(found)


def _redirected_first(feed: Feed, depth: int) -> Node:
    first = _after_block(feed, depth)
    if feed.char == "(":
        block = _block(feed, depth)
        assert isinstance(block, Block)  # noqa: S101 - the parenthesis says so
        return replace(block, redirections=first + block.redirections)
    if _KEYWORD.match(feed.text, feed.at) or _REMARK.match(feed.text, feed.at):
        raise Puzzle("a redirection precedes if, for or rem", "write it after the command")
    return _simple(feed, depth, first)


def _simple(feed: Feed, depth: int, first: tuple[Redirection, ...]) -> Node:
    line = feed.line
    text: list[str] = []
    found = list(first)
    quoted = False
    digit = False  # whether the last character is a handle's number, if a redirection follows
    while (char := feed.char) not in ("", "\n"):
        if not quoted and (char in "&|" or (char == ")" and depth)):
            break
        if not quoted and char in "<>":
            handle = int(text.pop()) if digit else None
            found.append(feed.redirection(handle, depth))
            digit = False
            continue
        if char == "^" and not quoted:
            text.append(feed.escaped())
            digit = False
            continue
        quoted ^= char == '"'
        digit = not quoted and char.isascii() and char.isdigit() and (not text or text[-1] in DELIMITERS)
        text.append(char)
        feed.at += 1
    return Simple("".join(text), tuple(found), line)
