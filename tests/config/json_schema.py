"""The JSON schema of snapall.toml, from the settings.

`python -m tests.config.json_schema > snapall/config/snapall.schema.json` renews the shipped file.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from typing import Any

from snapall.config.settings import Config

HEAD = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "snapall.toml",
    "description": "snapall's configuration. Rules between keys are checked when snapall reads the file.",
}


def text() -> str:
    """The file's text."""
    made = _plain(Config.model_json_schema())
    assert isinstance(made, dict)
    return json.dumps({**HEAD, **{key: value for key, value in made.items() if key not in HEAD}}, indent=1) + "\n"


def _plain(node: object) -> object:
    """The schema without null, which TOML has not, and without titles, which only repeat the keys."""
    match node:
        case {"anyOf": [one, {"type": "null"}], **rest}:
            return _plain({**one, **rest})
        case {"anyOf": [*some, {"type": "null"}], **rest}:
            return _plain({"anyOf": some, **rest})
        case dict():
            return {key: _plain(value) for key, value in node.items() if not _says_nothing(key, value)}
        case list():
            return [_plain(one) for one in node]
        case _:
            return node


def _says_nothing(key: str, value: object) -> bool:
    """Whether a keyword only repeats the key, or is one that older releases of pydantic leave out."""
    empty = key == "default" and value in (None, {})
    return empty or key == "propertyNames" or (key == "title" and isinstance(value, str))


def accepts(schema: Any, value: object, whole: Any = None) -> bool:
    """Whether a schema accepts a value. It knows the keywords of the shipped file, and raises KeyError at any other."""
    whole = whole or schema
    return all(_KEYWORDS[key](wanted, value, schema, whole) for key, wanted in schema.items())


def _true(*_: object) -> bool:
    return True


def _properties(wanted: Any, value: object, _: Any, whole: Any) -> bool:
    return not isinstance(value, dict) or all(accepts(wanted[key], value[key], whole) for key in value if key in wanted)


def _additional(wanted: Any, value: object, schema: Any, whole: Any) -> bool:
    more = [value[key] for key in value if key not in schema.get("properties", {})] if isinstance(value, dict) else []
    return all(wanted is not False and accepts(wanted, one, whole) for one in more)


_TYPES: dict[str, Any] = {
    "string": str, "boolean": bool, "array": list, "object": dict, "integer": int, "number": int | float,
}  # fmt: skip
_NUMBERS = ("integer", "number")
_KEYWORDS: dict[str, Callable[[Any, Any, Any, Any], bool]] = {
    **dict.fromkeys(("$schema", "title", "description", "default", "$defs"), _true),
    "$ref": lambda wanted, value, _, whole: accepts(whole["$defs"][wanted.removeprefix("#/$defs/")], value, whole),
    "anyOf": lambda wanted, value, _, whole: any(accepts(one, value, whole) for one in wanted),
    "type": lambda wanted, value, *_: (
        isinstance(value, _TYPES[wanted]) and not (wanted in _NUMBERS and isinstance(value, bool))
    ),
    "enum": lambda wanted, value, *_: value in wanted,
    "pattern": lambda wanted, value, *_: not isinstance(value, str) or re.search(wanted, value) is not None,
    "minLength": lambda wanted, value, *_: not isinstance(value, str) or len(value) >= wanted,
    "minimum": lambda wanted, value, *_: not isinstance(value, int | float) or value >= wanted,
    "exclusiveMinimum": lambda wanted, value, *_: not isinstance(value, int | float) or value > wanted,
    "maximum": lambda wanted, value, *_: not isinstance(value, int | float) or value <= wanted,
    "minItems": lambda wanted, value, *_: not isinstance(value, list) or len(value) >= wanted,
    "maxItems": lambda wanted, value, *_: not isinstance(value, list) or len(value) <= wanted,
    "minProperties": lambda wanted, value, *_: not isinstance(value, dict) or len(value) >= wanted,
    "items": lambda wanted, value, _, whole: (
        not isinstance(value, list) or all(accepts(wanted, one, whole) for one in value)
    ),
    "required": lambda wanted, value, *_: not isinstance(value, dict) or set(wanted) <= value.keys(),
    "properties": _properties,
    "additionalProperties": _additional,
}


if __name__ == "__main__":
    sys.stdout.write(text())
