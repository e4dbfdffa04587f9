"""demo and lab: a pretended site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from snapall.commands import options


def demo(
    transport: Annotated[Literal["ssh", "rsh"], typer.Option(help="How the lab's filer is reached.")] = "ssh",
    fault: Annotated[
        str, typer.Option(metavar="NAME", help="Let something go wrong; `--fault help` lists the names.")
    ] = "",
    directory: Annotated[Path | None, typer.Option("--dir", help="Keep the lab here (a new folder).")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Answer without the delays of a real site.")] = False,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Save the console's picture.")] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Back up a pretended site.

    A whole backup of 19 VMs on this machine, proved by that site's own ledger. Exits as the backup does.
    """
    from snapall import demonstration
    from snapall.conduct import Telling

    if fault == "help":
        for line in demonstration.faults():
            typer.echo(line)
        return
    options.leave(demonstration.run(transport, fault, directory, fast=fast, telling=Telling(as_json, quiet, svg)))


def lab_up(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where the lab lives; made when it is not there.")],
    transport: Annotated[Literal["ssh", "rsh"], typer.Option(help="How the lab's filer is reached.")] = "ssh",
    fast: Annotated[bool, typer.Option("--fast", help="Answer without the delays of a real site.")] = False,
) -> None:
    """Serve a pretended site.

    Until Ctrl-C, with a ready snapall.toml in DIR.
    """
    from snapall import demonstration

    demonstration.serve(directory, transport, fast=fast)
