"""The first snapall.toml: answers, written as a commented file with its secrets beside it. Nothing is overwritten."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from snapall.config.json_schema import directive
from snapall.config.load import load
from snapall.config.secret import Secret
from snapall.config.settings import Database, Filer, Vcenter
from snapall.errors import ConfigError
from snapall.escaping import printable

VC_SECRET, SQL_SECRET, FILER_SECRET = "vc.secret", "sql.secret", "filer.secret"
_TEMPLATE = """\
{schema}
# Written by `snapall init`. Relative paths are relative to this file; docs/configuration.md lists every key.
state = "snapall.state"              # journals and locks
log   = "snapall.log"                # appended to, in the batch's words

[vcenter]
host        = {host}
{login}vcbsnapshot = {vcbsnapshot}  # the program and its leading arguments
parallel    = 4                      # calls at a time; 1 is the batch's pace

[database]
url      = {url}
{password}{owner}
[filers.{filer}]
{way}

[jobs.{job}]
filer      = {filer_name}
volumes    = {volumes}
datastores = {datastores}  # {named}
prefix     = {prefix}                # PREFIX_recent, PREFIX_previous, PREFIX_snap3 and so on
retain     = {retain}
vms        = {{}}                      # {{ "test-*" = "skip", "sql01" = "must" }}
"""


@dataclass(frozen=True, slots=True)
class Answers:
    """All that a first configuration needs, each answer tried by then or taken on trust."""

    vcenter: Vcenter
    database: Database
    filer: Filer
    job: str
    volumes: tuple[str, ...]
    datastores: tuple[int | str, ...]
    named: str  # what these datastores are called, for a comment
    prefix: str
    retain: int


def text_of_answers(one: Answers, folder: Path) -> str:
    """The file's text. Passwords stand in files of their own; paths below the folder are written relative to it."""
    user = one.vcenter.user
    login = f"user        = {_toml(user)}\n" if user else "# no user and password: VCB's own config.js supplies them\n"
    if one.vcenter.password is not None:
        login += f'password    = {{ file = "{VC_SECRET}" }}\n'
    return _TEMPLATE.format(
        schema=directive(),
        host=_toml(one.vcenter.host),
        login=login,
        vcbsnapshot=_toml(list(one.vcenter.vcbsnapshot)),
        url=_toml(one.database.url),
        password=f'password = {{ file = "{SQL_SECRET}" }}\n' if one.database.password is not None else "",
        owner=f"owner    = {_toml(one.database.owner)}\n" if one.database.owner is not None else "",
        filer=_key(one.filer.name),
        filer_name=_toml(one.filer.name),
        way="\n".join(_way(one.filer, folder)),
        job=_key(one.job),
        volumes=_toml(list(one.volumes)),
        datastores=_toml(list(one.datastores)),
        named=printable(one.named),
        prefix=_toml(one.prefix),
        retain=one.retain,
    )


def _way(filer: Filer, folder: Path) -> list[str]:
    lines = [
        f"host        = {_toml(filer.host)}",
        f"transport   = {_toml(filer.transport)}",
        f"port        = {filer.port}",
    ]
    if filer.user is not None:
        lines.append(f"user        = {_toml(filer.user)}")
    if filer.transport == "rsh":
        lines += [f"local_user  = {_toml(filer.local_user)}"] if filer.local_user is not None else []
        return [*lines, f"reserved_port = {_toml(filer.reserved_port)}"]
    if filer.key_file is not None:
        lines.append(f"key_file    = {_toml(_shown(filer.key_file, folder))}")
    elif filer.password is not None:
        lines.append(f'password    = {{ file = "{FILER_SECRET}" }}')
    return (
        [*lines, f"known_hosts = {_toml(_shown(filer.known_hosts, folder))}"]
        if filer.known_hosts is not None
        else lines
    )


def _shown(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)


def _toml(value: object) -> str:
    """A value as TOML writes it; JSON's escapes are among TOML's."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def write_first(path: Path, one: Answers) -> list[Path]:
    """Write the configuration and its secrets, whole or not at all; the files. ConfigError: it cannot be, or not so."""
    secrets: Sequence[tuple[str, Secret | None]] = (
        (VC_SECRET, one.vcenter.password),
        (SQL_SECRET, one.database.password),
        (FILER_SECRET, one.filer.password if one.filer.key_file is None else None),
    )
    needed = [(path.parent / name, secret) for name, secret in secrets if secret is not None]
    files = [(file, _line(secret), 0o600) for file, secret in needed if not _says(file, secret)]
    files.append((path, text_of_answers(one, path.parent), 0o644))
    refuse_to_overwrite([file for file, _, _ in files])
    with ExitStack() as undo:
        for file, text, mode in files:
            _create(file, text, mode, undo)
        load(path)
        undo.pop_all()
    return [file for file, _, _ in files]


def _line(secret: Secret) -> str:
    return secret.reveal() + "\n"


def _says(file: Path, secret: Secret) -> bool:
    """Whether the file is there and holds this password: perhaps it is where the answer was read from."""
    with suppress(OSError, UnicodeDecodeError):
        return file.read_text("utf-8-sig").rstrip("\r\n") == secret.reveal()
    return False


def refuse_another(file: Path, secret: Secret) -> None:
    """ConfigError: the password's file is there and holds something else, which is better said before more is asked."""
    if not _says(file, secret):
        refuse_to_overwrite([file])


def require_place(path: Path) -> None:
    """ConfigError: no configuration can be written there, which is better said before all the questions."""
    if path.suffix.lower() != ".toml":
        raise ConfigError(f"{path}: is not called as a configuration is", "name a file such as snapall.toml")
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: its folder is not there", "make the folder, or name another file with --out")
    refuse_to_overwrite([path])


def refuse_to_overwrite(files: Sequence[Path]) -> None:
    """ConfigError: one of them is there already."""
    there = [file for file in files if file.exists()]
    if there:
        lines = "\n".join(f"{file}: is there already, and is not overwritten" for file in there)
        raise ConfigError(lines, "move it away, or name another file with --out, in another folder")


def _create(path: Path, text: str, mode: int, undo: ExitStack) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
            undo.callback(path.unlink)
            file.write(text)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}", "name another file with --out") from error
    except UnicodeEncodeError as error:
        raise ConfigError(f"{path}: an answer holds bytes that are no text", "type it again, as UTF-8") from error


def write_down(known_hosts: Path, line: str) -> None:
    """Add a host key's line, below whatever the file ends with. ConfigError: it cannot be."""
    try:
        before = known_hosts.read_bytes() if known_hosts.exists() else b""
        ended = not before or before.endswith(b"\n")
        with known_hosts.open("ab") as file:
            file.write(f"{'' if ended else chr(10)}{line}\n".encode())
    except OSError as error:
        raise ConfigError(f"{known_hosts}: cannot be written: {error.strerror}", "name another one") from error
