"""`set /a`: integers of 32 bits."""

from __future__ import annotations

import re
from collections.abc import Callable

_TOKEN = re.compile(
    r"[ \t]*(?:(?P<number>[0-9][0-9A-Za-z]*)|(?P<name>[^\s0-9()!~*/%+<>&^|=,\-][^\s()!~*/%+<>&^|=,\-]*)"
    r"|(?P<sign>(?:<<|>>|[*/%+\-&^|])=|<<|>>|[()!~*/%+\-&^|=,]))"
)
_LEVELS: tuple[tuple[str, ...], ...] = (("|",), ("^",), ("&",), ("<<", ">>"), ("+", "-"), ("*", "/", "%"))
_ASSIGNED = ("=", "*=", "/=", "%=", "+=", "-=", "&=", "^=", "|=", "<<=", ">>=")
_DEEPEST = 30

UNBALANCED, NO_OPERAND, SYNTAX, NO_NUMBER, TOO_LARGE, BY_ZERO = range(1073750988, 1073750994)
_TEXTS = {
    UNBALANCED: "Unbalanced parenthesis.",
    NO_OPERAND: "Missing operand.",
    SYNTAX: "Missing operator.",
    NO_NUMBER: "Invalid number.  Numeric constants are either decimal (17),\nhexadecimal (0x11), or octal (021).",
    TOO_LARGE: "Invalid number.  Numbers are limited to 32-bits of precision.",
    BY_ZERO: "Divide by zero error.",
}


class ArithmeticFault(Exception):
    """What cmd reports, with the errorlevel that it sets (ss64, "Set")."""

    def __init__(self, code: int) -> None:
        super().__init__(_TEXTS[code])
        self.code = code
        self.text = _TEXTS[code]


def parsed(text: str) -> int:
    """Read a number of any size: decimal, 0x hexadecimal, 0 octal. Raises ArithmeticFault."""
    hit = re.fullmatch(r"\s*([+-]?)(0[xX][0-9A-Fa-f]+|0[0-7]*|[1-9][0-9]*)\s*", text)
    if hit is None:
        raise ArithmeticFault(NO_NUMBER)
    digits = hit[2].lower()[:40]  # more are too large in any case
    value = int(digits, 16 if digits.startswith("0x") else 8 if digits.startswith("0") else 10)
    return -value if hit[1] == "-" else value


def integer(text: str) -> int:
    """Read a number of 32 bits. Raises ArithmeticFault."""
    value = parsed(text)
    if abs(value) > (0xFFFFFFFF if "x" in text.lower() else 0x7FFFFFFF):
        raise ArithmeticFault(TOO_LARGE)
    return wrapped(value)


def wrapped(value: int) -> int:
    """Return a number as 32 bits with a sign hold it."""
    return (value + 0x80000000) % 0x100000000 - 0x80000000


class Sum:
    """One expression of `set /a`, with the variables that it reads and sets."""

    def __init__(self, text: str, read: Callable[[str], str | None], assign: Callable[[str, str], None]) -> None:
        self._read = read
        self._assign = assign
        self._tokens = _tokens(text.replace('"', ""))
        self._at = 0
        self._depth = 0

    def value(self) -> int:
        """Compute it. Raises ArithmeticFault; what was assigned before stays."""
        value = self._listed()
        if self._at < len(self._tokens):
            raise ArithmeticFault(UNBALANCED if self._tokens[self._at] == ("sign", ")") else SYNTAX)
        return value

    def _listed(self) -> int:
        value = self._assignment()
        while self._takes(","):
            value = self._assignment()
        return value

    def _next(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("", "")

    def _takes(self, *signs: str) -> str:
        kind, text = self._next()
        if kind == "sign" and text in signs:
            self._at += 1
            return text
        return ""

    def _assignment(self) -> int:
        kind, name = self._next()
        after = self._tokens[self._at + 1] if self._at + 1 < len(self._tokens) else ("", "")
        if kind != "name" or after[0] != "sign" or after[1] not in _ASSIGNED:
            return self._level(0)
        self._at += 2
        self._deeper()
        value = self._assignment()
        self._depth -= 1
        if after[1] != "=":
            value = _computed(after[1][:-1], self._variable(name), value)
        self._assign(name, str(value))
        return value

    def _level(self, rank: int) -> int:
        if rank == len(_LEVELS):
            return self._operand()
        value = self._level(rank + 1)
        while sign := self._takes(*_LEVELS[rank]):
            value = _computed(sign, value, self._level(rank + 1))
        return value

    def _operand(self) -> int:
        signs: list[str] = []
        while sign := self._takes("!", "~", "-", "+"):
            signs.append(sign)
        kind, text = self._next()
        self._at += 1
        if kind == "number":
            value = integer(text)
        elif kind == "name":
            value = self._variable(text)
        elif text == "(":
            self._deeper()
            value = self._listed()
            self._depth -= 1
            if not self._takes(")"):
                raise ArithmeticFault(UNBALANCED)
        else:
            raise ArithmeticFault(NO_OPERAND)
        for sign in reversed(signs):
            value = wrapped({"!": int(not value), "~": ~value, "-": -value, "+": value}[sign])
        return value

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ArithmeticFault(SYNTAX)

    def _variable(self, name: str) -> int:
        hit = re.match(r"\s*[+-]?(0[xX][0-9A-Fa-f]+|[0-9]+)", self._read(name) or "")
        try:
            return 0 if hit is None else integer(hit[0])
        except ArithmeticFault as fault:
            if fault.code == TOO_LARGE:
                raise
            return 0


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    text = text.rstrip(" \t")
    while at < len(text):
        hit = _TOKEN.match(text, at)
        if hit is None or hit.lastgroup is None:
            raise ArithmeticFault(SYNTAX)
        found.append((hit.lastgroup, hit[hit.lastgroup]))
        at = hit.end()
    return found


def _computed(sign: str, left: int, right: int) -> int:
    match sign:
        case "*":
            value = left * right
        case "/" | "%":
            if right == 0:
                raise ArithmeticFault(BY_ZERO)
            quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
            value = quotient if sign == "/" else left - quotient * right
        case "+":
            value = left + right
        case "-":
            value = left - right
        case "<<":
            value = left << right if 0 <= right < 32 else 0
        case ">>":
            value = left >> (right & 31)  # as the processor counts
        case "&":
            value = left & right
        case "^":
            value = left ^ right
        case _:
            value = left | right
    return wrapped(value)
