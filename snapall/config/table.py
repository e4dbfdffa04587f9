"""What the tables of snapall.toml have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from snapall.config import rules

Given = Annotated[SkipJsonSchema[frozenset[str]], Field(validation_alias=rules.GIVEN, repr=False)]
"""Which keys the file gives; the last key of a table, where its rules are judged."""


class ConfigTable(BaseModel):
    """One table. Inputs stay out of pydantic's own messages: a password may stand where it does not belong."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )
