"""`dataclasses.replace` for the state, whose many fields every record copies, in a run of many records. Pure."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import replace as replace  # noqa: PLC0414 - checked like the original
else:

    def replace(one, **changes):
        """A copy with these fields changed, ten times as fast; what was computed from the old one is not copied."""
        if not hasattr(one, "__dict__"):  # it has slots
            return dataclasses.replace(one, **changes)
        copied = object.__new__(type(one))
        known = one.__dict__
        copied.__dict__.update({name: known[name] for name in _names(type(one))})
        copied.__dict__.update(changes)
        return copied

    @cache
    def _names(kind):
        return tuple(field.name for field in dataclasses.fields(kind))
