"""The kinds of values in snapall.toml: each one's check, in plain words and without a secret, and its JSON schema."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
)

from snapall.backup.model import FILER_NAME, LUN_PATH, PLACE, Order, VmPolicy
from snapall.config import algorithms
from snapall.config.conflicts import Claim
from snapall.config.dburl import url_of
from snapall.config.logname import fits_in_a_name
from snapall.config.paths import expanded
from snapall.config.query import query_fault
from snapall.config.secret import Secret
from snapall.config.textfile import text_in
from snapall.escaping import quoted

NAME_RULE = "only letters, digits, _ . - (200 at most), beginning with a letter or a digit"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FOREIGN_FORMAT = re.compile(r"%[-_0^+EO]?[A-Za-z]")
_T = TypeVar("_T", int | str, str)


@dataclass(slots=True)
class Reading:
    """One reading of a file: what its values refer to, and what the tables read so far have said.

    Relative paths refer to `folder`, `{ env = ... }` to `environ`. Without `secrets` no password and no key is read:
    who only looks at journals needs none, and may have no right to.
    """

    folder: Path
    environ: Mapping[str, str]
    secrets: bool = True
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)  # of the tables, by "filers" and "jobs"
    hosts: dict[str, str] = field(default_factory=dict)  # by filer
    claims: dict[str, Claim] = field(default_factory=dict)  # by job


def reading_of(info: ValidationInfo) -> Reading:
    """Give the reading that a value belongs to; settings made in code have none, and read no file."""
    return info.context if isinstance(info.context, Reading) else Reading(Path(), {}, secrets=False)


def _line(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("must not hold line breaks or other control characters")
    return value


def _word(value: str) -> str:
    if not value or re.search(r"\s", value) or _line(value).startswith("-"):
        raise ValueError("must be one word that does not begin with -")
    return value


def checked_name(value: str) -> str:
    """Return a name for a filer's command line, or raise ValueError.

    That 200 characters are too many is a cautious guess: no limit is documented.
    """
    if FILER_NAME.fullmatch(value) is None or len(value) > 200:
        raise ValueError(f"{quoted(value)} cannot be used: {NAME_RULE}")
    return value


def _place(value: str) -> str:
    if PLACE.fullmatch(value) is None or len(value) > 400:
        raise ValueError(f"{quoted(value)} must be FILER:VOLUME or /vol/VOLUME/QTREE, of letters, digits and _ . -")
    return value


def _lun_path(value: str) -> str:
    if LUN_PATH.fullmatch(value) is None:
        raise ValueError(f"{quoted(value)} is no path of a LUN: write /vol/VOLUME/LUN or /vol/VOLUME/QTREE/LUN")
    return value


def _vm_snapshot(value: str) -> str:
    if value.lower().startswith("smvi"):
        raise ValueError(f"{quoted(value)} is a name that SnapManager for Virtual Infrastructure gives; take another")
    return checked_name(value)


def _datastore(value: object) -> int | str:
    match value:
        case bool():
            pass
        case int() if 0 < value < 2**31:
            return value
        case str() if value and _CONTROL.search(value) is None:
            return value
    raise ValueError("must be a datastore's id (a whole number above 0) or its name")


def _ssh_choice(value: object) -> str | tuple[str, ...]:
    match value:
        case "any" | "modern":
            return value
        case list() | tuple() if value and all(isinstance(name, str) for name in value):
            if fault := algorithms.fault_of(tuple(value)):
                raise ValueError(fault)
            return tuple(value)
    raise ValueError('must be "any", "modern" or a list of algorithms')


def _path(value: object, info: ValidationInfo) -> Path:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value or _CONTROL.search(value):
        raise ValueError("must be a path in quotes")
    reading = reading_of(info)
    return reading.folder / expanded(value, reading.environ)


def _group(value: object) -> int:
    """Give the id of a group of this machine."""
    if not isinstance(value, str) or not value:
        raise ValueError("must be the name of a group in quotes")
    if sys.platform == "win32":
        raise ValueError("means a group of a POSIX system; leave it out, and set the access list of `state`")
    import grp  # noqa: PLC0415 - where there is one

    try:
        return grp.getgrnam(value).gr_gid
    except KeyError:
        raise ValueError(f"{quoted(value)} is not a group of this machine") from None


def _readable(path: Path, info: ValidationInfo) -> Path:
    if reading_of(info).secrets:
        _contents(path)
    return path


def _contents(path: Path) -> str:
    try:
        text = text_in(path)
    except PermissionError as error:
        how = "`icacls FILE /grant NAME:R`" if sys.platform == "win32" else "`chown`"
        who = f"let the user who runs snapall read it with {how}, or run snapall as its owner"
        raise ValueError(f"{quoted(str(path))} cannot be read: {error.strerror}; {who}") from None
    except OSError as error:
        raise ValueError(f"{quoted(str(path))} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{quoted(str(path))} {error}; save it as UTF-8") from None
    if not text.strip("\r\n"):
        raise ValueError(f"{quoted(str(path))} is empty")
    return text


def _secret(value: object, info: ValidationInfo) -> Secret:
    reading = reading_of(info)
    match value:
        case Secret():
            return value
        case str():
            return Secret(_usable(value, "the password"), inline=True)
        case {"env": str(name), **rest} if not rest:
            return Secret(_of_variable(name, reading), variable=name)
        case {"file": str(name), **rest} if not rest:
            path = _path(name, info)
            text = _usable(_contents(path).rstrip("\r\n"), quoted(str(path))) if reading.secrets else ""
            return Secret(text, path)
        case _:
            raise ValueError('must be text in quotes, { env = "VARIABLE" } or { file = "PATH" }')


def _of_variable(name: str, reading: Reading) -> str:
    # A name that no variable has may be the password itself, in the wrong place.
    known = _VARIABLE.fullmatch(name) is not None or name in reading.environ
    origin = f"the environment variable {quoted(name)}" if known else "a variable whose name is not shown here"
    if reading.secrets and name not in reading.environ:
        raise ValueError(f"{origin} is not set")
    return _usable(reading.environ[name], origin) if reading.secrets else ""


def _usable(password: str, origin: str) -> str:
    if not password:
        raise ValueError(f"{origin} is empty")
    if _CONTROL.search(password):
        raise ValueError(f"{origin} holds a line break or another control character")
    return password


def _formatted(value: str, example: str) -> str:
    """What a format writes for one moment. ValueError: it is no format."""
    try:
        return datetime(2007, 3, 22, tzinfo=UTC).strftime(_line(value))
    except ValueError:
        unknown = _FOREIGN_FORMAT.search(value) if sys.platform == "win32" else None
        why = f"holds {unknown[0]}, which Windows does not know; it " if unknown else ""
        raise ValueError(f'{why}must be a format of date and time such as "{example}"') from None


def _log_time(value: str) -> str:
    _formatted(value, "%m/%d/%Y %I:%M %p")
    return value


def _log_date(value: str) -> str:
    written = _formatted(value, "%Y-%m-%d")
    if not fits_in_a_name(written):
        why = f"writes {quoted(written)}, which cannot be part of a file's name (/ \\ : * ? \" < > | are not allowed)"
        raise ValueError(f'{why}; write a format such as "%Y-%m-%d"')
    return value


def _url(value: str) -> str:
    scheme = url_of(_line(value)).scheme
    if scheme.partition("+")[0] == "postgres" or scheme == "postgresql+pyodbc":
        # SQLAlchemy has no such dialect, and its own error does not say which one it has.
        raise ValueError(f"SQLAlchemy has no {scheme}://; begin it with postgresql+psycopg://, and name host and port")
    return value


def _query(value: str) -> str:
    if re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", value):
        raise ValueError("must not hold control characters")
    if fault := query_fault(value) if value.strip() else "must not be empty":
        raise ValueError(fault)
    return value


def _without_doubles(values: tuple[_T, ...]) -> tuple[_T, ...]:
    doubles = {value for value in values if values.count(value) > 1}
    if doubles:
        raise ValueError(f"lists {', '.join(sorted(quoted(str(double)) for double in doubles))} more than once")
    return values


def _chain(names: tuple[str, ...]) -> tuple[str, ...]:
    small = [name.lower() for name in names]
    doubles = dict.fromkeys(quoted(name) for name in names if small.count(name.lower()) > 1)
    if doubles:
        raise ValueError(f"lists the same name twice ({', '.join(doubles)}); case makes no difference")
    return names


def _as_text(pattern: str = ".") -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern})


_PERIOD = re.compile(r"([1-9][0-9]{0,4})([dhm])")
_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0}


def period(value: object) -> float:
    """Seconds of a text such as "7d", "12h" or "90m". ValueError: it is none."""
    found = _PERIOD.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) * _SECONDS[found[2]] > 366 * 86400:
        raise ValueError('must be a number of days, hours or minutes, such as "7d", "12h" or "90m"; a year at most')
    return int(found[1]) * _SECONDS[found[2]]


def _period(value: object) -> float:
    return value if isinstance(value, float) else period(value)


# TOML has lists only: a strict tuple would refuse them.
_LIST = Field(strict=False)
_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,199}$"
_PASSWORD_SCHEMA = {
    "anyOf": [
        {"type": "string", "minLength": 1},
        *(
            {
                "type": "object",
                "properties": {key: {"type": "string", "minLength": 1, "description": text}},
                "required": [key],
                "additionalProperties": False,
            }
            for key, text in (("env", "The variable that holds it."), ("file", "The file that holds it."))
        ),
    ]
}

Line = Annotated[str, StringConstraints(min_length=1), AfterValidator(_line)]
Word = Annotated[str, AfterValidator(_word), _as_text(r"^[^\s-]\S*$")]
Name = Annotated[str, AfterValidator(checked_name), _as_text(_NAME_PATTERN)]
Place = Annotated[str, AfterValidator(_place), _as_text(f"^{PLACE.pattern}$")]
VmSnapshotName = Annotated[str, AfterValidator(_vm_snapshot), _as_text(_NAME_PATTERN)]
LogTime = Annotated[str, StringConstraints(min_length=1), AfterValidator(_log_time)]
LogDate = Annotated[str, StringConstraints(min_length=1), AfterValidator(_log_date)]
Url = Annotated[
    str,
    AfterValidator(_url),
    PlainSerializer(lambda url: url_of(url).shown, when_used="json"),
    Field(repr=False),
    _as_text("^[A-Za-z][A-Za-z0-9_]*([+][A-Za-z0-9_]+)?://"),
]
Location = Annotated[Path, PlainValidator(_path), _as_text()]
Group = Annotated[int, PlainValidator(_group), _as_text()]
SecretFile = Annotated[Path, PlainValidator(_path), AfterValidator(_readable), _as_text()]
Password = Annotated[
    Secret,
    PlainValidator(_secret),
    PlainSerializer(Secret.__repr__, when_used="json"),
    WithJsonSchema(_PASSWORD_SCHEMA),
]
OrderName = Annotated[Order, Field(strict=False), WithJsonSchema({"type": "string", "enum": list(Order)})]
VmPolicyName = Annotated[VmPolicy, Field(strict=False), WithJsonSchema({"type": "string", "enum": list(VmPolicy)})]
Command = Annotated[tuple[Line, ...], _LIST]
SshChoice = Annotated[
    str | tuple[str, ...],
    PlainValidator(_ssh_choice),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": ["any", "modern"]},
                {"type": "array", "minItems": 1, "items": {"type": "string", "enum": list(algorithms.ALL.all)}},
            ]
        }
    ),
]
Volumes = Annotated[tuple[Name, ...], _LIST, Field(min_length=1), AfterValidator(_without_doubles)]
_Datastore = Annotated[
    int | str,
    PlainValidator(_datastore),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 2**31 - 1}, {"type": "string", "minLength": 1}]}
    ),
]
Datastores = Annotated[tuple[_Datastore, ...], _LIST, Field(min_length=1), AfterValidator(_without_doubles)]
LunPath = Annotated[str, AfterValidator(_lun_path), _as_text(f"^{LUN_PATH.pattern}$")]
LunPaths = Annotated[tuple[LunPath, ...], _LIST, Field(min_length=1), AfterValidator(_without_doubles)]
Query = Annotated[str, AfterValidator(_query), _as_text()]
Chain = Annotated[tuple[Name, ...], _LIST, Field(min_length=1, max_length=250), AfterValidator(_chain)]
# A week: longer than the removal of any delta takes, and within what every system's timers can count.
Seconds = Annotated[float, Field(gt=0, le=604800, allow_inf_nan=False)]
Hours = Annotated[float, Field(gt=0, le=8784, allow_inf_nan=False)]  # a year at most
SecondsOrNone = Annotated[float, Field(ge=0, le=604800, allow_inf_nan=False)]
Period = Annotated[float, PlainValidator(_period), _as_text("^[1-9][0-9]{0,4}[dhm]$")]
