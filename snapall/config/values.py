"""What a value of snapall.toml may look like: each kind's check, answering in plain words and never with a secret."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar, cast

from pydantic import AfterValidator, Field, PlainValidator, StringConstraints, ValidationInfo

from snapall.backup.model import FILER_NAME
from snapall.config.settings import Secret
from snapall.escaping import quoted

NAME_RULE = "only letters, digits, _ . - (200 at most), beginning with a letter or a digit"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class ValueContext:
    """What values refer to: relative paths to the file's folder, `{ env = ... }` to the environment.

    `secrets`: whether passwords and keys are read; who only looks at journals needs none, and may have no right to.
    """

    folder: Path
    environ: Mapping[str, str]
    secrets: bool = True


def _place(info: ValidationInfo) -> ValueContext:
    return cast("ValueContext", info.context)


def _line(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("must not hold line breaks or other control characters")
    return value


def _word(value: str) -> str:
    if not value or re.search(r"\s", value) or _line(value).startswith("-"):
        raise ValueError("must be one word that does not begin with -")
    return value


def _name(value: str) -> str:
    """A name on a filer's command line. That 200 characters are too many is a cautious guess: no limit is attested."""
    if FILER_NAME.fullmatch(value) is None or len(value) > 200:
        raise ValueError(f"{quoted(value)} cannot be used: {NAME_RULE}")
    return value


def _vm_snapshot(value: str) -> str:
    if value.lower().startswith("smvi"):
        raise ValueError(f"{quoted(value)} is a name that SnapManager for Virtual Infrastructure gives; take another")
    return _name(value)


def _datastore(value: object) -> int | str:
    match value:
        case bool():
            pass
        case int() if 0 < value < 2**31:
            return value
        case str() if value and _CONTROL.search(value) is None:
            return value
    raise ValueError("must be a datastore's id (a whole number above 0) or its name")


def _path(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, str) or not value or _CONTROL.search(value):
        raise ValueError("must be a path in quotes")
    try:
        return _place(info).folder / Path(value).expanduser()
    except RuntimeError:
        raise ValueError(f"the home directory in {quoted(value)} is not known; write the path in full") from None


def _group(value: object) -> int:
    """The id of a group of this machine."""
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
    if _place(info).secrets:
        _contents(path)
    return path


def _contents(path: Path) -> str:
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise ValueError(f"{quoted(str(path))} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{quoted(str(path))} is not a text file") from None
    if not text.strip("\r\n"):
        raise ValueError(f"{quoted(str(path))} is empty")
    return text


def _secret(value: object, info: ValidationInfo) -> Secret:
    path: Path | None = None
    variable = ""
    match value:
        case str(text):
            origin = "the password"
        case {"env": str(name), **rest} if not rest:
            if not _place(info).secrets:
                return Secret("", variable=name)
            origin = f"the environment variable {quoted(name)}"
            if name not in _place(info).environ:
                raise ValueError(f"{origin} is not set")
            variable = name
            text = _place(info).environ[name]
        case {"file": str(name), **rest} if not rest:
            path = _path(name, info)
            if not _place(info).secrets:
                return Secret("", path)
            origin, text = quoted(str(path)), _contents(path).rstrip("\r\n")
        case _:
            raise ValueError('must be text in quotes, { env = "VARIABLE" } or { file = "PATH" }')
    if not text:
        raise ValueError(f"{origin} is empty")
    if _CONTROL.search(text):
        raise ValueError(f"{origin} holds a line break or another control character")
    return Secret(text, path, variable=variable, inline=isinstance(value, str))


def _log_time(value: str) -> str:
    try:
        datetime(2007, 3, 22, tzinfo=UTC).strftime(_line(value))
    except ValueError:
        raise ValueError('must be a form of date and time such as "%m/%d/%Y %I:%M %p"') from None
    return value


def _url(value: str) -> str:
    if re.match(r"[A-Za-z][A-Za-z0-9_]*(\+[A-Za-z0-9_]+)?://", _line(value)) is None:
        raise ValueError('must be a SQLAlchemy URL such as "mssql+pyodbc://vc_user@VirtualCenter"')
    return value


_Item = TypeVar("_Item", int | str, str)


def _without_doubles(values: list[_Item]) -> list[_Item]:
    doubles = {value for value in values if values.count(value) > 1}
    if doubles:
        raise ValueError(f"lists {', '.join(sorted(quoted(str(double)) for double in doubles))} more than once")
    return values


def _chain(names: list[str]) -> list[str]:
    small = [name.lower() for name in names]
    doubles = dict.fromkeys(quoted(name) for name in names if small.count(name.lower()) > 1)
    if doubles:
        raise ValueError(f"lists the same name twice ({', '.join(doubles)}); capital and small letters count as one")
    return names


Line = Annotated[str, StringConstraints(min_length=1), AfterValidator(_line)]
Word = Annotated[str, AfterValidator(_word)]
Name = Annotated[str, AfterValidator(_name)]
VmSnapshotName = Annotated[str, AfterValidator(_vm_snapshot)]
LogTime = Annotated[str, StringConstraints(min_length=1), AfterValidator(_log_time)]
Url = Annotated[str, AfterValidator(_url)]
Location = Annotated[Path, PlainValidator(_path)]
Group = Annotated[int, PlainValidator(_group)]
SecretFile = Annotated[Path, PlainValidator(_path), AfterValidator(_readable)]
Password = Annotated[Secret, PlainValidator(_secret)]
Command = list[Annotated[str, StringConstraints(min_length=1), AfterValidator(_line)]]
Volumes = Annotated[list[Name], Field(min_length=1), AfterValidator(_without_doubles)]
Datastores = Annotated[
    list[Annotated[int | str, PlainValidator(_datastore)]], Field(min_length=1), AfterValidator(_without_doubles)
]
Chain = Annotated[list[Name], Field(min_length=1, max_length=250), AfterValidator(_chain)]
# A week: longer than the removal of any delta takes, and within what every system's timers can count.
Seconds = Annotated[float, Field(gt=0, le=604800, allow_inf_nan=False)]
Hours = Annotated[float, Field(gt=0, le=8784, allow_inf_nan=False)]  # a year at most
SecondsOrNone = Annotated[float, Field(ge=0, le=604800, allow_inf_nan=False)]
