"""Whether what was read from a file is of the types that a dataclass declares: pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

_MOST = 1 << 63  # what a database takes for a number
_LONGEST = 1e11  # seconds: three thousand years, which every clock can still count


def misfit(kind: type, given: Mapping[str, object]) -> str:
    """The name of the first field whose value is of another type than the class declares; "" if there is none."""
    hints = _hints(kind)
    return next((name for name, value in given.items() if not _fits(value, hints[name])), "")


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _fits(value: object, hint: Any) -> bool:
    if isinstance(hint, UnionType):
        return any(_fits(value, one) for one in get_args(hint))
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and _each_fits(value, get_args(hint))
    if hint in (int, float):
        return _is_number(value, hint)
    return isinstance(value, hint)


def _each_fits(values: tuple[object, ...], hints: tuple[Any, ...]) -> bool:
    if hints[1:] == (...,):
        return all(_fits(value, hints[0]) for value in values)
    return len(values) == len(hints) and all(map(_fits, values, hints))


def _is_number(value: object, hint: type) -> bool:
    """True and False are no numbers, nor is what no clock and no database can take."""
    if isinstance(value, bool):
        return False
    if hint is float:
        return isinstance(value, int | float) and abs(value) <= _LONGEST
    return isinstance(value, int) and abs(value) < _MOST
