"""What all JSON of snapall has in common: a root with the number of its schema, values, times in ISO 8601.

Enumerations appear by value or lower-case name, a VM as {"id", "name", "host"}, a step with its kind under "do", an
outcome with its kind under "outcome".
"""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum, IntEnum, StrEnum

from snapall.backup.model import Grade
from snapall.backup.outcome import Summary
from snapall.backup.steps import Capture, Child, Delete, Done, Quiesce, Refusal, Release, Rename, Unknown

SCHEMA = 1
"""Within one number members are added, but never renamed or removed (docs/json.md)."""

_KINDS = dict.fromkeys((Quiesce, Release, Capture, Rename, Delete), "do") | dict.fromkeys(
    (Done, Refusal, Unknown), "outcome"
)
_SINCE_1970 = {Summary: "began", Child: "started"}
"""The fields that a journal holds in seconds since 1970."""


def root(**members: object) -> dict[str, object]:
    """The root of a command's JSON, or one line of a stream."""
    return {"schema": SCHEMA, **members}


def iso_time(at: datetime | None) -> str | None:
    """A time in ISO 8601, as UTC; None stays None."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds") if at is not None else None


def picked(value: object, *names: str) -> dict[str, object]:
    """An object of these attributes, each under its own name."""
    return {name: plain(getattr(value, name)) for name in names}


def plain(value: object) -> object:
    """Any value of a record in terms of JSON."""
    match value:
        case Grade():
            return value.name.lower().replace("_", "-")
        case IntEnum() | StrEnum():
            return value.value
        case Enum():
            return value.name.lower()
        case datetime():
            return iso_time(value)
        case tuple():
            return [plain(one) for one in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            kind, time = _KINDS.get(type(value)), _SINCE_1970.get(type(value))
            found: dict[str, object] = {kind: snake(type(value).__name__)} if kind else {}
            found |= picked(value, *(field.name for field in fields(value)))
            return found | ({time: iso_time(datetime.fromtimestamp(getattr(value, time), UTC))} if time else {})
        case _:
            return value


def snake(name: str) -> str:
    """Name a class as an event: RunEnded -> run_ended."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
