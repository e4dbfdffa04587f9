"""import: a configuration out of an old batch."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from snapall.commands import options


def import_batch(
    batch: Annotated[Path, typer.Argument(metavar="FILE.bat", help="The batch file that takes the backups today.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="What to write; else snapall.toml beside the batch.")
    ] = None,
    secrets: Annotated[
        Literal["file", "env"], typer.Option(help="Where the passwords are to stand: files, or the environment.")
    ] = "file",
    write_secrets: Annotated[
        bool, typer.Option("--write-secrets", help="Write the passwords' files too, for their owner alone.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Write snapall.toml from a batch.

    And tell what the batch does wrong, line by line. Nothing is overwritten, and no password is shown. What
    FILE.bat.toml beside the batch says is taken too. `snapall plan --config FILE.bat` needs no import.
    """
    from snapall.app import import_batch

    made = import_batch.write(batch, out, secrets, with_secrets=write_secrets, environ=os.environ)
    if as_json:
        typer.echo(json.dumps(made.as_json(), indent=1))
        return
    for line in made.lines():
        options.say(line)
