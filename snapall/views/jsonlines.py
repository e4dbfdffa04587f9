"""`run --json`: for each record one line, {"schema": 1, "at": UTC, "event": "answered", ...its fields}."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TextIO

from snapall.backup.record import Record
from snapall.views.json_root import iso_time, picked, root, snake


class JsonLines:
    """Writes every record to a stream. Raises what the stream raises."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, record: Record) -> None:
        """Write one record."""
        what = record.what
        body = root(at=iso_time(record.at), event=snake(type(what).__name__), of_run=record.run or None)
        body |= picked(what, *(field.name for field in fields(what)))
        self._stream.write(json.dumps(body) + "\n")
        self._stream.flush()
