"""docs: the documents that ship with snapall."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from snapall.commands import options


def docs(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder for them.")],
) -> None:
    """Write out the documents.

    Writes the documents, the files for logrotate and Grafana, and the SQL for the database's administrator.
    Overwrites nothing. Needs no configuration and no network.
    """
    from snapall.app import shipped

    options.say(*(f"wrote {path}" for path in shipped.write_out(folder)))
