"""One JSON object a record: {"schema": 1, "at": UTC, "event": "answered", ...its fields}, for other programs.

Enumerations appear by value or lower-case name, a VM as {"id", "name", "host"}, a step with its kind under "do", an
outcome with its kind under "outcome". docs/json.md describes it.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum, IntEnum, StrEnum
from typing import TYPE_CHECKING, TextIO

from snapall.backup.model import Grade
from snapall.backup.record import Record
from snapall.backup.steps import Capture, Delete, Done, Quiesce, Refusal, Release, Rename, Unknown
from snapall.views.json_root import root

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_STEPS = (Quiesce, Release, Capture, Rename, Delete)
_OUTCOMES = (Done, Refusal, Unknown)


class JsonLines:
    """Writes every record to a stream. Raises what the stream raises."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, record: Record) -> None:
        """Write one record."""
        kind = snake(type(record.what).__name__)
        at = record.at.isoformat(timespec="milliseconds")
        body = root(at=at, event=kind, of_run=record.run or None) | members(record.what)
        self._stream.write(json.dumps(body) + "\n")
        self._stream.flush()


def snake(name: str) -> str:
    """RunEnded -> run_ended."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def members(value: DataclassInstance) -> dict[str, object]:
    """A dataclass as an object of its fields."""
    return {field.name: plain(getattr(value, field.name)) for field in fields(value)}


def plain(value: object) -> object:
    """Any value of a record as JSON knows it."""
    match value:
        case Grade():
            return value.name.lower().replace("_", "-")
        case IntEnum() | StrEnum():
            return value.value
        case Enum():
            return value.name.lower()
        case datetime():
            return value.isoformat(timespec="milliseconds")
        case tuple():
            return [plain(one) for one in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return _kind(value) | members(value)
        case _:
            return value


def _kind(value: object) -> dict[str, object]:
    if isinstance(value, _STEPS):
        return {"do": snake(type(value).__name__)}
    if isinstance(value, _OUTCOMES):
        return {"outcome": snake(type(value).__name__)}
    return {}
