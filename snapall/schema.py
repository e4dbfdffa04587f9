"""The tables and keys of snapall.toml with their defaults, and pydantic's complaints in plain words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from snapall import values
from snapall.values import Place, quoted

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, and the key where: `("jobs", "vol1", "volumes", 0)`. There is never a secret in it."""

    path: KeyPath
    text: str


class _Table(BaseModel):
    # Inputs stay out of pydantic's own messages too: a password may stand where it does not belong.
    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True
    )


class Vcenter(_Table):
    """[vcenter]."""

    host: values.Word
    user: values.Line | None = None
    password: values.Password | None = None
    vcbsnapshot: Annotated[list[values.Line], Field(min_length=1)] = ["vcbsnapshot"]
    timeout: values.Seconds = 960
    remove_timeout: values.Seconds = 14400
    settle: values.SecondsOrNone = 960
    parallel: Annotated[int, Field(ge=1, le=64)] = 4


class Database(_Table):
    """[database]."""

    url: values.Url
    password: values.Password | None = None
    owner: str | None = None


class Filer(_Table):
    """[filers.NAME]."""

    host: values.Word
    transport: Literal["ssh", "rsh"] = "ssh"
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    user: values.Word | None = None
    key_file: values.SecretFile | None = None
    password: values.Password | None = None
    known_hosts: values.Location | None = None
    timeout: values.Seconds = 120
    local_user: values.Word | None = None
    reserved_port: bool = True


class Hooks(_Table):
    """[jobs.NAME.hooks]."""

    before: values.Command = []
    after: values.Command = []
    on_failure: values.Command = []
    timeout: values.Seconds = 60


class Job(_Table):
    """[jobs.NAME]."""

    filer: str
    volumes: values.Volumes
    datastores: values.Datastores
    prefix: values.Name = "vmware"
    retain: Annotated[int, Field(ge=1, le=250)] = 4
    chain: values.Chain | None = None
    vm_snapshot: values.VmSnapshotName = "Quiesce"
    order: Literal["safe", "paper"] = "safe"
    publish: Literal["any", "partial", "whole"] | None = None
    max_quiesced: values.Seconds = 900
    busy_wait: values.SecondsOrNone = 600
    allow_empty: bool = False
    guardian: bool = True
    max_age: values.Hours = 26
    vms: dict[values.Line, Literal["must", "try", "skip"]] = {}
    hooks: Hooks = Hooks()


class File(_Table):
    """The whole file."""

    state: values.Location = "snapall.state"  # type: ignore[assignment]  # made absolute like one that was written
    log: values.Location = "snapall.log"  # type: ignore[assignment]
    log_time: values.LogTime = "%m/%d/%Y %I:%M %p"
    metrics: values.Location | None = None
    keep_journals: Annotated[int, Field(ge=1, le=1_000_000)] = 400
    vcenter: Vcenter
    database: Database
    filers: Annotated[dict[values.Name, Filer], Field(min_length=1)]
    jobs: Annotated[dict[values.Name, Job], Field(min_length=1)]


_MODELS: Mapping[str, type[_Table]] = {"vcenter": Vcenter, "database": Database, "filers": Filer, "jobs": Job}


def read(raw: Mapping[str, object], place: Place) -> File | tuple[Fault, ...]:
    """The file's tables with defaults filled in, or every fault that one key shows by itself."""
    try:
        return File.model_validate(raw, context=place)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        return tuple(dict.fromkeys(Fault(*_in_words(one)) for one in found))


def _in_words(error: ErrorDetails) -> tuple[KeyPath, str]:
    # pydantic says by a last part "[key]" that a dictionary's key is meant, not its value: the NAME of [filers.NAME] or
    # [jobs.NAME], or one of vms. At any other depth it is a key of the file that happens to be called so.
    key_is_meant = error["loc"][-1] == "[key]" and len(error["loc"]) in (3, 5) and error["type"] != "extra_forbidden"
    path = error["loc"][:-1] if key_is_meant else error["loc"]
    match error["type"]:
        case "missing" if path in (("filers",), ("jobs",)):
            return path, f"is missing: write at least one table [{path[0]}.NAME]"
        case "missing" if len(path) == 1:
            return path, f"is missing: write a table [{path[0]}]"
        case "missing":
            return path, "is missing"
        case "extra_forbidden":
            return path, _unknown(path)
        case kind:
            return path, _COMPLAINTS[kind].format(**_context(error)) if kind in _COMPLAINTS else "cannot be used"


_COMPLAINTS: Mapping[str, str] = {
    "value_error": "{error}",
    "string_type": "must be text in quotes",
    "string_too_short": "must not be empty",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a number",
    "bool_type": "must be true or false",
    "list_type": 'must be a list in brackets, such as ["one", "two"]',
    "too_short": "must hold at least one entry",
    "too_long": "must hold at most {max_length} entries",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "literal_error": "must be {expected}",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be {ge:g} or more",
    "less_than_equal": "must be {le:g} or less",
}


def _context(error: ErrorDetails) -> dict[str, object]:
    return {key: value.replace("'", '"') if key == "expected" else value for key, value in error.get("ctx", {}).items()}


def _unknown(path: KeyPath) -> str:
    table = File if len(path) == 1 else _MODELS[str(path[0])]
    known = tuple(table.model_fields)
    near = difflib.get_close_matches(str(path[-1]).lower(), known, n=1)
    return (
        f"is not a known key; did you mean {near[0]}?" if near else f"is not a known key; known are {', '.join(known)}"
    )


def dotted(path: KeyPath) -> str:
    """The key as it is written in TOML: `jobs.vol1.volumes[0]`, parts that need it in quotes."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            bare = re.fullmatch(r"[A-Za-z0-9_-]+", part) is not None
            text += ("." if text else "") + (part if bare else quoted(part))
    return text
