"""run, plan and recover: the backup itself."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from snapall.commands import options
from snapall.errors import Exit


def run(
    jobs: options.Jobs = None,
    order: options.OrderOption = None,
    keep: options.Keep = "",
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Take the nightly backup.

    Settles what earlier runs left, quiesces the VMs, captures, confirms, releases, and rotates. `snapall plan` shows it
    beforehand.
    """
    from snapall.app.output import Output
    from snapall.app.run import run as back_up

    settings, chosen = options.chosen(config, jobs, order, keep)
    options.leave(back_up(settings, chosen, Output(as_json, quiet), keep))


def plan(
    jobs: options.Jobs = None,
    order: options.OrderOption = None,
    keep: options.Keep = "",
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Print what run would do.

    Command by command, each with its reason. Nothing is changed.
    """
    from snapall.app.plan import hooks_of, outlook
    from snapall.views.json_root import root
    from snapall.views.plan import plan_json, plan_lines

    settings, chosen = options.chosen(config, jobs, order, keep)
    outlooks = [outlook(settings, job, keep) for job in chosen]
    if as_json:
        plans = [
            plan_json(one)
            | {"hooks": [{"when": when, "command": line} for when, line in hooks_of(settings, one.plan.job)]}
            for one in outlooks
        ]
        typer.echo(json.dumps(root(plans=plans), indent=1))
        return
    for one in outlooks:
        for line in plan_lines(one, options.width()):
            typer.echo(line)
        for when, command in hooks_of(settings, one.plan.job):
            options.say(f"hook {when}: {command}")


def recover(
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for creates that may still act.")] = False,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="List VM snapshots named as the jobs' that no run made.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --adopt: remove them.")] = False,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Release what was left quiesced.

    Settles every run that died or could not finish, and publishes confirmed backups. Doing it twice, or when nothing is
    outstanding, does no harm.
    """
    from snapall.app import recover as recovery
    from snapall.app.output import Output
    from snapall.views.reports import orphan_lines, orphans_json

    settings = options.load(config)
    output = Output(as_json, quiet)
    if not adopt:
        options.leave(recovery.recover(settings, output, wait=not no_wait))
    found = recovery.find_orphans(settings)
    if as_json:
        typer.echo(json.dumps(orphans_json([one for _, one in found])))
    else:
        for line in orphan_lines([one for _, one in found], remove=yes):
            options.say(line)
    options.leave(recovery.remove_orphans(settings, found, output) if yes else Exit.OK)
