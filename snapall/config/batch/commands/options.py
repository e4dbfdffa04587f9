"""The options of a program of Windows: `-U vc_user`, `-Uvc_user`, `/U vc_user`."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """A command line: the values of its options, and the words that are none."""

    given: dict[str, str | None]
    plain: tuple[str, ...]
    after: tuple[str, ...]  # for each of these words: the option before it
    unknown: tuple[str, ...]

    def value(self, option: str) -> str | None:
        """The value of an option, None if it is not given or has none."""
        return self.given.get(option)


def options_of(words: Sequence[str], valued: Collection[str], bare: Collection[str]) -> Options:
    """Take a command line apart. `valued`: options that a value follows or is attached to; `bare`: those without."""
    given: dict[str, str | None] = {}
    plain: list[str] = []
    unknown: list[str] = []
    after: list[str] = []
    option, rest = "", list(words)
    while rest:
        word = rest.pop(0)
        if re.match(r"[-/][A-Za-z]", word) is None:
            (unknown if word.startswith("-") else plain).append(word)
            after += [] if word.startswith("-") else [option]
            continue
        option, attached = f"-{word[1]}", word[2:]
        if option in valued and attached:
            given[option] = attached
        elif option in valued:
            # -u without a value: cmd put nothing in the place of a variable that is not set.
            given[option] = rest.pop(0) if rest and re.match(r"-[A-Za-z]", rest[0]) is None else None
        elif option in bare and not attached:
            given[option] = ""
        else:
            unknown.append(word)
            if not attached and rest and not rest[0].startswith("-"):
                rest.pop(0)
    return Options(given, tuple(plain), tuple(after), tuple(unknown))


def shown(word: str) -> str:
    """Return an option without what is attached to it, which may be a password."""
    return word[:2] if re.match(r"[-/][A-Za-z]", word) else "that is none"
