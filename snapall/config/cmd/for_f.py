"""`for /F`: its options, and how it splits a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from snapall.config.cmd.arithmetic import ArithmeticFault, integer
from snapall.config.cmd.puzzle import Puzzle, syntax_error

_OPTION = re.compile(
    r"(?P<eol>eol=(?P<mark>.?))|skip=(?P<skip>0[xX][0-9a-fA-F]+|[0-9]+)|tokens=(?P<tokens>[0-9,*-]*)|(?P<back>usebackq?)"
    r"|(?P<delims>delims=(?P<signs>[^ ]*(?: +$)?))",
    re.IGNORECASE,
)
_LAST = 31  # tokens of a line that cmd counts


@dataclass(frozen=True, slots=True)
class Splitting:
    """How lines are split. `tokens` are numbers from 1, ascending; `rest` adds what follows the last of them."""

    eol: str = ";"
    delims: str = " \t"
    skip: int = 0
    tokens: tuple[int, ...] = (1,)
    rest: bool = False
    usebackq: bool = False


def splitting_of(options: str) -> Splitting:
    """Read the options of `for /F`, without the quotes around them. Raises Puzzle."""
    found: dict[str, object] = {}
    at = len(options) - len(options.lstrip(" \t"))
    while at < len(options):
        hit = _OPTION.match(options, at)
        if hit is None:
            raise syntax_error("an option of for /F is not one of eol, skip, delims, tokens and usebackq")
        if hit["eol"] is not None:
            found["eol"] = hit["mark"]
        elif hit["skip"] is not None:
            found["skip"] = _skipped(hit["skip"])
        elif hit["back"] is not None:
            found["usebackq"] = True
        elif hit["delims"] is not None:
            found["delims"] = hit["signs"]
        else:
            if "tokens" in found:
                raise Puzzle("for /F has two options tokens=", "leave one out")
            found["tokens"], found["rest"] = _tokens(hit["tokens"])
        at = hit.end()
        at += len(options) - at - len(options[at:].lstrip(" \t"))
    return Splitting(**found)  # type: ignore[arg-type]


def _skipped(text: str) -> int:
    try:
        return integer(text)
    except ArithmeticFault:
        raise Puzzle("skip= has no number that is known here", "write a plain decimal number") from None


def _tokens(text: str) -> tuple[tuple[int, ...], bool]:
    numbers: set[int] = set()
    rest = text.endswith("*")
    for part in [one for one in text.rstrip("*").split(",") if one]:
        first, dash, last = part.partition("-")
        if not re.fullmatch("[0-9]{1,3}(-[0-9]{1,3})?", part) or int(first) < 1:
            raise syntax_error("tokens= has no number from 1 to 31")
        if int(last if dash else first) > _LAST:
            raise Puzzle("tokens= counts beyond 31", "use fewer tokens")
        named = range(int(first), int(last if dash else first) + 1)
        if numbers & set(named):
            raise Puzzle("tokens= names a token twice", "name it once")
        numbers.update(named)
    if not numbers and not rest:
        raise syntax_error("tokens= names no token")
    return tuple(sorted(numbers)), rest


def values_of(text: str, how: Splitting) -> Iterator[tuple[str, ...]]:
    """Return the variables' values for each line that the loop runs with."""
    for line in text.split("\n")[how.skip :]:
        values = _values(line, how)
        # A line without the first of the tokens is passed over.
        if values and values[0]:
            yield values


def _values(line: str, how: Splitting) -> tuple[str, ...]:
    """Split a line; () if it begins, after delimiters, with the character that marks a comment."""
    left = line.lstrip(how.delims) if how.delims else line
    if not left or left[0] == how.eol:
        return ()
    found: list[str] = []
    number = 0
    while left and number < max(how.tokens, default=0):
        number += 1
        end = next((at for at, char in enumerate(left) if char in how.delims), len(left))
        if number in how.tokens:
            found.append(left[:end])
        left = left[end:].lstrip(how.delims) if how.delims else left[end:]
    wanted = len(how.tokens) + how.rest
    if how.rest and len(found) == len(how.tokens):
        found.append(left)
    return (*found, *[""] * (wanted - len(found)))
