"""docs/configuration.md out of the settings: `python -m tests.docs.configuration > docs/configuration.md`.

A key's default and its purpose are those in snapall/config/settings.py.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from snapall.config import login, notify, replicate, settings, vmx
from snapall.config.complaints import keys_of

HEAD = """\
# snapall.toml, key by key

Made by `python -m tests.docs.configuration > docs/configuration.md` from snapall/config/settings.py; a test checks it.
An example is in [Your first backup](first-backup.md#an-example), and `snapall init` writes a first file.

Relative paths are relative to the file. snapall reports all of its faults together (unknown keys, wrong types, missing
tables, secrets that it cannot read, names that the filer rejects) and exits with 2 before it contacts anything. A name
becomes part of a filer's command line, so it must match `[A-Za-z0-9][A-Za-z0-9_.-]*`.

`snapall schema` prints the JSON schema of this file. Editors that read the `#:schema` line at the top of what
`snapall init` and `snapall import` write (Taplo, Even Better TOML for Visual Studio Code) complete and check the keys.
"""
TABLES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("The top of the file", settings.Config),
    ("[vcenter]", settings.Vcenter),
    ("[database]", settings.Database),
    ("[filers.NAME], one for each filer", settings.Filer),
    ("[filers.NAME.restore]", login.RestoreLogin),
    ("[jobs.NAME], one for each job", settings.JobSettings),
    ("[jobs.NAME.hooks]", settings.Hooks),
    ("[jobs.NAME.vmx]", vmx.VmxCopies),
    ("[jobs.NAME.replicate]", replicate.Replicate),
    ("An entry of `mirrors` in [jobs.NAME.replicate]", replicate.Mirror),
    ("An entry of `vaults` in [jobs.NAME.replicate]", replicate.Vault),
    ("[notify.syslog]", notify.Syslog),
    ("[notify.eventlog]", notify.EventLog),
    ("[notify.mail]", notify.Mail),
)
FILE = Path(__file__).parents[2] / "docs" / "configuration.md"
INNER = {"vcenter", "database", "filers", "restore", "jobs", "notify"}


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(line for title, model in TABLES for line in _table(title, model))])


def _table(title: str, model: type[BaseModel]) -> list[str]:
    rows = [
        f"| `{key}` | {_default(field)} | {' '.join((field.description or '').split())} |"
        for key, field in fields_of(model).items()
    ]
    return [f"## {title}", "", "| key | default | what it is for |", "|---|---|---|", *rows, ""]


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The keys of a table, without the tables in it that have a section of their own."""
    known = keys_of(model)
    return {key: field for key, field in zip(known, model.model_fields.values(), strict=False) if key not in INNER}


def _default(field: FieldInfo) -> str:
    match field.get_default(call_default_factory=True):
        case _ if field.is_required():
            return "**required**"
        case None:
            return "left out"
        case BaseModel():
            return "none"
        case bool() | int() | float() | str() | list() | tuple() | dict() as value:
            return f"`{json.dumps(value)}`"
        case value:
            raise TypeError(f"no text for {value!r}")


if __name__ == "__main__":
    sys.stdout.write(page())
