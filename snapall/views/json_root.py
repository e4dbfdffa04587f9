"""What all JSON of snapall has in common: the root is an object with the number of its schema."""

from __future__ import annotations

from datetime import datetime

SCHEMA = 1
"""Within one number members are added, and never renamed or removed (docs/json.md)."""


def root(**members: object) -> dict[str, object]:
    """The root of a command's JSON, or one line of a stream."""
    return {"schema": SCHEMA, **members}


def moment(at: datetime | None) -> str | None:
    """A moment in ISO form."""
    return at.isoformat(timespec="milliseconds") if at is not None else None
