"""The tables and keys of snapall.toml with their defaults, and pydantic's complaints in plain words."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from snapall.config import values
from snapall.config.tomlfile import KeyPath
from snapall.config.values import ValueContext

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


@dataclass(frozen=True, slots=True)
class ConfigFault:
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
    """The VirtualCenter that vcbsnapshot is pointed at, by `-h`."""
    user: values.Line | None = None
    """Its user; left out, as the password: VCB's own config.js supplies both, and no command line shows them."""
    password: values.Password | None = None
    """Text, `{ file = "PATH" }` or `{ env = "VARIABLE" }`. It stands on vcbsnapshot's command line."""
    vcbsnapshot: Annotated[list[values.Line], Field(min_length=1)] = ["vcbsnapshot"]
    """The program and its leading arguments; `["ssh", "proxy", "vcbsnapshot"]` for a VCB proxy."""
    timeout: values.Seconds = 960
    """Seconds for one create; VirtualCenter itself gives up after 900."""
    remove_timeout: values.Seconds = 14400
    """Seconds for one removal: committing a large delta takes its time."""
    settle: values.SecondsOrNone = 960
    """Seconds for which a create without an answer may still act."""
    parallel: Annotated[int, Field(ge=1, le=64)] = 4
    """Calls at a time, creates and removals alike; 1 is the batch's pace."""


class Database(_Table):
    """[database]."""

    url: values.Url
    """Any SQLAlchemy URL: `mssql+pyodbc://USER@DSN`."""
    password: values.Password | None = None
    """As in [vcenter]; not used where the URL has one."""
    owner: str | None = None
    """The schema that owns the VPX_ tables; `""` for none; left out: it is found, and two are an error."""


class Filer(_Table):
    """[filers.NAME]."""

    host: values.Word
    """Name or address."""
    transport: Literal["ssh", "rsh"] = "ssh"
    """`"ssh"` or `"rsh"`."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Left out: 22 for ssh, 514 for rsh."""
    user: values.Word | None = None
    """Of ssh; left out: the login name."""
    key_file: values.SecretFile | None = None
    """A private RSA key without a passphrase."""
    password: values.Password | None = None
    """As in [vcenter]; instead of a key."""
    known_hosts: values.Location | None = None
    """Where the host key stands; left out: `~/.ssh/known_hosts`."""
    timeout: values.Seconds = 120
    """Seconds for each command."""
    local_user: values.Word | None = None
    """rsh: who we say we are; left out: the login name."""
    reserved_port: bool = True
    """rsh: whether to come from a privileged port, as a real filer wants it; that needs root or the capability."""


class Hooks(_Table):
    """[jobs.NAME.hooks]."""

    before: values.Command = []
    """Words of a command that runs before anything begins; if it fails there is no backup."""
    after: values.Command = []
    """One that runs when all is over and written, whatever came of it."""
    on_failure: values.Command = []
    """One that runs whenever the exit code is another than 0."""
    timeout: values.Seconds = 60
    """Seconds for each of them."""


class Job(_Table):
    """[jobs.NAME]."""

    filer: str
    """The NAME of a [filers.NAME]."""
    volumes: values.Volumes
    """The flexible volumes under the datastores; all are captured, or none is published."""
    datastores: values.Datastores
    """Ids (VPX_DATASTORE.ID), or names; `snapall datastores` lists them."""
    prefix: values.Name = "vmware"
    """Of the chain and of temporary names: `vmware_recent`, `vmware_previous`, `vmware_snap3` and so on."""
    retain: Annotated[int, Field(ge=1, le=250)] = 4
    """How many backups the chain holds."""
    chain: values.Chain | None = None
    """The names themselves, newest first, instead of `retain`."""
    vm_snapshot: values.VmSnapshotName = "Quiesce"
    """Name of the VM snapshots; in the safe order the stamp of the run follows it."""
    order: Literal["safe", "paper"] = "safe"
    """`"safe"`: rotate after the proof. `"paper"`: before the capture, as the batch does."""
    publish: Literal["any", "partial", "whole"] | None = None
    """Least grade that enters the chain: `"any"`, `"partial"` (some VM quiesced), `"whole"`.
    Left out: `"partial"`, and `"any"` in paper order."""
    max_quiesced: values.Seconds = 900
    """Seconds from the first quiesce until the capture is taken with the VMs that hold."""
    busy_wait: values.SecondsOrNone = 600
    """Seconds that a rotation waits for a name which the filer holds."""
    allow_empty: bool = False
    """Whether a datastore without a VM is no error."""
    guardian: bool = True
    """Whether a guardian watches over each run."""
    max_age: values.Hours = 26
    """Hours; `snapall status` warns of an older newest backup, and is critical from the double on."""
    vms: dict[values.Line, Literal["must", "try", "skip"]] = {}
    """`"must"`, `"try"` or `"skip"` by name, pattern or moref: `{ "test-*" = "skip", "sql01" = "must" }`."""
    hooks: Hooks = Hooks()
    """See the table below."""


class File(_Table):
    """The whole file."""

    state: values.Location = "snapall.state"  # type: ignore[assignment]  # made absolute like one that was written
    """Folder for journals and locks."""
    log: values.Location = "snapall.log"  # type: ignore[assignment]
    """The log, appended to in the batch's words."""
    log_time: values.LogTime = "%m/%d/%Y %I:%M %p"
    """How the log writes a time (strftime)."""
    metrics: values.Location | None = None
    """A file for Prometheus; left out: none is written."""
    keep_journals: Annotated[int, Field(ge=1, le=1_000_000)] = 400
    """How many journals are kept for each job; one that is not settled is always kept."""
    readers: values.Group | None = None
    """A group that may read `state`, so that a monitoring system can ask `snapall status` as another user.
    Whoever runs snapall must be a member of it. Left out: only the owner can read it."""
    vcenter: Vcenter
    database: Database
    filers: Annotated[dict[values.Name, Filer], Field(min_length=1)]
    jobs: Annotated[dict[values.Name, Job], Field(min_length=1)]


_MODELS: Mapping[str, type[_Table]] = {"vcenter": Vcenter, "database": Database, "filers": Filer, "jobs": Job}


def read(raw: Mapping[str, object], place: ValueContext) -> File | tuple[ConfigFault, ...]:
    """The file's tables with defaults filled in, or every fault that one key shows by itself."""
    try:
        return File.model_validate(raw, context=place)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        return tuple(dict.fromkeys(ConfigFault(*_in_words(one)) for one in found))


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
