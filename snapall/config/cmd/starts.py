"""What is not cmd's own: programs, other batches, and a cmd within this one."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from snapall.config.cmd.feed import DELIMITERS
from snapall.config.cmd.frames import FRAME_LEVELS, Frame, Quit
from snapall.config.cmd.machine import Machine
from snapall.config.cmd.nested import requested
from snapall.config.cmd.paths import split_path
from snapall.config.cmd.programs import program_of, start, start_tool
from snapall.config.cmd.puzzle import Puzzle
from snapall.config.cmd.streams import Sink
from snapall.config.cmd.text import batch_text, text_of
from snapall.config.cmd.tools import NAMES
from snapall.config.cmd.words import parameters

if TYPE_CHECKING:
    from snapall.config.cmd.interpreter import Interpreter


def external(interpreter: Interpreter, text: str, *, called: bool) -> int:
    """Run a program, a tool, another batch or a cmd of its own. Return its exit code. Raises Puzzle."""
    machine = interpreter.machine
    program, tail = program_of(text)
    stem = re.sub(r"\.(exe|com)$", "", re.split(r"[\\/]", program)[-1].lower())
    if stem == "cmd":
        return _nested(interpreter, tail)
    if stem in NAMES:
        return start_tool(machine, stem, tail)
    batch = _batch(machine, program)
    if batch is None:
        return start(machine, program, tail)
    full, data = batch
    rest = tail.lstrip(DELIMITERS)
    text = data if isinstance(data, str) else text_of(data, machine.code_page)
    machine.budget.step(len(text))
    frame = Frame(batch_text(full, text), 0, full, [program, *parameters(tail)], rest)
    frame.data = data if isinstance(data, bytes) else None
    interpreter.run_frame(frame)
    if not called and not machine.frame.command_line:
        machine.frame.replaced = True  # without `call` the other batch takes over, and nobody comes back
        machine.frame.at = len(machine.frame.text.lines)
    return machine.errorlevel


def _batch(machine: Machine, program: str) -> tuple[str, str | bytes] | None:
    """Find the batch that a command names; None if it is a program."""
    full = machine.full(program)
    named = split_path(full)[3].lower() in (".bat", ".cmd")
    if not named and (split_path(full)[3] or machine.files.data(full + ".exe") is not None):
        return None
    for one in [full] if named else [full + ".bat", full + ".cmd"]:
        own = machine.files.own(one)
        data = own if own is not None else machine.files.data(one)
        if data is not None:
            return one, data
    if named:
        raise Puzzle("the batch runs another batch, which cannot be read", "put it where the batch looks for it")
    return None


def _nested(interpreter: Interpreter, tail: str) -> int:
    machine = interpreter.machine
    line, delayed_on = requested(tail)
    saved, frame = machine.save(), Frame(batch_text(machine.where.file, ""), 0, machine.frame.full, [], "")
    frame.text = replace(frame.text, lines=((machine.where.line, line),))
    frame.command_line = True
    machine.delayed_on = delayed_on
    machine.errorlevel = 0
    echo_on, machine.echo_on = machine.echo_on, True
    in_loop = machine.loops
    machine.loops = {}
    try:
        interpreter.run_frame(frame)
    except Quit:
        del machine.frames[machine.frames.index(frame) :]
        machine.budget.back(FRAME_LEVELS)
    finally:
        machine.loops = in_loop
        machine.echo_on = echo_on
    machine.restore(saved)
    return machine.errorlevel


def output_of(interpreter: Interpreter, command: str) -> str:
    """Return what a command says, run by a cmd of its own, as `for /F` reads it."""
    machine, before = interpreter.machine, interpreter.machine.streams
    sink = Sink("taken")
    machine.streams = replace(before, out=sink)
    errorlevel = machine.errorlevel
    try:
        _nested(interpreter, " /c " + command)
    finally:
        machine.streams = before
    machine.errorlevel = errorlevel
    return "".join(sink.taken)
