"""`explain`: what a message means, and what to do, by its code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from snapall.views.json_root import picked, root
from snapall.views.tables import wrapped

SHIPPED = Path(__file__).with_name("messages.json")
"""Made from the source: `python -m tests.docs.messages json > snapall/views/messages.json`; a test compares them."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A message with its code. `kind`: what it means for the exit code; `text` has <words> where cases differ."""

    code: str
    kind: str
    text: str
    cause: str
    remedy: str


def explanations() -> list[Explanation]:
    """Every message of snapall, in the order of the codes."""
    return [Explanation(**one) for one in json.loads(SHIPPED.read_text(encoding="utf-8"))]


def normal(code: str) -> str:
    """A code as it is written in a message: `1101` and `sa-1101` are SA-1101."""
    return f"SA-{code.strip().upper().removeprefix('SA').removeprefix('-')}"


def explanation_lines(one: Explanation, width: int) -> list[str]:
    """A message, its cause and its remedy. `width` 0: nothing is wrapped."""
    parts = (f"{one.code} {one.text}", f"Kind:   {one.kind}", f"Cause:  {one.cause}", f"Remedy: {one.remedy}")
    return [line for part in parts for line in wrapped(part, width, 8)]


def code_lines(found: Sequence[Explanation], width: int) -> list[str]:
    """The codes with their texts."""
    return [line for one in found for line in wrapped(f"{one.code} {one.text}", width, 8)]


def explanations_json(found: Sequence[Explanation]) -> dict[str, object]:
    """The same for programs."""
    return root(messages=[picked(one, "code", "kind", "text", "cause", "remedy") for one in found])
