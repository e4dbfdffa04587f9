"""`echo` and `set`."""

from __future__ import annotations

import re

from snapall.config.cmd.arithmetic import ArithmeticFault, Sum
from snapall.config.cmd.machine import Machine
from snapall.config.cmd.puzzle import Puzzle

_SWITCH = re.compile(r"[ \t]*/(?P<letter>[ap])(?![A-Za-z])", re.IGNORECASE)


def echo(machine: Machine, text: str) -> int | None:
    """`echo`: the character after it separates, whatever it is; the rest is said as it stands."""
    said = text[1:]
    if text[:1] in ("", " ", "\t", ",", ";", "="):
        if not said.strip(" \t,;="):
            machine.put(f"ECHO is {'on' if machine.echo_on else 'off'}.\n", "echo")
            return None
        if said.strip().lower() in ("on", "off"):
            machine.echo_on = said.strip().lower() == "on"
            return None
    machine.put(said + "\n", "echo")
    return None


def set_variable(machine: Machine, text: str) -> int | None:
    """`set`, `set /a`, `set /p`."""
    switch = _SWITCH.match(text)
    if switch is not None:
        rest = text[switch.end() :].lstrip(" \t")
        return _compute(machine, rest) if switch["letter"] in "aA" else _ask(machine, rest)
    text = _bare(text.lstrip(" \t,;="))
    name, equals, value = text.partition("=")
    if not equals:
        return _show(machine, text)
    if not name:
        machine.complain("The syntax of the command is incorrect.", "set")
        return 1
    machine.assign(name, value)
    return machine.frame_success()


def _bare(text: str) -> str:
    """Remove the quote at the start with the last one, and what follows that: `set "a=b" rest`."""
    if not text.startswith('"'):
        return text
    end = text.rfind('"')
    return text[1:end] if end > 0 else text[1:]


def _show(machine: Machine, prefix: str) -> int | None:
    found = [(key, pair) for key, pair in machine.variables.items() if key.startswith(prefix.lower())]
    if not found:
        machine.complain(f"Environment variable {prefix} not defined", "set")
        return 1
    for _, (name, value) in sorted(found):
        machine.budget.step(len(value))
        machine.put(f"{name}={value}\n", "set")
    return machine.frame_success()


def _compute(machine: Machine, text: str) -> int | None:
    machine.budget.step(4 * len(text))
    try:
        value = Sum(text, machine.variable, machine.assign).value()
    except ArithmeticFault as fault:
        machine.complain(fault.text, "set")
        return fault.code
    if machine.frame.command_line:
        machine.put(str(value), "set")
    return machine.frame_success()


def _ask(machine: Machine, text: str) -> int | None:
    """`set /p`: the next line of a file or pipe; a person who types is not there at night."""
    name, equals, prompt = _bare(text).partition("=")
    if not equals or not name:
        machine.complain("The syntax of the command is incorrect.", "set")
        return 1
    if machine.streams.given is None:
        raise Puzzle("set /p waits for somebody to type", "write the value into the batch")
    prompt = _bare(prompt.lstrip(" \t"))
    if prompt:
        machine.put(prompt, "set")
    line = machine.streams.given.line()
    line = "" if line is None else line[:1021].rstrip("".join(map(chr, range(32))))
    if not line:
        return 1
    machine.assign(name, line)
    return machine.frame_success()
