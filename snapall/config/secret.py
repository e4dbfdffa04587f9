"""A password as a type that shows itself to nobody."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_OPTIONS = ("-pw", "-password", "--password", "-p")


class Secret:
    """A password that only `reveal` gives out, called where a connection is made.

    It remembers where it came from: a `file`, a `variable` of the environment, or `inline`, the configuration itself.
    It is no dataclass: whatever walks the fields of one, for a log or an event, finds none here.
    """

    __slots__ = ("_value", "file", "inline", "variable")

    def __init__(self, value: str, file: Path | None = None, *, variable: str = "", inline: bool = False) -> None:
        self._value = value
        self.file = file
        self.variable = variable
        self.inline = inline

    def reveal(self) -> str:
        """Give the password in clear."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(***)"


def secret_words(argv: Sequence[str]) -> Mapping[int, Secret]:
    """Find the words of a command that are passwords, by their places: of plink -pw, psexec -p, sshpass -p.

    Only to ssh, `-p` is a port.
    """
    names = [re.split(r"[/\\]", word)[-1].lower().removesuffix(".exe") for word in argv]
    options = {at: word.lower() for at, word in enumerate(argv) if word.lower() in _OPTIONS}
    found = [at for at, option in options.items() if option != "-p" or "ssh" not in names[:at]]
    return {at + 1: Secret(argv[at + 1], inline=True) for at in found if at + 1 < len(argv)}
