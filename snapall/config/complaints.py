"""pydantic's errors -> faults in plain words, each with its key and never with a secret."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from snapall.config import login, notify, replicate, rules, settings, vmx
from snapall.config.tomlfile import KeyPath, dotted
from snapall.errors import ConfigError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ConfigFault:
    """One thing that is wrong, and the key where: `("jobs", "vol1", "volumes", 0)`. There is never a secret in it."""

    path: KeyPath
    text: str


_MODELS: Mapping[object, type[BaseModel]] = {
    "vcenter": settings.Vcenter,
    "database": settings.Database,
    "filers": settings.Filer,
    "jobs": settings.JobSettings,
    "notify": notify.Channels,
}
_COMPLAINTS: Mapping[str, str] = {
    "value_error": "{error}",
    "string_type": "must be text in quotes",
    "string_too_short": "must not be empty",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a number",
    "bool_type": "must be true or false",
    "tuple_type": 'must be a list in brackets, such as ["one", "two"]',
    "too_short": "must hold at least one entry",
    "too_long": "must hold at most {max_length} entries",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be {ge:g} or more",
    "less_than_equal": "must be {le:g} or less",
}


def faults_of(error: ValidationError) -> tuple[ConfigFault, ...]:
    """List every fault once, in the order in which the file's tables are read."""
    found = error.errors(include_url=False, include_input=False)
    # pydantic also calls a list too short of which no entry is valid.
    faulty = {one["loc"][:-1] for one in found}
    real = (one for one in found if one["type"] != "too_short" or one["loc"] not in faulty)
    return tuple(dict.fromkeys(fault for one in real for fault in _in_words(one)))


def checked(make: Callable[[], _T]) -> _T:
    """Return the settings that `make` builds of a person's answers, or raise ConfigError in plain words."""
    try:
        return make()
    except ValidationError as error:
        lines = [f"{dotted(fault.path)}: {fault.text}" for fault in faults_of(error)]
    raise ConfigError("\n".join(lines), "give another answer", "SA-7008")


def _in_words(error: ErrorDetails) -> Iterator[ConfigFault]:
    path, kind, context = error["loc"], error["type"], error.get("ctx", {})
    # pydantic says by a last part "[key]" that a key of `vms` is meant, not its value. At any other depth it is a key
    # of the file that happens to be called so.
    if path[-1] == "[key]" and len(path) == 5 and kind != "extra_forbidden":
        path = path[:-1]
    match kind:
        case "faults":
            for key, text in context["faults"]:
                yield ConfigFault((*path[:-1], key) if key else path[:-1], text)
        case "missing" if path in (("filers",), ("jobs",)):
            yield ConfigFault(path, f"is missing: write at least one table [{path[0]}.NAME]")
        case "missing" if len(path) == 1:
            yield ConfigFault(path, f"is missing: write a table [{path[0]}]")
        case "missing":
            yield ConfigFault(path, "is missing")
        case "extra_forbidden":
            yield ConfigFault(path, _unknown(path))
        case _:
            values = {key: value.replace("'", '"') if key == "expected" else value for key, value in context.items()}
            yield ConfigFault(path, _COMPLAINTS.get(kind, "cannot be used").format(**values))


def _unknown(path: KeyPath) -> str:
    known = keys_of(_table_of(path))
    near = difflib.get_close_matches(str(path[-1]).lower(), known, n=1)
    return "is not a known key; " + (f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}")


def _table_of(path: KeyPath) -> type[BaseModel]:
    """The table that a key stands in."""
    match path:
        case (_,):
            return settings.Config
        case ("filers", _, "restore", _):
            return login.RestoreLogin
        case ("jobs", _, "hooks", _):
            return settings.Hooks
        case ("jobs", _, "vmx", _):
            return vmx.VmxCopies
        case ("jobs", _, "replicate", _):
            return replicate.Replicate
        case ("jobs", _, "replicate", "mirrors", _, _):
            return replicate.Mirror
        case ("jobs", _, "replicate", "vaults", _, _):
            return replicate.Vault
        case ("notify", "syslog", _):
            return notify.Syslog
        case ("notify", "eventlog", _):
            return notify.EventLog
        case ("notify", "mail", _):
            return notify.Mail
        case _:
            return _MODELS[path[0]]


def keys_of(model: type[BaseModel]) -> tuple[str, ...]:
    """List the keys that a table may have, in the file's own words."""
    named = (str(field.validation_alias or name) for name, field in model.model_fields.items())
    return tuple(key for key in named if key not in (rules.NAME, rules.GIVEN))
