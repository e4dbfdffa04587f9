"""What a `for` runs over: the values of its variables, round by round."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from snapall.config.cmd.arithmetic import ArithmeticFault, integer
from snapall.config.cmd.files import split_path
from snapall.config.cmd.machine import Machine
from snapall.config.cmd.stops import Puzzle, syntax_error
from snapall.config.cmd.syntax import For
from snapall.config.cmd.text import parameters, unquoted


def rounds(node: For, machine: Machine, output_of: Callable[[str], str]) -> Iterator[tuple[str, ...]]:
    """Return the values for each round. Files are read, and commands run, before the first one."""
    items = machine.expanded(node.items)
    if node.kind == "l":
        return _counted(items)
    if node.kind == "f":
        how = splitting_of(unquoted(node.options))
        texts = list(_texts(items.strip(), how, machine, output_of))
        return (values for text in texts for values in values_of(text, how))
    return iter([(one,) for item in parameters(items) for one in _named(item, machine)])


def _counted(items: str) -> Iterator[tuple[str, ...]]:
    numbers = [_number(one) for one in parameters(items)[:3]]
    start, step, end = (*numbers, 0, 0, 0)[:3]
    while start <= end if step >= 0 else start >= end:
        yield (str(start),)
        start += step


def _number(text: str) -> int:
    try:
        return integer(text)
    except ArithmeticFault:
        raise Puzzle("for /L has something that is not a number", "write numbers") from None


def _named(item: str, machine: Machine) -> list[str]:
    """Return an item as it stands, or the files that it stands for, with the folder as it was written."""
    path = unquoted(item)
    if "*" not in path and "?" not in path:
        return [item]
    drive, folder, _, _ = split_path(path)
    return [drive + folder + "".join(split_path(full)[2:]) for full in machine.matching(machine.full(path))]


def _texts(items: str, how: Splitting, machine: Machine, output_of: Callable[[str], str]) -> Iterator[str]:
    text_quote, command_quote = ("'", "`") if how.usebackq else ('"', "'")
    if len(items) > 1 and items[0] == items[-1] == command_quote:
        yield output_of(items[1:-1])
        return
    if len(items) > 1 and items[0] == items[-1] == text_quote:
        yield items[1:-1]
        return
    for name in parameters(items):
        text = machine.files.text(machine.full(unquoted(name)), machine.code_page)
        if text is None:
            machine.complain(f"The system cannot find the file {unquoted(name)}.", "for")
            machine.errorlevel = 1
            return
        machine.budget.step(len(text))
        if "\x1a" in text:
            raise Puzzle("for /F reads a file that contains a Ctrl-Z; copy a+b writes one at the end", "use copy /b")
        yield text


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
                raise Puzzle("for /F has two tokens= options", "remove one")
            found["tokens"], found["rest"] = _tokens(hit["tokens"])
        at = hit.end()
        at += len(options) - at - len(options[at:].lstrip(" \t"))
    return Splitting(**found)  # type: ignore[arg-type]


def _skipped(text: str) -> int:
    try:
        return integer(text)
    except ArithmeticFault:
        raise Puzzle("the value of skip= is not a plain number", "write a decimal number") from None


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
