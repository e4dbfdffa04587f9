"""cmd's own commands by their names, and those that need a line or none."""

from __future__ import annotations

import re
from collections.abc import Callable

from snapall.config.cmd import echo_set, filecmds, folders
from snapall.config.cmd.machine import Machine
from snapall.config.cmd.puzzle import Puzzle

Builtin = Callable[[Machine, str], int | None]  # the text after the name -> the errorlevel that it sets, or None

_NAME = re.compile(
    r"(?P<name>[A-Za-z]+)(?!\.(?:exe|com|bat|cmd)(?![A-Za-z0-9]))(?=$|[\s,;=+/\[\].:(\\])", re.IGNORECASE
)
QUIET = ("pause", "popd", "rd", "rmdir")  # what they return counts for && and ||, and is no errorlevel
_UNKNOWN = ("assoc", "ftype", "if", "for", "mklink", "start", "ver", "vol")


def _nothing(_machine: Machine, _text: str) -> int | None:
    return None


def _prompt(machine: Machine, _text: str) -> int | None:
    return machine.frame_success()


def _success(_machine: Machine, _text: str) -> int | None:
    return 0


def _pause(machine: Machine, _text: str) -> int | None:
    if machine.streams.given is None:
        raise Puzzle("pause waits for a key", "remove it")
    machine.put("Press any key to continue . . . \n", "pause")
    return None if machine.streams.given.line() is not None else 1


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
    "echo": echo_set.echo,
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
    "set": echo_set.set_variable,
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
