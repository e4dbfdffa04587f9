"""A path as a configuration writes it -> the path that is meant: `~` on every system, `%NAME%` on Windows."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from snapall.escaping import quoted

_PERCENT = re.compile(r"%([^%/\\:]+)%")
_DOLLAR = re.compile(r"\$(?:\{\w+\}|[A-Za-z_]\w*)")


def expanded(text: str, environ: Mapping[str, str], windows: bool = sys.platform == "win32") -> Path:
    """The path. ValueError: it names a variable that is not set, or begins with one that is not expanded here."""
    if windows:
        text = _PERCENT.sub(lambda hit: _value_of(hit[1], environ), text)
    elif begun := _PERCENT.match(text):
        raise ValueError(f"begins with {begun[0]}, which is expanded on Windows only; write the path in full")
    if begun := _DOLLAR.match(text):
        instead = "%NAME%" if windows else "~"
        raise ValueError(f"begins with {begun[0]}, which is not expanded; write the path in full, or use {instead}")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError(f"the home directory in {quoted(text)} is unknown; write the path in full") from None


def _value_of(name: str, environ: Mapping[str, str]) -> str:
    """The value of a variable, whose name's case makes no difference on Windows."""
    for known, value in environ.items():
        if known.upper() == name.upper() and value:
            return value
    raise ValueError(f"the environment variable {quoted(name)}, as in %{name}%, is not set; write the path in full")
