"""What is not cmd's own: programs, other batches, and a cmd within this one."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from snapall.config.cmd.feed import DELIMITERS
from snapall.config.cmd.files import split_path
from snapall.config.cmd.frames import FRAME_LEVELS, Frame, Quit, Sink
from snapall.config.cmd.machine import Machine
from snapall.config.cmd.rehearsal import ProgramCall, Sent
from snapall.config.cmd.stops import Puzzle
from snapall.config.cmd.text import batch_text, c_words, parameters, text_of, unquoted
from snapall.config.cmd.tools import NAMES, run_tool

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


_PROGRAM = re.compile(r'(?P<program>(?:"[^"]*(?:"|$)|[^ \t,;=/"])+)')


def program_of(text: str) -> tuple[str, str]:
    """Split a command into the program, without quotes, and its tail. Raises Puzzle."""
    hit = _PROGRAM.match(text)
    if hit is None or not hit[0].replace('"', ""):
        raise Puzzle("a command has no name; perhaps a variable is not set", "set the variable")
    tail = text[hit.end() :]
    if tail.startswith("/") and re.search(r"[:.\\]$", hit[0]):
        raise Puzzle("a program's path has a / and no quotes", "write \\ in the path")
    return hit[0].replace('"', ""), tail


def start_tool(machine: Machine, name: str, tail: str) -> int:
    """Run find or findstr."""
    given = None if machine.streams.given is None else machine.streams.given.rest()
    machine.budget.step(len(given or ""))

    def read(file: str) -> str | None:
        text = machine.files.text(machine.full(unquoted(file)), machine.code_page)
        machine.budget.step(len(text or ""))
        return text

    code, output = run_tool(name, tail, given, read)
    if output:
        machine.put(output, name)
    return code


def start(machine: Machine, program: str, tail: str) -> int:
    """Have a program answered, and record it."""
    out = machine.streams.out
    call = ProgramCall(
        program=program,
        words=c_words(tail),
        line=tail,
        where=machine.where,
        folder=machine.folder,
        output=out.path if out.kind in ("file", "nul") else None,
        append=out.append if out.kind == "file" else False,
        stdin="" if machine.streams.given is None else machine.streams.given.rest(),
        connected=machine.streams.given is not None or out.kind == "taken",
    )
    answer = machine.programs(call)
    if answer is None:
        raise Puzzle("snapall does not know what this program answers", "remove it, or write the configuration by hand")
    sent = {one.name: getattr(call, one.name) for one in fields(call)}
    err = machine.streams.err
    errors = err.path if err.kind in ("file", "nul") else None
    machine.events.append(Sent(**sent, exit_code=answer.exit_code, errors=errors))
    machine.budget.output(len(tail))
    for text, sink in ((answer.stdout, out), (answer.stderr, err)):
        if text:
            machine.put(text.replace("\r\n", "\n"), call.name, sink)
    for path, text in answer.files.items():
        machine.budget.output(len(text))
        machine.files.write(machine.full(path), text.replace("\r\n", "\n"), machine.code_page, append=False)
    return answer.exit_code


def requested(tail: str) -> tuple[str, bool]:
    """Return the command after `/c`, without the quotes that cmd removes (cmd /?), and whether `/v:on` is set.

    Raises Puzzle.
    """
    strip_always = delayed_on = False
    while (hit := re.match(r"[ \t]*/(?P<switch>v:on|v:off|e:on|[A-Za-z])(?!:)", tail, re.IGNORECASE)) is not None:
        tail = tail[hit.end() :]
        match hit["switch"].lower():
            case "c":
                return _unwrapped(tail.strip(" \t"), strip_always), delayed_on
            case "s":
                strip_always = True
            case "v:on" | "v:off":
                delayed_on = hit["switch"].lower() == "v:on"
            case "q" | "d" | "e:on":
                pass
            case _:
                break
    raise Puzzle("a separate cmd is started with switches other than /c, /s, /q, /d and /v", "write the command itself")


def _unwrapped(line: str, strip_always: bool) -> str:
    if not line.startswith('"'):
        return line
    program = re.fullmatch(r'"[^"&<>()@^|]* [^"&<>()@^|]*\.(?:exe|com|bat|cmd)"', line, re.IGNORECASE)
    if program is not None and not strip_always:
        return line
    return line[1:][::-1].replace('"', "", 1)[::-1]
