"""docs/configuration.md out of the configuration's own schema: `python -m tests.configuration > docs/configuration.md`.

A key's default is what the schema gives; what it is for is the text below the key in snapall/config/schema.py.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel

from snapall.config import schema

HEAD = """\
# snapall.toml, key by key

Made by `python -m tests.configuration > docs/configuration.md` from snapall/config/schema.py; a test compares them. An
example is in [Your first backup](first-backup.md#an-example), and `snapall init` writes a first file.

Relative paths are relative to the file. Unknown keys, wrong types, missing tables, secrets that cannot be read and
names that a filer cannot bear are all told together, and exit with 2 before anything is contacted. A name becomes part
of a filer's command line, so it matches `[A-Za-z0-9][A-Za-z0-9_.-]*`.
"""
TABLES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("The top of the file", schema.File),
    ("[vcenter]", schema.Vcenter),
    ("[database]", schema.Database),
    ("[filers.NAME], one for each filer", schema.Filer),
    ("[jobs.NAME], one for each job", schema.Job),
    ("[jobs.NAME.hooks]", schema.Hooks),
)
FILE = Path(__file__).parents[1] / "docs" / "configuration.md"
INNER = {"vcenter", "database", "filers", "jobs"}


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(line for title, model in TABLES for line in _table(title, model))])


def _table(title: str, model: type[BaseModel]) -> list[str]:
    told = texts(model)
    rows = [
        f"| `{name}` | {_default(model, name)} | {told[name]} |"
        for name in model.model_fields
        if not (model is schema.File and name in INNER)
    ]
    return [f"## {title}", "", "| key | default | what it is for |", "|---|---|---|", *rows, ""]


def _default(model: type[BaseModel], name: str) -> str:
    field = model.model_fields[name]
    if field.is_required():
        return "**needed**"
    match field.default:
        case None:
            return "left out"
        case BaseModel():
            return "none"
        case bool() | int() | float() | str() | list() | dict() as value:
            return f"`{json.dumps(value)}`"
        case value:
            raise TypeError(f"{model.__name__}.{name}: no text for {value!r}")


def texts(model: type[BaseModel]) -> dict[str, str]:
    """The text that stands below each key."""
    tree = ast.parse(inspect.getsource(model))
    (body,) = (node.body for node in tree.body if isinstance(node, ast.ClassDef))
    found: dict[str, str] = {}
    for key, below in pairwise(body):
        if isinstance(key, ast.AnnAssign) and isinstance(key.target, ast.Name):
            match below:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    found[key.target.id] = " ".join(text.split())
                case _:
                    pass
    return found


if __name__ == "__main__":
    sys.stdout.write(page())
