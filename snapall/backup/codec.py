"""A fact as one line of JSON, and back: forgiving towards other versions of snapall, towards nothing else.

The facts of a run and those of a restore are written alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, Protocol, get_args, get_origin, get_type_hints

from snapall.backup.facts import Fact
from snapall.backup.record import Record

_FACTS = {kind.__name__: kind for kind in Fact.__args__}
_EARLIEST, _LATEST = 1970, 4999  # years: adding to a fact's time must still give a valid time
_MOST = 1 << 63  # the largest number that a database accepts
_LONGEST = 1e11  # seconds: three thousand years, which every clock can still count

Reader = Callable[[Any], Any]
"""Turns a JSON value into a value of one type. TypeError, KeyError: it is not of that type."""


class Dated(Protocol):
    """What a line holds: a fact, and when it happened (UTC)."""

    @property
    def at(self) -> datetime:
        """When."""

    @property
    def what(self) -> object:
        """The fact, a dataclass."""


def to_line(record: Dated) -> str:
    """One JSON line without its newline; JSON itself escapes control characters."""
    at = record.at.astimezone(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"at": at, **_encode(record.what)})


def _encode(value: Any) -> Any:
    if isinstance(value, Enum):
        return {"is": type(value).__name__, "value": value.name}
    if is_dataclass(value):
        return {"is": type(value).__name__, **{one.name: _encode(getattr(value, one.name)) for one in fields(value)}}
    return [_encode(one) for one in value] if isinstance(value, tuple) else value


def from_line(line: str) -> Record | None:
    """The record of a run's line; None: see `fact_of`. ValueError: the line is no fact at all."""
    found = fact_of(line, _FACTS)
    return Record(*found) if found is not None else None


def fact_of(line: str, kinds: Mapping[str, type]) -> tuple[datetime, Any] | None:
    """A line's time and its fact, of one of these kinds; None for any other kind (a newer snapall wrote it).

    Unknown fields are ignored, missing ones take their defaults. ValueError: the line is no fact at all.
    """
    try:
        body = json.loads(line)
        at, kind = datetime.fromisoformat(body["at"]), body["is"]
        if at.tzinfo is None or not _EARLIEST <= at.year <= _LATEST or not isinstance(kind, str):
            raise ValueError("no kind, or an impossible time")
        return (at, _reader(kinds[kind])(body)) if kind in kinds else None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"not a fact: {line[:80]!r}") from error


@cache
def _reader(hint: Any) -> Reader:
    """The reader of a type, made once: a journal has thousands of lines."""
    if isinstance(hint, UnionType):
        return _one_of([_reader(one) for one in get_args(hint)])
    if get_origin(hint) is tuple:
        return _tuple_of(get_args(hint))
    if is_dataclass(hint):
        return _instance_of(hint)
    if issubclass(hint, Enum):
        return lambda value: hint[_tagged(value, hint)["value"]]
    return lambda value: _scalar(value, hint)


def _one_of(readers: list[Reader]) -> Reader:
    def read(value: Any) -> Any:
        for one in readers:
            with suppress(TypeError, KeyError):
                return one(value)
        raise TypeError(f"unexpected: {value!r}")

    return read


def _tuple_of(hints: tuple[Any, ...]) -> Reader:
    each, repeated = [_reader(one) for one in hints if one is not ...], hints[-1] is ...

    def read(value: Any) -> Any:
        if not isinstance(value, list) or not (repeated or len(value) == len(each)):
            raise TypeError(f"unexpected: {value!r}")
        return tuple(one(item) for one, item in zip(each * len(value) if repeated else each, value, strict=True))

    return read


def _instance_of(kind: Any) -> Reader:
    readers = {name: _reader(hint) for name, hint in get_type_hints(kind).items()}

    def read(value: Any) -> Any:
        body = _tagged(value, kind)
        return kind(**{name: one(body[name]) for name, one in readers.items() if name in body})

    return read


def _tagged(value: Any, kind: type) -> Any:
    if value["is"] != kind.__name__:
        raise TypeError(f"no {kind.__name__}: {value!r}")
    return value


def _scalar(value: Any, kind: type) -> Any:
    """The value itself: booleans are no numbers, nor is what no clock and no database can take."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is float:
        fits = number and abs(value) <= _LONGEST
    elif kind is int:
        fits = number and isinstance(value, int) and abs(value) < _MOST
    else:
        fits = isinstance(value, kind)
    if not fits:
        raise TypeError(f"unexpected: {value!r}")
    return value


def to_json(value: object) -> str:
    """Any frozen data of tuples and plain values, as a JSON text."""
    return json.dumps(_encode(value), indent=1)


def from_json(text: str, kind: type) -> Any:
    """The data of such a text. ValueError: it holds something else."""
    try:
        return _reader(kind)(json.loads(text))
    except (TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"no {kind.__name__}: {text[:80]!r}") from error
