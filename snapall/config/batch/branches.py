"""The conditions and loops of a batch file, those that the backup knows."""

from __future__ import annotations

import re
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Condition:
    """What `if` leads to. `good`: it holds when all goes well. `checks`: it tells failures apart; None: no result."""

    then: str
    good: bool = True
    checks: bool | None = None


@dataclass(frozen=True, slots=True)
class Loop:
    """`for /F` over the lines of a list, but for the first `skip`, and the variables that take the words of each."""

    file: str
    names: tuple[str, ...]
    body: str
    skip: int = 0


def condition_of(text: str) -> Condition | None:
    """A condition, or None for one that is not known."""
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
    """A loop over a list, or None for another one."""
    hit = _FOR.fullmatch(text.rstrip())
    options = (hit["options"] or "").lower() if hit is not None else ""
    count = _tokens(options)
    # Without usebackq the loop reads what stands in quotes as its only line.
    if hit is None or count is None or (hit["file"].startswith('"') and "usebackq" not in options):
        return None
    if hit["body"].lstrip().startswith("("):
        return None
    names = tuple(chr(ord(hit["name"]) + offset) for offset in range(count))
    skips = re.search(r"skip=([0-9]+)", options)
    return Loop(hit["file"], names, hit["body"], int(skips[1]) if skips is not None else 0)


def _tokens(options: str) -> int | None:
    """How many words of a line the loop takes; None for options whose effect is not known."""
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
