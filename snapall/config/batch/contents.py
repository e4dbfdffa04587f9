"""The facts read from a batch file: values with their lines, faults, defects, and its commands in order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeVar

from snapall.config.tomlfile import KeyPath

SNAP_NAMES = {"delete": 1, "rename": 2, "create": 1}
"""How many names follow the volume in each `snap` command of the backup."""
_SHORT = 4
_S = TypeVar("_S")

ANY = "*"
"""Stands for the name of any job or filer in a key's path."""


@dataclass(frozen=True, slots=True)
class Located:
    """A value and the line on which to correct it."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class BatchFault:
    """A line that cannot be imported, why, and the remedy; an overlay that sets one of `keys` lifts it."""

    line: int
    text: str
    remedy: str
    keys: tuple[KeyPath, ...] = ()


@dataclass(frozen=True, slots=True)
class Defect:
    """Something that this file does wrong, every night or on a bad one, and what snapall does instead."""

    lines: tuple[int, ...]
    what: str
    instead: str


@dataclass(frozen=True, slots=True)
class Trace:
    """One call of a program: whether its output and its errors are logged, and whether variables lack quotes."""

    line: int
    program: str
    logged: bool
    errors_logged: bool
    bare_variables: bool


@dataclass(frozen=True, slots=True)
class Snap:
    """`rsh FILER snap VERB VOLUME NAME...`; `names` lacks those that are not understood."""

    line: int
    verb: str
    filer: Located | None
    user: Located | None
    password: Located | None
    volume: Located | None
    names: tuple[Located, ...]


@dataclass(frozen=True, slots=True)
class OsqlCall:
    """How osql is called."""

    login: Located | None
    password: Located | None
    dsn: Located | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query by osql. `owner`: None if it names two. `filter`: what of its WHERE is unknown.

    Its result goes to the file `out`, which has `headers` header lines, and which it may append to.
    """

    owner: str | None
    filter: str = ""
    line: int = 0
    database: OsqlCall = OsqlCall(None, None, None)
    out: str | None = None
    headers: int = 0
    appended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VmQuery(Query):
    """The query for the VMs of the datastores; `datastores` is None if its filter is unknown."""

    datastores: tuple[int, ...] | None
    templates: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotQuery(Query):
    """The query for the VM snapshots of one name, `limited_to` some datastores or to none."""

    name: str | None
    limited_to: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Login:
    """How vcbsnapshot logs in; `unset_user` is the variable after -u that nothing sets."""

    program: Located | None
    host: Located | None
    user: Located | None
    password: Located | None
    unset_user: str = ""
    bare: bool = False  # neither -u nor -p: VCB's own config.js supplies them


@dataclass(frozen=True, slots=True)
class VcbLoop:
    """A loop with vcbsnapshot over the lines of the list `source` after the first `skip`."""

    line: int
    source: str
    login: Login
    skip: int


@dataclass(frozen=True, slots=True)
class QuiesceLoop(VcbLoop):
    """The loop over the VMs with `vcbsnapshot -c`."""

    name: Located | None


class ReleaseLoop(VcbLoop):
    """The loop over the VM snapshots with `vcbsnapshot -d`."""


Statement = Snap | Query | VcbLoop


class Statements(list[Statement]):
    """Commands of the backup, in the order of the file."""

    def of(self, kind: type[_S]) -> list[_S]:
        """Return those of one kind."""
        return [one for one in self if isinstance(one, kind)]

    @property
    def line(self) -> int:
        """The line on which they begin."""
        return self[0].line

    @property
    def captures(self) -> list[Snap]:
        """The commands that create a snapshot on the filer."""
        return [one for one in self.of(Snap) if one.verb == "create"]


@dataclass(slots=True)
class Script:
    """Everything read from a file: the commands that run on success, the faults, and what the defects are judged by."""

    texts: dict[int, str] = field(default_factory=dict)  # the lines by their numbers
    faults: dict[BatchFault, None] = field(default_factory=dict)  # each once
    statements: Statements = field(default_factory=Statements)
    traces: list[Trace] = field(default_factory=list)
    logs: list[Located] = field(default_factory=list)
    emptied: list[int] = field(default_factory=list)  # lines whose > overwrites the log
    folder: Located | None = None  # where the last change of folder before the programs leads
    checks: list[int] = field(default_factory=list)  # lines that check the result of the one before
    always: list[int] = field(default_factory=list)  # `if errorlevel 0`
    deleted: list[Located] = field(default_factory=list)  # lists that are deleted before they are written
    blanks: list[tuple[int, str]] = field(default_factory=list)  # values with blanks at their ends
    in_command_lines: list[int] = field(default_factory=list)  # lines that carry a password
    exits: bool = False  # whether it sets an exit code of its own
    last: int = 1
    secrets: set[str] = field(default_factory=set)

    def fault(self, line: int, text: str, remedy: str, *keys: KeyPath) -> None:
        """Record a line that cannot be imported."""
        self.faults[BatchFault(line, text, remedy, keys)] = None

    def masked(self, text: str) -> str:
        """Return the text without any password of this file; names of variables stay."""
        pieces = re.split(r"(%[A-Za-z_][A-Za-z0-9_]*%)", text)
        return "".join(piece if number % 2 else self._without_secrets(piece) for number, piece in enumerate(pieces))

    def _without_secrets(self, text: str) -> str:
        for secret in sorted(self.secrets - {""}, key=len, reverse=True):
            if len(secret) < _SHORT:
                # A short password is part of many words: mask it only where it stands alone.
                text = re.sub(rf"(?<![^\s\"'=`]){re.escape(secret)}(?![^\s\"'`])", "***", text)
            else:
                text = text.replace(secret, "***")
        return text
