"""A TOML file -> its tables, nothing of them judged yet; and a key as TOML writes it."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

from snapall.config.textfile import text_in
from snapall.errors import ConfigError
from snapall.escaping import quoted

if TYPE_CHECKING:
    from pathlib import Path

KeyPath = tuple[str | int, ...]
"""A key below its tables: `("jobs", "vol1", "volumes", 0)`."""


def text_of(path: Path) -> str:
    """The file's text. Raises ConfigError."""
    try:
        return text_in(path)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read: {error.strerror}", "check the file's name and permissions", "SA-7002"
        ) from error
    except ValueError as error:
        raise ConfigError(f"{path}: {error}", "save the file as UTF-8", "SA-7001") from error


def tables_of(text: str, path: Path) -> dict[str, object]:
    """The tables that a text holds; `path` is its file, for messages. Raises ConfigError."""
    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}", "correct the file at that place", "SA-7001") from error
    except RecursionError:
        raise ConfigError(
            f"{path}: is nested too deeply to be read", "a configuration has three levels", "SA-7001"
        ) from None


def dotted(path: KeyPath) -> str:
    """The key as it is written in TOML: `jobs.vol1.volumes[0]`, parts that need it in quotes."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            bare = re.fullmatch(r"[A-Za-z0-9_-]+", part) is not None
            text += ("." if text else "") + (part if bare else quoted(part))
    return text
