"""Whether the condition of an `if` holds."""

from __future__ import annotations

import re

from snapall.config.cmd.arithmetic import ArithmeticFault, parsed
from snapall.config.cmd.files import device, split_path
from snapall.config.cmd.machine import Machine
from snapall.config.cmd.stops import Puzzle, syntax_error
from snapall.config.cmd.syntax import Test
from snapall.config.cmd.text import unquoted


def holds(test: Test, machine: Machine) -> bool:
    """Decide a condition. Raises Puzzle."""
    return _holds(test, machine) is not test.negated


def _holds(test: Test, machine: Machine) -> bool:
    left = machine.expanded(test.left)
    if test.kind == "exist":
        return _exists(unquoted(left), machine)
    if test.kind == "defined":
        return machine.variable(left) is not None
    if test.kind == "errorlevel":
        return machine.errorlevel >= _level(left)
    right = machine.expanded(test.right)
    if test.kind == "==":
        return left == right if not test.ignore_case else left.lower() == right.lower()
    order = _order(left, right, test.ignore_case, equal_only=test.kind in ("equ", "neq"))
    return {
        "equ": order == 0,
        "neq": order != 0,
        "lss": order < 0,
        "leq": order <= 0,
        "gtr": order > 0,
        "geq": order >= 0,
    }[test.kind]


def _exists(path: str, machine: Machine) -> bool:
    if not path:
        return False
    if device(path):
        folder = path.rpartition("\\")[0]  # `if exist folder\nul` asks for the folder
        return not folder or machine.exists(machine.full(folder))
    full = machine.full(path)
    if "*" in full or "?" in full:
        if "*" in split_path(full)[1] or "?" in split_path(full)[1]:
            raise Puzzle("if exist has a wildcard in a folder's name", "name the folder")
        return bool(machine.matching(full))
    current = machine.folder.lower().rstrip("\\") + "\\"
    return current.startswith(full.lower().rstrip("\\") + "\\") or machine.exists(full)


def _level(text: str) -> int:
    if not re.fullmatch("[+-]?[0-9]{1,10}", text):
        raise syntax_error("if errorlevel has no decimal number")
    return int(text)


def _number(text: str) -> int | None:
    """Read a number as C's strtol does: what has more than 32 bits is the largest there is (ss64, "If")."""
    try:
        return min(max(parsed(text), -0x80000000), 0x7FFFFFFF)
    except ArithmeticFault:
        return None


def _order(left: str, right: str, ignore_case: bool, *, equal_only: bool) -> int:
    """Compare as numbers if both are, else as texts: 0, or what is below or above it."""
    numbers = [_number(one) for one in (left, right)]
    if numbers[0] is not None and numbers[1] is not None:
        return numbers[0] - numbers[1]
    if ignore_case:
        left, right = left.lower(), right.lower()
    if left == right or equal_only:
        return int(left != right)
    if not left or not right:
        return 1 if left else -1
    # Windows compares texts by the rules of its language: only those of digits are sure, and those of letters.
    if not all(one.replace('"', "").replace(" ", "").isalnum() and one.isascii() for one in (left, right)):
        raise Puzzle("an if orders texts with punctuation, which depends on the language of Windows", "compare with ==")
    first, second = (left.lower(), left.swapcase()), (right.lower(), right.swapcase())
    return -1 if first < second else 1
