"""Command lines as a person types them: to the filer, and to the service console of an ESX host. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from snapall.errors import Refused
from snapall.escaping import quoted_word
from snapall.restore.book.blocks import Block, Commands, Paragraph
from snapall.restore.steps import LunStep

_FILE_NAME = re.compile(r"\[([^\]]+)\] (.+)")


@dataclass(frozen=True, slots=True)
class Shell:
    """The way to the filer, and its dialect."""

    words: tuple[str, ...]
    command: Callable[[LunStep], str]

    def steps(self, steps: Iterable[LunStep]) -> Block:
        """The lines that do these steps; all or none, where a name does not fit into a command."""
        try:
            return Commands(tuple(self.line(self.command(one)) for one in steps))
        except Refused as error:
            return Paragraph(f"Not written, since {error.message}: {error.hint}.")

    def line(self, command: str, host: str = "") -> tuple[str, ...]:
        """The words of a line that gives the filer a command; `host` is another filer."""
        words = (*self.words[:-1], _at(self.words[-1], host)) if host else self.words
        return (*words, *map(quoted_word, command.split()))


def console(host: str, command: str) -> tuple[str, ...]:
    """The words of a line that runs a command on an ESX host's service console."""
    return ("ssh", f"root@{host}", *map(quoted_word, re.findall(r"'[^']*'|\S+", command)))


def vmx_path(stored: str) -> str:
    """The path on a host of a vmx that the database calls `[vmvol1_vmfs] sql01/sql01.vmx`; quoted where need be."""
    found = _FILE_NAME.fullmatch(stored)
    return shlex.quote(f"/vmfs/volumes/{found[1]}/{found[2]}" if found else stored)


def _at(login: str, host: str) -> str:
    user, at, _ = login.rpartition("@")
    return f"{user}{at}{host}"
