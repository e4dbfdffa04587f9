"""A new snapall.toml: its text out of tables, and its files, written all or none and never over another."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from snapall.backup.outfile import create
from snapall.config.json_schema import directive
from snapall.errors import ConfigError
from snapall.escaping import printable

if TYPE_CHECKING:
    from pathlib import Path

TablePath = tuple[str, ...]
_ANOTHER = "name another file with --out"


def text_of(tables: Mapping[TablePath, Mapping[str, object]], head: str, comment_of: Callable[[TablePath], str]) -> str:
    """Return the file's text: a line for its schema, a comment, and the tables; keys that are None are left out."""
    lines = [directive(), f"# {printable(head)}"]
    for path, table in tables.items():
        lines += ["", f"[{'.'.join(map(_key, path))}]"] if path else []
        for key, value in table.items():
            comment = comment_of((*path, key))
            if value is not None:
                lines.append(f"{_key(key)} = {_toml(value)}" + (f"  # {printable(comment)}" if comment else ""))
    return "\n".join(lines) + "\n"


def _key(part: str) -> str:
    return part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else _toml(part)


def _toml(value: object) -> str:
    """Return a value as TOML; JSON's escapes are valid in TOML."""
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case Mapping() if value:
            return "{ " + ", ".join(f"{_key(key)} = {_toml(one)}" for key, one in value.items()) + " }"
        case list() | tuple():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case _:
            return json.dumps(value)


def write_new(files: Sequence[tuple[Path, str, int]], check: Callable[[], object] = lambda: None) -> None:
    """Write files, each with its text and mode, and check them; if anything fails, none is left. Raises ConfigError."""
    refuse_to_overwrite([path for path, _, _ in files])
    with ExitStack() as undo:
        for path, text, mode in files:
            _create(path, text, mode, undo)
        check()
        undo.pop_all()


def require_toml(path: Path) -> None:
    """Raise ConfigError if the name of a configuration does not end in .toml."""
    if path.suffix.lower() != ".toml":
        raise ConfigError(
            f"{path}: the name of a configuration ends in .toml", "name a file such as snapall.toml", "SA-7007"
        )


def refuse_to_overwrite(files: Sequence[Path]) -> None:
    """Raise ConfigError if one of the files exists."""
    try:
        there = [file for file in files if file.exists()]
    except OSError as error:
        raise ConfigError(f"{files[0]}: cannot be written: {error.strerror}", _ANOTHER, "SA-6005") from error
    if there:
        lines = "\n".join(f"{file}: already exists, and is not overwritten" for file in there)
        raise ConfigError(lines, "move it away, or name another file with --out, in another folder", "SA-6004")


def _create(path: Path, text: str, mode: int, undo: ExitStack) -> None:
    try:
        create(path, text.replace("\n", os.linesep).encode(), mode)
        undo.callback(path.unlink)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}", _ANOTHER, "SA-6005") from error
    except UnicodeEncodeError as error:
        raise ConfigError(
            f"{path}: an answer holds bytes that are not text", "type it again, as UTF-8", "SA-7008"
        ) from error
