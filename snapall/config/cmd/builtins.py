"""cmd's own commands by their names, and those of them that need a few lines: `echo`, `set`, `path`."""

from __future__ import annotations

import re
from collections.abc import Callable

from snapall.config.cmd import filecmds, folders
from snapall.config.cmd.arithmetic import ArithmeticFault, Sum
from snapall.config.cmd.machine import Machine
from snapall.config.cmd.stops import Puzzle

Builtin = Callable[[Machine, str], int | None]  # the text after the name -> the errorlevel that it sets, or None

_NAME = re.compile(
    r"(?P<name>[A-Za-z]+)(?!\.(?:exe|com|bat|cmd)(?![A-Za-z0-9]))(?=$|[\s,;=+/\[\].:(\\])", re.IGNORECASE
)
QUIET = ("popd", "rd", "rmdir")  # what they return counts for && and ||, and is no errorlevel
_UNKNOWN = ("assoc", "ftype", "if", "for", "mklink", "start", "ver", "vol")
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
        return machine.misused("set")
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
        return machine.misused("set")
    if machine.streams.given is None:
        raise Puzzle("set /p waits for input", "write the value into the batch")
    prompt = _bare(prompt.lstrip(" \t"))
    if prompt:
        machine.put(prompt, "set")
    line = machine.streams.given.line()
    line = "" if line is None else line[:1021].rstrip("".join(map(chr, range(32))))
    if not line:
        return 1
    machine.assign(name, line)
    return machine.frame_success()


def _nothing(_machine: Machine, _text: str) -> int | None:
    return None


def _prompt(machine: Machine, _text: str) -> int | None:
    return machine.frame_success()


def _success(_machine: Machine, _text: str) -> int | None:
    return 0


def _pause(_machine: Machine, _text: str) -> int | None:
    raise Puzzle("pause waits for a key", "remove it")


def _path(machine: Machine, text: str) -> int | None:
    value = text.strip().lstrip("= ")
    if value:
        machine.assign("Path", "" if value == ";" else value)
    else:
        machine.put(f"PATH={machine.variable('Path') or '(null)'}\n", "path")
    return machine.frame_success()


def _date(machine: Machine, text: str) -> int | None:
    return _clock(machine, text, "date", machine.setting.date + " ")


def _time(machine: Machine, text: str) -> int | None:
    return _clock(machine, text, "time", machine.setting.clock)


def _clock(machine: Machine, text: str, name: str, shown: str) -> int | None:
    if text.strip().lower() != "/t":
        raise Puzzle(f"{name} waits for input", f"write {name} /t, or %{name}%")
    machine.put(shown + "\n", name)
    return 0


BUILTINS: dict[str, Builtin] = {
    "break": _nothing,
    "cd": folders.change,
    "chdir": folders.change,
    "cls": _nothing,
    "color": _success,
    "copy": filecmds.copy,
    "date": _date,
    "del": filecmds.delete,
    "dir": filecmds.show_names,
    "echo": echo,
    "erase": filecmds.delete,
    "md": folders.make,
    "mkdir": folders.make,
    "move": filecmds.move,
    "path": _path,
    "pause": _pause,
    "popd": folders.pop,
    "prompt": _prompt,
    "pushd": folders.push,
    "rd": folders.remove,
    "rem": _nothing,
    "ren": filecmds.rename,
    "rename": filecmds.rename,
    "rmdir": folders.remove,
    "set": set_variable,
    "time": _time,
    "title": _nothing,
    "type": filecmds.type_file,
    "verify": _success,
}


def builtin_of(text: str) -> tuple[str, str]:
    """Return the name that a command begins with, in lower case, and the text after it; "" if it may be a program."""
    hit = _NAME.match(text)
    return ("", text) if hit is None else (hit["name"].lower(), text[hit.end() :])


def run_builtin(machine: Machine, name: str, text: str) -> int | None:
    """Run one of BUILTINS. Raises Puzzle."""
    if re.match(r"[ \t,;=]*/\?", text) and name != "rem":
        raise Puzzle(f"{name} /? prints its help text", "remove it")
    return BUILTINS[name](machine, text)


def require_known(name: str) -> None:
    """Raise Puzzle for a cmd command that snapall does not know."""
    if name in _UNKNOWN:
        raise Puzzle(f"what {name} does depends on the machine", "remove it")
