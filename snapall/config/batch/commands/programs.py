"""The programs of a batch by name, and their options: `-U vc_user`, `-Uvc_user`, `/U vc_user`."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from snapall.config.cmd import ProgramCall

FILER_PROGRAMS = frozenset({"rsh", "ssh", "plink"})
"""Programs that send the filer a command."""
QUERY_PROGRAMS = frozenset({"osql", "isql", "sqlcmd"})
"""Programs that query SQL Server."""
BACKUP = FILER_PROGRAMS | QUERY_PROGRAMS | {"vcbsnapshot"}
"""The programs that take the backup."""
DECIDING = frozenset({
    "awk", "cscript", "curl", "find", "findstr", "for", "forfiles", "gawk", "grep", "more", "net", "netstat",
    "perl", "powershell", "python", "qgrep", "query", "reg", "sc", "sed", "sort", "tasklist", "vcbvmname",
    "wmic", "wscript",
})  # fmt: skip
"""Programs whose answer a batch may read: what it does next is only known where they answer nothing."""
_VALUED = ("-U", "-P", "-D", "-S", "-d", "-h", "-w", "-Q", "-q", "-o", "-i", "-s", "-l", "-t")
_BARE = ("-E", "-n", "-b", "-W", "-I")


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


def query_options(call: ProgramCall) -> Options:
    """The options of a program that queries the database."""
    return options_of(call.words, _VALUED, _BARE)


def shown(word: str) -> str:
    """Return an option without what is attached to it, which may be a password."""
    return word[:2] if re.match(r"[-/][A-Za-z]", word) else "that is none"


def is_service(call: ProgramCall) -> bool:
    """Whether the call starts or stops a service: `net stop NAME`, `sc \\\\SERVER start NAME`."""
    words = call.words[1:] if call.name == "sc" and call.words[0:1] and call.words[0][:2] == "\\\\" else call.words
    return call.name in ("net", "sc") and len(words) > 1 and words[0].lower() in ("start", "stop")
