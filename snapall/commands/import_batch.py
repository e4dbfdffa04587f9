"""import: write a configuration from an old batch file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from snapall.commands import options


def import_batch(
    batch: Annotated[Path, typer.Argument(metavar="FILE.bat", help="The batch file that takes the backups today.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="ARGUMENT", help="What the batch is scheduled with: its %1, %2 ...")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="The file to write. Default: snapall.toml beside the batch."),
    ] = None,
    secrets: Annotated[
        Literal["file", "env"], typer.Option(help="Where snapall reads the passwords: files, or the environment.")
    ] = "file",
    write_secrets: Annotated[
        bool, typer.Option("--write-secrets", help="Also write the password files; only you can read them.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Write snapall.toml from a batch file.

    Also reports what the batch does wrong, line by line. Includes the settings of FILE.bat.toml beside the batch, if
    there is one. Overwrites nothing and shows no password. You can try a batch without importing it: `snapall plan
    --config FILE.bat`.
    """
    from snapall.app import import_batch

    given = [f'"{one}"' if not one or " " in one else one for one in arguments or ()]
    made = import_batch.write(
        batch, out, secrets, with_secrets=write_secrets, environ=os.environ, arguments=" ".join(given)
    )
    if as_json:
        options.emit(made.as_json())
        return
    options.say(*made.lines(options.width()))
