"""A TOML file -> its tables, nothing of them judged yet."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from snapall.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def text_of(path: Path) -> str:
    """The file's text. Raises ConfigError."""
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}", "look at its name and its rights") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text", "save the file as UTF-8") from error


def tables_of(text: str, path: Path) -> dict[str, object]:
    """The tables that a text holds; `path` is its file, for messages. Raises ConfigError."""
    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}", "correct the file at that place") from error
    except RecursionError:
        raise ConfigError(f"{path}: is nested too deeply to be read", "a configuration has three levels") from None
