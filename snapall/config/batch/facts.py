"""What was found in a batch file: values with their lines, its commands in order, faults, notices, defects."""

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
class Notice:
    """A line whose command snapall does not take over, though the backup does not depend on it, and what to do."""

    line: int
    text: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Defect:
    """Something that this file does wrong, every night or on a bad one, and what snapall does instead."""

    lines: tuple[int, ...]
    what: str
    instead: str


@dataclass(frozen=True, slots=True)
class Snap:
    """`snap VERB VOLUME NAME...` for a filer, and how the filer is reached: keys of its table beside the host."""

    line: int
    verb: str
    filer: Located
    reach: tuple[tuple[str, Located], ...]
    volume: Located
    names: tuple[Located, ...]

    def reached(self, key: str) -> Located | None:
        """One key of the filer's table."""
        return dict(self.reach).get(key)


@dataclass(frozen=True, slots=True)
class DatabaseCall:
    """How a program reaches the database. `integrated`: by the login of Windows."""

    login: Located | None
    password: Located | None
    dsn: Located | None
    server: Located | None
    name: Located | None
    integrated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query and how it is asked. `owner`: None if it names two. `filter`: what of its WHERE is unknown.

    `own`: whether the batch asks in its own words, so that snapall has to ask with its text.
    """

    owner: str | None
    filter: str = ""
    own: bool = False
    line: int = 0
    text: str = ""
    database: DatabaseCall = DatabaseCall(None, None, None, None, None, False)


@dataclass(frozen=True, slots=True, kw_only=True)
class VmQuery(Query):
    """The query for the VMs of the datastores, and what it was answered."""

    datastores: tuple[int, ...] | None
    templates: bool
    vms: tuple[int, ...] = ()


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
    folder: str = ""  # in which it is called


@dataclass(frozen=True, slots=True)
class VcbCall:
    """One call of vcbsnapshot for a VM, by the number of its moref."""

    line: int
    login: Login
    vm: int


@dataclass(frozen=True, slots=True)
class QuiesceCall(VcbCall):
    """`vcbsnapshot -c`."""

    name: Located


@dataclass(frozen=True, slots=True)
class ReleaseCall(VcbCall):
    """`vcbsnapshot -d`."""

    snapshot: int


Statement = Snap | Query | VcbCall


class Statements(list[Statement]):
    """Commands of the backup, in the order in which they were sent."""

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
class Findings:
    """Faults, notices and secrets, as they are found."""

    faults: dict[BatchFault, None] = field(default_factory=dict)  # each once
    notices: dict[Notice, None] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)

    def fault(self, line: int, text: str, remedy: str, *keys: KeyPath) -> None:
        """Record a line that cannot be imported."""
        self.faults[BatchFault(line, text, remedy, keys)] = None

    def fault_once(self, line: int, text: str, remedy: str, *keys: KeyPath) -> None:
        """Record what is wrong with each of many lines, at the first of them."""
        if not any((one.text, one.keys) == (text, keys) for one in self.faults):
            self.fault(line, text, remedy, *keys)

    def notice(self, line: int, text: str, remedy: str) -> None:
        """Record a command that is not imported."""
        self.notices[Notice(line, text, remedy)] = None

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
