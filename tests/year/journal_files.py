"""The journals in the state folder, read without snapall's code: which of them say that something is open."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path


def open_journals(folder: Path) -> frozenset[Path]:
    """The journals whose last whole line is no report that closes them. ValueError: one cannot be read."""
    found = (path for path in folder.glob("*.jsonl") if not path.name.startswith("replicate-"))
    return frozenset(path for path in found if _is_open(path, path.stat().st_size))


@lru_cache(maxsize=1000)
def _is_open(path: Path, _size: int) -> bool:
    """A journal only grows, so that one of the same size says the same."""
    text = path.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
    return bool(lines) and not (lines[-1]["is"] == "Ended" and not lines[-1]["open"])
