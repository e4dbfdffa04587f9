"""Pipes: the right side reads what the left side prints."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from snapall.config.cmd.builtins import BUILTINS, builtin_of
from snapall.config.cmd.control import CONTROL
from snapall.config.cmd.feed import DELIMITERS
from snapall.config.cmd.machine import Machine
from snapall.config.cmd.puzzle import Puzzle
from snapall.config.cmd.streams import Input, Sink
from snapall.config.cmd.syntax import Joined, Node, Simple

if TYPE_CHECKING:
    from snapall.config.cmd.interpreter import Interpreter

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
