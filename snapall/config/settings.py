"""The frozen configuration, as the rest of snapall is given it; `config` reads it, and judges it whole."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from snapall.backup.model import Job


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A password. It shows itself only to `reveal`, which is called where a connection is made."""

    _value: str
    file: Path | None = field(default=None, compare=False)  # that it was read from
    variable: str = field(default="", compare=False)  # of the environment that it was read from
    inline: bool = field(default=False, compare=False)  # whether it stands in the configuration itself

    def reveal(self) -> str:
        """The password in clear."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


def holds_password(url: str) -> bool:
    """Whether a database's URL says a password itself, before its host or among its options."""
    return _IN_URL.search(url) is not None


_IN_URL = re.compile(r"//[^/?#@]*:[^/?#]+@|[?&;](?:odbc_connect=.*)?(?:pwd|password)(?:=|%3d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Vcenter:
    """[vcenter]: how vcbsnapshot is called, times in seconds; without a user, VCB's own config.js gives the login."""

    host: str
    user: str | None
    password: Secret | None
    vcbsnapshot: tuple[str, ...]  # the program and its leading arguments
    timeout: float  # for one create
    remove_timeout: float
    settle: float
    parallel: int


@dataclass(frozen=True, slots=True)
class Database:
    """[database]: any SQLAlchemy URL; `owner` is the schema of the VPX_ tables, "" for none, None: to be discovered."""

    url: str
    password: Secret | None
    owner: str | None


@dataclass(frozen=True, slots=True)
class Filer:
    """[filers.NAME]: one 7-Mode filer and how it is reached. `timeout` in seconds, for each command."""

    name: str
    host: str
    transport: Literal["ssh", "rsh"]
    port: int
    user: str | None
    key_file: Path | None
    password: Secret | None
    known_hosts: Path | None
    timeout: float
    local_user: str | None  # rsh: who we say we are; None: the login name
    reserved_port: bool  # rsh: whether the source port must be a privileged one


@dataclass(frozen=True, slots=True)
class Hooks:
    """[jobs.NAME.hooks]: commands as words, () for none; `timeout` in seconds, for each of them."""

    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    on_failure: tuple[str, ...] = ()
    timeout: float = 60

    @property
    def programs(self) -> Mapping[str, str]:
        """The first word of each that there is, by its key."""
        given = {"before": self.before, "after": self.after, "on_failure": self.on_failure}
        return {when: argv[0] for when, argv in given.items() if argv}


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration; paths are absolute."""

    path: Path
    state: Path
    log: Path
    log_time: str
    metrics: Path | None  # for Prometheus; None: none are written
    keep_journals: int
    readers: int | None  # the id of a group that may read `state`
    vcenter: Vcenter
    database: Database
    filers: Mapping[str, Filer]
    jobs: Mapping[str, Job]
    hooks: Mapping[str, Hooks]  # by job

    @property
    def secret_files(self) -> tuple[Path, ...]:
        """Every file with a password or a key in it, the configuration among them if a password stands there."""
        files = [self.path if one.inline else one.file for one in self._passwords]
        files += [self.path] if holds_password(self.database.url) else []
        files += [one.key_file for one in self.filers.values()]
        return tuple(dict.fromkeys(one for one in files if one is not None))

    @property
    def secret_variables(self) -> frozenset[str]:
        """The variables of the environment that hold passwords."""
        return frozenset(one.variable for one in self._passwords if one.variable)

    @property
    def _passwords(self) -> tuple[Secret, ...]:
        filers = (one.password for one in self.filers.values())
        return tuple(one for one in (self.vcenter.password, self.database.password, *filers) if one is not None)
