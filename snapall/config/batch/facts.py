"""The facts read from a batch file: values with their lines, faults, defects, and its commands in order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

KeyPath = tuple[str | int, ...]

_SHORT = 4

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
    """`rsh FILER snap VERB VOLUME NAME...`."""

    line: int
    verb: str
    filer: Located | None
    user: Located | None
    volume: Located | None
    names: tuple[Located | None, ...]


@dataclass(frozen=True, slots=True)
class OsqlCall:
    """How osql is called."""

    login: Located | None
    password: Located | None
    dsn: Located | None


@dataclass(frozen=True, slots=True)
class ListFile:
    """The file of a query's result: how many header lines it has, and whether it is appended to."""

    headers: int = 0
    appended: bool = False


@dataclass(frozen=True, slots=True)
class VmQuery:
    """The query for the VMs of the datastores; `datastores` is None if its filter is unknown."""

    line: int
    database: OsqlCall
    out: str | None
    owner: str | None = None
    datastores: tuple[int, ...] | None = None
    templates: bool = False
    file: ListFile = ListFile()


@dataclass(frozen=True, slots=True)
class SnapshotQuery:
    """The query for the VM snapshots of one name, `limited_to` some datastores or to none."""

    line: int
    database: OsqlCall
    out: str | None
    owner: str | None = None
    name: str | None = None
    limited_to: tuple[int, ...] = ()
    file: ListFile = ListFile()


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
class QuiesceLoop:
    """The loop over the VMs with `vcbsnapshot -c`."""

    line: int
    source: str
    login: Login
    name: Located | None
    skip: int = 0


@dataclass(frozen=True, slots=True)
class ReleaseLoop:
    """The loop over the VM snapshots with `vcbsnapshot -d`."""

    line: int
    source: str
    login: Login
    skip: int = 0


Statement = Snap | VmQuery | SnapshotQuery | QuiesceLoop | ReleaseLoop


@dataclass(slots=True)
class Script:
    """Everything read from a file: the commands that run on success, the faults, and what the defects are judged by."""

    texts: dict[int, str] = field(default_factory=dict)  # the lines by their numbers
    statements: list[Statement] = field(default_factory=list)
    faults: list[BatchFault] = field(default_factory=list)
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
    _seen: set[BatchFault] = field(default_factory=set)

    def fault(self, line: int, text: str, remedy: str, *keys: KeyPath) -> None:
        """Record a line that cannot be imported."""
        found = BatchFault(line, text, remedy, keys)
        if found not in self._seen:
            self._seen.add(found)
            self.faults.append(found)

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
