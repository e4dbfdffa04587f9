"""snapall.toml -> the frozen configuration; every fault is reported at once, and nothing is contacted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from snapall.backup.model import Job


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A password. It shows itself only to `reveal`, which is called where a connection is made."""

    _value: str

    def reveal(self) -> str:
        """The password in clear."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Vcenter:
    """[vcenter]: how vcbsnapshot is called. Times in seconds; without a user, VCB's own config.js supplies the login."""

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
class Config:
    """A whole configuration; paths are absolute."""

    path: Path
    state: Path
    log: Path
    log_time: str
    keep_journals: int
    vcenter: Vcenter
    database: Database
    filers: Mapping[str, Filer]
    jobs: Mapping[str, Job]
