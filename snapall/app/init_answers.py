"""What was typed at a question of `init`, read; each raises ConfigError with the reason when it is no answer. Pure."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Literal

from snapall.backup.model import FILER_NAME
from snapall.config.secret import holds_password
from snapall.errors import ConfigError


def filled(text: str) -> str:
    """What may not be left out."""
    if not text:
        raise ConfigError("an answer is needed", "it cannot be left empty")
    return text


def words(text: str) -> tuple[str, ...]:
    """A command's words, as a shell splits them; a backslash is one, for Windows writes its paths with it."""
    lexer = shlex.shlex(filled(text), posix=True)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", ""
    try:
        return tuple(map(filled, lexer))
    except ValueError as error:
        raise ConfigError(f"{text!r} is no command: {error}", "close the quotes") from error


def url(text: str) -> str:
    """The database's URL, which anybody may read."""
    if holds_password(filled(text)):
        raise ConfigError("the database's URL holds a password", "leave it out: it is asked for, and kept in a file")
    return text


def path(text: str) -> Path | None:
    """A file's path; None: there is none."""
    try:
        return Path(text).expanduser() if text else None
    except RuntimeError as error:
        raise ConfigError(f"the home directory in {text!r} is not known", "write the path in full") from error


def listed(text: str) -> list[str]:
    """Several, between commas."""
    return [filled(part.strip()) for part in text.split(",")]


def id_or_name(text: str) -> int | str:
    """A datastore."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text


def name(text: str) -> str:
    """What becomes part of a filer's command line."""
    if FILER_NAME.fullmatch(text) is None:
        remedy = "use letters, digits, `_`, `.` and `-`, and begin with a letter or a digit"
        raise ConfigError(f"{text!r} cannot be part of a filer's command", remedy)
    return text


def number(text: str, most: int = (1 << 16) - 1) -> int:
    """A number from 1 on."""
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= most):
        raise ConfigError(f"{text!r} is not a number from 1 to {most}", "write digits")
    return int(text)


def transport(text: str) -> Literal["ssh", "rsh"]:
    """How a filer is reached."""
    match text:
        case "ssh" | "rsh":
            return text
        case _:
            raise ConfigError(f"{text!r} is neither ssh nor rsh", "write one of the two")


def confirmed(output: str, fingerprint: str) -> None:
    """Whether a host key is the right one, as somebody says who has compared it."""
    if output not in {"yes", fingerprint}:
        raise ConfigError(
            f"the host key {fingerprint} is not confirmed",
            "answer yes only when you have compared it over a way that you trust; --host-key takes the fingerprint",
        )
