"""A fact as one line of JSON, and back: forgiving towards other versions of snapall, towards nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING

from snapall.backup import model, steps
from snapall.backup.facts import Fact, Left, Listed
from snapall.backup.model import FilerSnapshot, Grade, Job, Pace, Vm, VmSnapshot
from snapall.backup.outcome import CaptureSummary, Origin, Summary, TakeoverSummary, Verdict, VmSummary
from snapall.backup.record import Record
from snapall.backup.steps import Child
from snapall.backup.typed import misfit

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_FACTS = Fact.__args__
_EARLIEST, _LATEST = 1970, 4999  # years; what is reckoned from a fact's time must still be a time
_KNOWN: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        *_FACTS,
        *(
            Listed,
            Left,
            Origin,
            Verdict,
            Job,
            Pace,
            Vm,
            VmSnapshot,
            FilerSnapshot,
            model.Policies,
            model.VmPolicy,
            Grade,
            model.Order,
        ),
        *(Summary, VmSummary, CaptureSummary, TakeoverSummary),
        *(steps.Quiesce, steps.Release, steps.Capture, steps.Rename, steps.Delete),
        *(steps.Done, steps.Refusal, steps.Unknown, Child),
    )
}


def to_line(record: Record) -> str:
    """One JSON line without its newline; control characters are escaped by JSON itself."""
    at = record.at.astimezone(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"at": at, **_body(record.what)})


def from_line(line: str) -> Record | None:
    """The fact of a line, None for a kind that this snapall does not know (a newer one wrote it).

    ValueError: the line is no fact at all.
    """
    try:
        return _fact(json.loads(line), line)
    except RecursionError as error:
        raise ValueError(f"nested too deeply: {line[:80]!r}") from error


def _fact(body: object, line: str) -> Record | None:
    if not isinstance(body, dict) or not isinstance(body.get("is"), str) or not isinstance(body.get("at"), str):
        raise ValueError(f"not a fact: {line[:80]!r}")
    at = datetime.fromisoformat(body.pop("at"))
    if at.tzinfo is None:
        raise ValueError(f"a time without a zone: {line[:80]!r}")
    if not _EARLIEST <= at.year <= _LATEST:
        raise ValueError(f"a time that cannot be: {line[:80]!r}")
    if body["is"] not in _KNOWN:
        return None
    try:
        fact = _decode(body)
    except (TypeError, KeyError) as error:
        raise ValueError(f"not a fact: {line[:80]!r}") from error
    if not isinstance(fact, _FACTS):
        raise ValueError(f"not a fact: {line[:80]!r}")
    return Record(at, fact)


def _body(value: DataclassInstance) -> dict[str, object]:
    return {"is": type(value).__name__, **{field.name: _encode(getattr(value, field.name)) for field in fields(value)}}


def _encode(value: object) -> object:
    if isinstance(value, Enum):
        return {"is": type(value).__name__, "value": value.name}
    if is_dataclass(value) and not isinstance(value, type):
        return _body(value)
    if isinstance(value, tuple):
        return [_encode(one) for one in value]
    return value


def _decode(value: object) -> object:
    if isinstance(value, list):
        return tuple(_decode(one) for one in value)
    if not isinstance(value, dict):
        return value
    kind = _KNOWN[value["is"]]
    if issubclass(kind, Enum):
        return kind[value["value"]]
    return _construct(kind, value)


def _construct(kind: type, body: Mapping[str, object]) -> object:
    """Fields that this version does not know are left out, fields that the line lacks take their defaults."""
    known, needed = _fields(kind)
    missing = [name for name in needed if name not in body]
    if missing:
        raise TypeError(f"{kind.__name__} without {', '.join(missing)}")
    given = {name: _decode(value) for name, value in body.items() if name in known}
    if wrong := misfit(kind, given):
        raise TypeError(f"{kind.__name__} with another {wrong}")
    return kind(**given)


@cache
def _fields(kind: type) -> tuple[frozenset[str], tuple[str, ...]]:
    """The names of all fields, and of those without a default."""
    found = fields(kind)
    return frozenset(one.name for one in found), tuple(one.name for one in found if one.default is MISSING)
