"""The first snapall.toml, from the answers to `snapall init`: a commented file, with its secrets beside it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from snapall.backup.outfile import append
from snapall.backup.patience import patiently
from snapall.config.load import load
from snapall.config.newfile import TablePath, refuse_to_overwrite, require_toml, text_of, write_new
from snapall.config.secret import Secret
from snapall.config.settings import Database, Filer, JobSettings, Vcenter
from snapall.config.textfile import text_in
from snapall.errors import ConfigError

VC_SECRET, SQL_SECRET, FILER_SECRET = "vc.secret", "sql.secret", "filer.secret"
_OF_JOB = ("filer", "volumes", "datastores", "prefix", "retain", "vms")
_HEAD = "Written by `snapall init`. Relative paths are relative to this file; docs/configuration.md lists every key."
_COMMENTS = {
    "state": "journals and locks",
    "log": "appended to, in the batch's words",
    "vcbsnapshot": "the program and its leading arguments",
    "parallel": "calls at a time; 1 is the batch's pace",
    "prefix": "PREFIX_recent, PREFIX_previous, PREFIX_snap3 and so on",
    "vms": '{ "test-*" = "skip", "sql01" = "must" }',
}


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything that a first configuration needs."""

    vcenter: Vcenter
    database: Database
    filer: Filer
    job: JobSettings
    named: str  # the datastores' names, for a comment


def text_of_answers(one: Answers, folder: Path) -> str:
    """Return the file's text. Passwords are in their own files; paths below the folder are written relative to it."""
    filer = ("local_user", "reserved_port") if one.filer.transport == "rsh" else ("key_file", "password", "known_hosts")
    tables: dict[TablePath, dict[str, object]] = {
        (): {"state": "snapall.state", "log": "snapall.log"},
        ("vcenter",): _table(one.vcenter, VC_SECRET, folder, "host", "user", "password", "vcbsnapshot", "parallel"),
        ("database",): _table(one.database, SQL_SECRET, folder, "url", "password", "owner"),
        ("filers", one.filer.name): _table(
            one.filer, FILER_SECRET, folder, "host", "transport", "port", "user", *filer
        ),
        ("jobs", one.job.name): _table(one.job, "", folder, *_OF_JOB),
    }
    comments = {**_COMMENTS, "datastores": one.named}
    if one.vcenter.user is None:
        comments["host"] = "without user and password: VCB's own config.js supplies them"
    return text_of(tables, _HEAD, lambda path: comments.get(path[-1], "") if path[0] != "filers" else "")


def _table(
    table: Vcenter | Database | Filer | JobSettings, secret_file: str, folder: Path, *keys: str
) -> dict[str, object]:
    """Return some keys of a table as the file has them, the password as a reference to its own file."""

    def written(value: object) -> object:
        match value:
            case Secret():
                return {"file": secret_file}
            case Path():
                return str(value.relative_to(folder) if value.is_relative_to(folder) else value)
            case _:
                return value

    return {key: written(value) for key, value in table.model_dump(include=set(keys)).items()}


def write_first(path: Path, one: Answers) -> list[Path]:
    """Write the configuration and its secrets, all or none, and return the files. Raises ConfigError."""
    secrets: Sequence[tuple[str, Secret | None]] = (
        (VC_SECRET, one.vcenter.password),
        (SQL_SECRET, one.database.password),
        (FILER_SECRET, one.filer.password),
    )
    needed = [(path.parent / name, secret) for name, secret in secrets if secret is not None]
    files = [(file, f"{secret.reveal()}\n", 0o600) for file, secret in needed if not _holds(file, secret)]
    files.append((path, text_of_answers(one, path.parent), 0o644))
    write_new(files, lambda: load(path))
    return [file for file, _, _ in files]


def _holds(file: Path, secret: Secret) -> bool:
    """Whether the file exists and holds this password; the answer may have been read from it."""
    with suppress(OSError, ValueError):
        return text_in(file).rstrip("\n") == secret.reveal()
    return False


def refuse_another(file: Path, secret: Secret) -> None:
    """Raise ConfigError if the password's file exists and holds something else, before any further question."""
    if not _holds(file, secret):
        refuse_to_overwrite([file])


def require_place(path: Path) -> None:
    """Raise ConfigError if no configuration can be written there, before the first question."""
    require_toml(path)
    if not path.parent.is_dir():
        raise ConfigError(
            f"{path}: its folder does not exist", "create the folder, or name another file with --out", "SA-7007"
        )
    refuse_to_overwrite([path])


def write_down(known_hosts: Path, line: str) -> None:
    """Append a host key's line to the file. Raises ConfigError."""
    try:
        before = patiently(known_hosts.read_bytes, known_hosts) if known_hosts.exists() else b""
        ended = not before or before.endswith(b"\n")
        append(known_hosts, f"{'' if ended else chr(10)}{line}\n".encode(), 0o644)
    except OSError as error:
        raise ConfigError(
            f"{known_hosts}: cannot be written: {error.strerror}", "name another one", "SA-6005"
        ) from error
