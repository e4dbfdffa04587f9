"""The person who answers the questions of `init`, and what the answers mean; a wrong one raises ConfigError."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Literal, Protocol

from snapall.backup.model import FILER_NAME
from snapall.config.dburl import url_of
from snapall.config.paths import expanded
from snapall.errors import ConfigError


class Person(Protocol):
    """The person who answers."""

    def ask(self, question: str, default: str | None, hidden: bool) -> str:
        """Ask for one answer; `hidden` does not echo it, for passwords."""
        ...

    def show(self, text: str) -> None:
        """Show a text."""
        ...


def filled(text: str) -> str:
    """Require an answer that is not empty."""
    if not text:
        raise ConfigError("an answer is needed", "do not leave it empty", "SA-7008")
    return text


def arguments(text: str) -> tuple[str, ...]:
    """Split a command as a shell does, but keep backslashes, which Windows paths need."""
    lexer = shlex.shlex(filled(text), posix=True)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", ""
    try:
        return tuple(map(filled, lexer))
    except ValueError as error:
        raise ConfigError(f"{text!r} is not a command: {error}", "close the quotes", "SA-7008") from error


def url(text: str) -> str:
    """Require a database URL without a password, since anybody may read the configuration."""
    try:
        found = url_of(filled(text))
    except ValueError as error:
        raise ConfigError(f"the database URL {error}", "write it in another way", "SA-7008") from error
    if found.holds_password:
        raise ConfigError("the database URL contains a password", "leave it out: `init` asks for it next", "SA-7008")
    return text


def path(text: str) -> Path | None:
    """Return the path of a file; None for an empty answer."""
    try:
        return expanded(text, os.environ) if text else None
    except ValueError as error:
        raise ConfigError(f"the path {error}", "write the full path", "SA-7008") from error


def listed(text: str) -> list[str]:
    """Split a list at its commas."""
    return [filled(part.strip()) for part in text.split(",")]


def id_or_name(text: str) -> int | str:
    """Return a datastore's id as a number, or its name."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text


def name(text: str) -> str:
    """Require a name that can be part of a filer's command line."""
    if FILER_NAME.fullmatch(text) is None:
        remedy = "use letters, digits, `_`, `.` and `-`, and begin with a letter or a digit"
        raise ConfigError(f"{text!r} cannot be part of a filer's command", remedy, "SA-7008")
    return text


def number(text: str, most: int = (1 << 16) - 1) -> int:
    """Require a number from 1 to `most`."""
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= most):
        raise ConfigError(f"{text!r} is not a number from 1 to {most}", "enter digits only", "SA-7008")
    return int(text)


def retain(text: str) -> int:
    """Require a number of backups."""
    return number(text, 250)


def transport(text: str) -> Literal["ssh", "rsh"]:
    """Require one of the two transports."""
    match text:
        case "ssh" | "rsh":
            return text
        case _:
            raise ConfigError(f"{text!r} is neither ssh nor rsh", "enter ssh or rsh", "SA-7008")


def confirmed(answer: str, fingerprint: str) -> None:
    """Require `yes` or the fingerprint itself."""
    if answer not in {"yes", fingerprint}:
        raise ConfigError(
            f"the host key {fingerprint} was not confirmed",
            "verify it through a channel you trust, then answer yes or enter the fingerprint (--host-key)",
            "SA-7012",
        )
