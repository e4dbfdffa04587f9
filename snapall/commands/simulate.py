"""demo, lab and drill: a simulated site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from snapall.commands import options


def demo(
    transport: options.Transport = "ssh",
    fault: Annotated[
        str, typer.Option(metavar="NAME", help="Make something fail; `--fault help` lists the names.")
    ] = "",
    directory: Annotated[Path | None, typer.Option("--dir", help="Keep the lab in this new folder.")] = None,
    fast: options.Fast = False,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Save the console output as an SVG file.")] = None,
    as_json: options.JsonEvents = False,
    quiet: options.Quiet = False,
) -> None:
    """Back up a simulated site.

    Takes a complete backup of 19 VMs on this machine, and checks it against the simulated site's own ledger. Exits with
    the backup's exit code.
    """
    from snapall.app import demo
    from snapall.app.output import Output

    if fault == "help":
        options.emit(demo.faults())
        return
    options.leave(demo.run(transport, fault, directory, fast=fast, output=Output(as_json, quiet, svg)))


def lab_up(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The lab's folder; created if it does not exist.")],
    transport: options.Transport = "ssh",
    fast: options.Fast = False,
) -> None:
    """Serve a simulated site.

    Runs until Ctrl-C, with a ready-made snapall.toml in DIR.
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
    up. Your filer, your VirtualCenter and your journals are not touched.
    """
    from dataclasses import replace

    from snapall.drill import scores, trials
    from snapall.drill.cells import QUICK, Extent

    settings, chosen = options.chosen(config, jobs)
    typer.echo("running on a simulated site on this machine; your own site is not contacted", err=True)
    extent = QUICK if quick else Extent()
    chosen_trials = trials.trials_of(settings, chosen, replace(extent, pairs=pairs, seed=seed))
    results = list(trials.drill(chosen_trials))
    as_text = [*scores.troubles(results), *scores.table(results, options.width()), scores.verdict(results)]
    options.emit(scores.as_json(results) if as_json else as_text)
    options.leave(scores.Counts.of(results).exit)
