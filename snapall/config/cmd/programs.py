"""External programs: the caller answers for them, except for a few of Windows' own that only read."""

from __future__ import annotations

import re
from dataclasses import fields

from snapall.config.cmd.machine import Machine
from snapall.config.cmd.puzzle import Puzzle
from snapall.config.cmd.rehearsal import Call, Sent
from snapall.config.cmd.tools import run_tool
from snapall.config.cmd.words import c_words, unquoted

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
    """Run find, findstr, sort or more."""
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
    call = Call(
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
