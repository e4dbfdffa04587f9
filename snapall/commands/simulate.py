"""demo, lab and drill: a simulated site."""

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
    """Back up a simulated site.

    Runs a whole backup of 19 VMs on this machine, and checks it against the site's own ledger. Exits with the backup's
    exit code.
    """
    from snapall.app import demo
    from snapall.app.output import Output

    if fault == "help":
        for line in demo.faults():
            typer.echo(line)
        return
    options.leave(demo.run(transport, fault, directory, fast=fast, output=Output(as_json, quiet, svg)))


def lab_up(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where the lab lives; made when it is not there.")],
    transport: Annotated[Literal["ssh", "rsh"], typer.Option(help="How the lab's filer is reached.")] = "ssh",
    fast: Annotated[bool, typer.Option("--fast", help="Answer without the delays of a real site.")] = False,
) -> None:
    """Serve a simulated site.

    Runs until Ctrl-C, with a ready snapall.toml in DIR.
    """
    from snapall.app import demo

    demo.serve(directory, transport, fast=fast)


def drill(
    jobs: options.Jobs = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only kill before and after each call, cut the power, and recover.")
    ] = False,
    pairs: Annotated[int, typer.Option(metavar="N", help="Also try N random pairs of faults.", min=0)] = 0,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed that selects the pairs.")] = 1,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Kill runs at every call, and report what was left.

    Runs your own jobs, with their names, retention, order and rules, on a simulated site on this machine. Each run is
    killed, loses its power, or meets a fault at one of its calls; then the guardian, recover, or the next run cleans
    up. Your filer, your VirtualCenter and your journals are not touched. Exits 1 when a promise did not hold or no run
    was played. Exits 3 when all promises held, but more than a tenth of the runs could not be played because the
    machine was too busy.
    """
    from dataclasses import replace

    from snapall.drill import scores, trials
    from snapall.drill.cells import QUICK, Extent

    settings, chosen = options.chosen(config, jobs, None, "")
    typer.echo("running on a simulated site on this machine; your own site is not contacted", err=True)
    extent = QUICK if quick else Extent()
    chosen_trials = trials.trials_of(settings, chosen, replace(extent, pairs=pairs, seed=seed))
    results = list(trials.drill(chosen_trials))
    if as_json:
        typer.echo(json.dumps(scores.as_json(results), indent=1))
    else:
        for line in [*scores.troubles(results), *scores.table(results), scores.verdict(results)]:
            typer.echo(line)
    options.leave(scores.Counts.of(results).exit)
