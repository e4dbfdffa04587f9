"""Whether what was read from a file is of the types that a dataclass declares: pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

_MOST = 1 << 63  # what a database takes for a number
_LONGEST = 1e11  # seconds: three thousand years, which every clock can still count

Check = Callable[[object], bool]


def misfit(kind: type, given: Mapping[str, object]) -> str:
    """The name of the first field whose value is of another type than the class declares; "" if there is none."""
    checks = _checks(kind)
    return next((name for name, value in given.items() if not checks[name](value)), "")


@cache
def _checks(kind: type) -> Mapping[str, Check]:
    """The checks of a class, made once: a journal has thousands of lines."""
    return {name: _check(hint) for name, hint in get_type_hints(kind).items()}


def _check(hint: Any) -> Check:
    if isinstance(hint, UnionType):
        return _any_of(tuple(map(_check, get_args(hint))))
    if get_origin(hint) is tuple:
        return _tuple_of(get_args(hint))
    if hint is float:
        return _is_length
    if hint is int:
        return _is_whole
    return lambda value: isinstance(value, hint)


def _any_of(checks: tuple[Check, ...]) -> Check:
    return lambda value: any(check(value) for check in checks)


def _tuple_of(hints: tuple[Any, ...]) -> Check:
    if hints[1:] == (...,):
        each = _check(hints[0])
        return lambda value: isinstance(value, tuple) and all(map(each, value))
    checks = tuple(map(_check, hints))
    return lambda value: (
        isinstance(value, tuple)
        and len(value) == len(checks)
        and all(check(one) for check, one in zip(checks, value, strict=True))
    )


# True and False are no numbers, nor is what no clock and no database can take.


def _is_length(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LONGEST


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MOST
