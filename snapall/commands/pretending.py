"""demo, lab and drill: a pretended site."""

from __future__ import annotations

import json
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


def drill(
    jobs: options.Jobs = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only kills before and after each call, a power cut, and recover.")
    ] = False,
    pairs: Annotated[int, typer.Option(metavar="N", help="So many pairs of faults as well, sampled.", min=0)] = 0,
    seed: Annotated[int, typer.Option(metavar="N", help="Another sample of pairs.")] = 1,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Kill runs everywhere, and see what holds.

    Your own jobs, with their names, retention, order and rules, on a pretended site of this machine: each run is
    killed, cut off from its power, or struck by a fault at one of its calls, and settled by the guardian, by recover,
    or by the next run. Your filer, your VirtualCenter and your journals are not touched. Exits 1 when a promise did
    not hold, 3 when all did but more than a tenth could not be played: the machine was too busy.
    """
    from dataclasses import replace

    from snapall.drill import report, trials
    from snapall.drill.cells import QUICK, Extent

    settings, chosen = options.chosen(config, jobs, None, "")
    typer.echo("on a pretended site of this machine: yours is not contacted", err=True)
    extent = QUICK if quick else Extent()
    played = trials.drill(trials.trials_of(settings, chosen, replace(extent, pairs=pairs, seed=seed)))
    if as_json:
        typer.echo(json.dumps(report.as_json(played), indent=1))
    else:
        for line in [*report.troubles(played), *report.table(played), report.verdict(played)]:
            typer.echo(line)
    options.leave(report.Counts.of(played).exit)
