"""Redirections, which are opened before a command and closed after it, and pipes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from snapall.config.cmd.builtins import BUILTINS, builtin_of
from snapall.config.cmd.control import CONTROL
from snapall.config.cmd.feed import DELIMITERS
from snapall.config.cmd.files import device
from snapall.config.cmd.frames import Input, Sink
from snapall.config.cmd.machine import Machine
from snapall.config.cmd.rehearsal import Written
from snapall.config.cmd.stops import Puzzle
from snapall.config.cmd.syntax import Joined, Node, Redirection, Simple

if TYPE_CHECKING:
    from snapall.config.cmd.interpreter import Interpreter


_REMEDY = "redirect to a file, to nul, or to the other handle"


def redirected(machine: Machine, redirections: tuple[Redirection, ...], action: Callable[[], int]) -> int:
    """Act with the redirections in force. Return 1 if a file to read is missing: the command does not run.

    That is a failure for `||`, and leaves the errorlevel alone (the tests of Wine's cmd, run on Windows).
    """
    before, opened = machine.streams, len(machine.open_files)
    sinks: list[Sink] = []
    try:
        for one in redirections:
            if not _open(machine, one, sinks):
                machine.complain("The system cannot find the file specified.", "cmd")
                return 1
        return action()
    finally:
        machine.streams = before
        del machine.open_files[opened:]
        for sink in sinks:
            if not sink.append:  # nothing was written: `>` emptied the file all the same
                machine.events.append(Written(sink.path, sink.full, "", False, machine.where, "cmd"))


def _open(machine: Machine, one: Redirection, sinks: list[Sink]) -> bool:
    if one.handle > 2:
        raise Puzzle("a redirection of a handle above 2", _REMEDY)
    if isinstance(one.target, int):
        _duplicate(machine, one.handle, one.target)
        return True
    path = machine.expanded(one.target).replace(chr(34), "")
    if not path:
        raise Puzzle("the file of a redirection is empty; perhaps a variable is not set", "set the variable")
    if one.sign == "<":
        return _open_input(machine, path)
    sink = _sink(machine, path, append=one.sign == ">>")
    if sink.kind == "file":
        sinks.append(sink)
    match one.handle:
        case 1:
            machine.streams = replace(machine.streams, out=sink)
        case 2:
            machine.streams = replace(machine.streams, err=sink)
        case _:
            raise Puzzle("standard input is redirected by >", _REMEDY)
    return True


def _duplicate(machine: Machine, handle: int, other: int) -> None:
    if (handle, other) == (2, 1):
        machine.streams = replace(machine.streams, err=machine.streams.out)
    elif (handle, other) == (1, 2):
        machine.streams = replace(machine.streams, out=machine.streams.err)
    elif handle != other:
        raise Puzzle("a redirection to a handle other than 1 and 2", _REMEDY)


def _open_input(machine: Machine, path: str) -> bool:
    if device(path) == "nul":
        machine.streams = replace(machine.streams, given=Input(""))
        return True
    if device(path):
        machine.streams = replace(machine.streams, given=None)
        return True
    text = machine.files.text(machine.full(path), machine.code_page)
    if text is None:
        return False
    machine.budget.step(len(text))
    machine.streams = replace(machine.streams, given=Input(text))
    return True


def _sink(machine: Machine, path: str, *, append: bool) -> Sink:
    match device(path):
        case "nul":
            return Sink("nul", path)
        case "con":
            return Sink("console")
        case "":
            pass
        case _:
            raise Puzzle("output goes to a device", _REMEDY)
    full = machine.full(path)
    if full.lower() in machine.open_files:
        text = "a file is redirected to while a redirection around it has it open: cmd cannot open it twice"
        raise Puzzle(text, "redirect once, around all the commands or at each of them")
    machine.open_files.append(full.lower())
    if not append:
        machine.files.write(full, "", machine.code_page, append=False)
    return Sink("file", path, full, append=append)


_PIPED = ("copy", "date", "del", "dir", "echo", "erase", "move", "rem", "time", "type")


def pipe(interpreter: Interpreter, node: Joined) -> int:
    """Run the commands of a pipe one after the other. Return the last one's code. Raises Puzzle."""
    stages: list[Node] = []
    first: Node = node
    while isinstance(first, Joined) and first.sign == "|":
        stages.insert(0, first.right)
        first = first.left
    machine, before, code = interpreter.machine, interpreter.machine.streams, 0
    given = before.given
    for stage in [first, *stages]:
        _require_piped(machine, stage)
        sink = before.out if stage is stages[-1] else Sink("taken")
        machine.streams = replace(before, out=sink, given=given)
        try:
            code = interpreter.run(stage)
        finally:
            machine.streams = before
        given = Input("".join(sink.taken))
    machine.errorlevel = code
    return code


def _require_piped(machine: Machine, stage: Node) -> None:
    """cmd runs each side of a pipe in a cmd of its own, which reads the command once more."""
    remedy = "write to a file, then read that file"
    if not isinstance(stage, Simple):
        raise Puzzle("one side of a pipe is a block, if or for", remedy)
    text = re.sub(r'"[^"]*"?', "", stage.text)
    if re.search(r"[&|<>^%]", text) or (machine.delayed_on and "!" in text):
        raise Puzzle("one side of a pipe has a special character that cmd would read twice", remedy)
    name, _ = builtin_of(stage.text.lstrip(DELIMITERS))
    if name in CONTROL or (name in BUILTINS and name not in _PIPED):
        raise Puzzle(f"{name} is in a pipe, where it has no lasting effect", remedy)
