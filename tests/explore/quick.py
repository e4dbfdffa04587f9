"""`dataclasses.replace`, several times as quick: most of an exploration's time goes into copying states."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from snapall.backup import looks, origins, rotation, state

_T = TypeVar("_T")
_COPIERS: dict[type, Callable[[Any, dict[str, Any]], Any]] = {}


def replace(one: _T, /, **changes: Any) -> _T:
    """A copy of a frozen dataclass, with some fields changed."""
    copier = _COPIERS.get(type(one))
    if copier is None:
        copier = _COPIERS[type(one)] = _copier(type(one))
    return cast(_T, copier(one, changes))


def _copier(cls: type) -> Callable[[Any, dict[str, Any]], Any]:
    if hasattr(cls, "__post_init__"):
        return lambda one, changes: dataclasses.replace(one, **changes)
    names = [one.name for one in dataclasses.fields(cls)]
    if not hasattr(cls, "__slots__"):
        return lambda one, changes: _bare(cls, {name: one.__dict__[name] for name in names} | changes)
    setters = {name: getattr(cls, name).__set__ for name in names}
    lines = ["def copy(one, changes):", "    new = create(cls)"]
    lines += [f"    set_{name}(new, one.{name})" for name in names]
    lines += ["    for name, value in changes.items():", "        setters[name](new, value)", "    return new"]
    space: dict[str, Any] = {f"set_{name}": setter for name, setter in setters.items()}
    space |= {"cls": cls, "create": object.__new__, "setters": setters}
    exec("\n".join(lines), space)
    return cast(Callable[[Any, dict[str, Any]], Any], space["copy"])


def _bare(cls: type, values: dict[str, Any]) -> Any:
    """An object with these fields alone: what was computed from them stays behind."""
    new: Any = object.__new__(cls)
    new.__dict__.update(values)
    return new


@contextmanager
def quickened() -> Iterator[None]:
    """The core copies quickly meanwhile."""
    modules = [cast(Any, module) for module in (state, looks, origins, rotation) if hasattr(module, "replace")]
    try:
        for module in modules:
            module.replace = replace
        yield
    finally:
        for module in modules:
            module.replace = dataclasses.replace
