"""What a `for` runs over: the values of its variables, round by round."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from snapall.config.cmd.arithmetic import ArithmeticFault, integer
from snapall.config.cmd.for_f import Splitting, splitting_of, values_of
from snapall.config.cmd.machine import Machine
from snapall.config.cmd.paths import split_path
from snapall.config.cmd.puzzle import Puzzle
from snapall.config.cmd.syntax import For
from snapall.config.cmd.words import parameters, unquoted


def rounds(node: For, machine: Machine, output_of: Callable[[str], str]) -> Iterator[tuple[str, ...]]:
    """Return the values for each round. Files are read, and commands run, before the first one."""
    items = machine.expanded(node.items)
    if node.kind == "l":
        return _counted(items)
    if node.kind == "f":
        how = splitting_of(unquoted(node.options))
        texts = list(_texts(items.strip(), how, machine, output_of))
        return (values for text in texts for values in values_of(text, how))
    if node.kind == "d" and ("*" in items or "?" in items):
        raise Puzzle("for searches folders (/d with a wildcard)", "name the folders themselves")
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
        raise Puzzle("for /L counts with something that is not a number", "write numbers") from None


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
            raise Puzzle("for /F reads a file with a Ctrl-Z in it; copy a+b writes one at the end", "use copy /b")
        yield text
