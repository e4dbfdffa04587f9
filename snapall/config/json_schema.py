"""The JSON schema of snapall.toml: shipped beside this file, and named in what `init` and `import` write."""

from __future__ import annotations

from pathlib import Path

SHIPPED = Path(__file__).with_name("snapall.schema.json")
"""Made from the settings: `python -m tests.config.json_schema > snapall/config/snapall.schema.json`."""


def directive() -> str:
    """Give the line by which Taplo and Even Better TOML find the schema of a file.

    It is the file URL of the installed schema, so that an editor checks against the version that will run. A bare
    Windows path would not do: Taplo takes it for a URL of the scheme `c` (taplo-common, schema/associations.rs).
    """
    return f"#:schema {SHIPPED.as_uri()}"
