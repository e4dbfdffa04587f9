"""The conditions, loops and changes of folder of a batch file that snapall can follow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PureWindowsPath

from snapall.config.batch.lines import Command

_FOR = re.compile(
    r"for\s+/f\s+(?:\"(?P<options>[^\"]*)\"\s+)?%%(?P<name>[A-Za-z])\s+in\s*\(\s*(?P<file>[^()]*?)\s*\)\s*do\s+(?P<body>.+)",
    re.IGNORECASE | re.DOTALL,
)
_IF_LEVEL = re.compile(
    r"if\s+(?P<no>not\s+)?errorlevel\s+(?P<level>[0-9]{1,9})\s+(?P<then>.+)", re.IGNORECASE | re.DOTALL
)
_IF_VALUE = re.compile(
    r"if\s+(?P<no>not\s+)?(?P<q>\"?)%errorlevel%(?P=q)\s*(?P<sign>==|equ|neq|gtr|geq|lss|leq)\s*\"?(?P<level>[0-9]{1,9})\"?\s+"
    r"(?P<then>.+)",
    re.IGNORECASE | re.DOTALL,
)
_IF_EXIST = re.compile(r"if\s+exist\s+(?P<file>\S+)\s+(?P<then>(?:del|erase)\s.+)", re.IGNORECASE | re.DOTALL)

_CHANGE = re.compile(r"(cd|chdir|pushd)(?![a-z0-9_])\s*(/d\s+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Condition:
    """An `if`. `good`: it holds on success. `checks`: it tells success from failure; None: it checks no result."""

    then: str
    good: bool = True
    checks: bool | None = None


@dataclass(frozen=True, slots=True)
class Loop:
    """A `for /F` over the lines of a list after the first `skip`, and the variables that take each line's words."""

    file: str
    names: tuple[str, ...]
    body: str
    skip: int = 0


def condition_of(text: str) -> Condition | None:
    """Return the condition, or None for an unknown one."""
    text = text.rstrip()
    exists = _IF_EXIST.fullmatch(text)
    if exists is not None:
        return Condition(exists["then"])
    level, value = _IF_LEVEL.fullmatch(text), _IF_VALUE.fullmatch(text)
    hit = level or value
    if hit is None or hit["then"].lstrip().startswith("("):
        return None
    number, sign = int(hit["level"]), value["sign"].lower() if value is not None else "geq"
    is_zero = number == 0
    # How the success, 0, compares with the number; errorlevel N means "N or more".
    holds = {"==": is_zero, "equ": is_zero, "neq": not is_zero, "gtr": False, "geq": is_zero, "lss": not is_zero}
    good = holds.get(sign, True) != bool(hit["no"])
    return Condition(hit["then"], good, checks=level is None or not is_zero or bool(hit["no"]))


def loop_of(text: str) -> Loop | None:
    """Return the loop over a list, or None for any other."""
    hit = _FOR.fullmatch(text.rstrip())
    options = (hit["options"] or "").lower() if hit is not None else ""
    count = _tokens(options)
    # Without usebackq the loop reads the quoted text as its only line.
    if hit is None or count is None or (hit["file"].startswith('"') and "usebackq" not in options):
        return None
    if hit["body"].lstrip().startswith("("):
        return None
    names = tuple(chr(ord(hit["name"]) + offset) for offset in range(count))
    skips = re.search(r"skip=([0-9]+)", options)
    return Loop(hit["file"], names, hit["body"], int(skips[1]) if skips is not None else 0)


def _tokens(options: str) -> int | None:
    """Return how many words of a line the loop takes; None for unknown options."""
    count = 1
    for option in options.split():
        # A digit at the beginning of a line would leave out the VMs whose ids begin with it.
        if re.fullmatch(r"eol=[^0-9]|skip=[0-9]{1,9}|usebackq", option):
            continue
        if option in ("tokens=1", "tokens=1,2"):
            count = 1 + option.count(",")
        else:
            return None
    return count


def changes_folder(command: Command) -> bool:
    """Whether the command changes the drive or the folder."""
    first = command.argv[0].text
    return re.fullmatch(r"[A-Za-z]:", first) is not None or _CHANGE.match(first) is not None


def folder_after(here: PureWindowsPath, command: Command, program: str) -> PureWindowsPath:
    """Return the folder after such a command; it is relative if the batch does not name the one it starts in."""
    if re.fullmatch(r"[a-z]:", program):
        return here if here.drive.lower() == program else PureWindowsPath(program + str(here)[len(here.drive) :])
    target = _CHANGE.sub("", " ".join(word.text for word in command.argv), count=1).strip()
    known = bool(target) and "%" not in target and all(char.isprintable() for char in target)
    return here / target if known else PureWindowsPath()
