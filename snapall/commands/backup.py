"""run, plan, recover and delete: the backup itself."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from snapall.commands import options
from snapall.errors import Exit

JobsEverHad = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="JOB",
        help="Jobs, also those that the configuration no longer has. Default: all.",
        autocompletion=options.complete_job,
    ),
]
NoWait = Annotated[
    bool, typer.Option("--no-wait", help="Do not wait for unanswered creates that may still take effect.")
]
Adopt = Annotated[bool, typer.Option("--adopt", help="List old VM snapshots with a job's name that no run made.")]
RemoveAdopted = Annotated[bool, typer.Option("--yes", help="With --adopt: remove every snapshot that it lists.")]
Accept = Annotated[
    list[str] | None,
    typer.Option(
        "--accept",
        metavar="ID",
        help="Only: say no more of what this mount or restore left wrong, as `status` shows it.",
    ),
]


def run(
    jobs: options.Jobs = None,
    order: options.OrderOption = None,
    keep: options.Keep = "",
    if_older_than: options.IfOlderThan = "",
    config: options.ConfigFile = None,
    as_json: options.JsonEvents = False,
    quiet: options.Quiet = False,
) -> None:
    """Take the nightly backup.

    Cleans up after earlier runs, quiesces the VMs, takes the filer snapshot, confirms it, releases the VMs, and rotates
    the retained backups. `snapall plan` shows every command beforehand.
    """
    from snapall.app.output import Output
    from snapall.app.run import run as back_up

    limit = options.seconds_of(if_older_than, keep)
    settings, chosen = options.chosen(config, jobs, order, keep)
    options.leave(back_up(settings, chosen, Output(as_json, quiet), keep, if_older_than=limit))


def plan(
    jobs: options.Jobs = None,
    order: options.OrderOption = None,
    keep: options.Keep = "",
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Print what run would do.

    Lists every command in order, each with its reason. Changes nothing.
    """
    from snapall.app.compare import of_file
    from snapall.app.plan import copies_of, hooks_of, outlook
    from snapall.app.replicate import commands_of
    from snapall.views.compared import compared_lines, notice_lines
    from snapall.views.json_root import root
    from snapall.views.plan import plan_json, plan_lines

    settings, chosen = options.chosen(config, jobs, order, keep)
    outlooks = [outlook(settings, job, keep) for job in chosen]
    if as_json:
        plans = [
            plan_json(one)
            | {"hooks": [{"when": when, "command": line} for when, line in hooks_of(settings, one.plan.job)]}
            | {"vmx": copies_of(settings, one.plan.job) or None}
            | {"replication": list(commands_of(settings, one.plan.job))}
            for one in outlooks
        ]
        options.emit(root(plans=plans))
        return
    for one in outlooks:
        options.emit(plan_lines(one, options.width()))
        if copies := copies_of(settings, one.plan.job):
            options.say(f"after the backup: {copies}")
        options.say(*(f"hook {when}: {command}" for when, command in hooks_of(settings, one.plan.job)))
        options.say(*(f"after a published backup: {command}" for command in commands_of(settings, one.plan.job)))
    beside = of_file(settings.path, settings, tuple(chosen))
    for both in beside.jobs:
        options.say("", *compared_lines(settings.path.name, both.job, both.rows, options.width()))
    options.say(*notice_lines(settings.path.name, beside.notices, options.width()))


def recover(
    jobs: JobsEverHad = None,
    no_wait: NoWait = False,
    adopt: Adopt = False,
    yes: RemoveAdopted = False,
    accept: Accept = None,
    config: options.ConfigFile = None,
    as_json: options.JsonEvents = False,
    quiet: options.Quiet = False,
) -> None:
    """Release VMs that earlier runs left quiesced.

    Finishes every run that died or could not finish, and publishes confirmed backups. It is safe to run at any time,
    and as often as you like.
    """
    from snapall.app import recover as recovery
    from snapall.app.output import Output
    from snapall.views.reports import orphan_lines, orphans_json

    settings = options.load(config, settling=True)
    output = Output(as_json, quiet)
    if accept:
        from snapall.app.uses import accept as accept_uses

        accept_uses(settings, accept, output)
        options.leave(Exit.OK)
    if not adopt:
        options.leave(recovery.recover(settings, output, not no_wait, jobs or ()))
    found = recovery.find_orphans(settings, jobs or ())
    orphans = [one for _, one in found]
    if as_json:
        options.emit([json.dumps(orphans_json(orphans))])  # one line, for --yes adds its events
    else:
        options.say(*orphan_lines(orphans, remove=yes))
    options.leave(recovery.remove_orphans(settings, found, output) if yes else Exit.OK)


def delete(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name that `run --keep` gave it.")],
    job: Annotated[
        str | None,
        typer.Option("--job", metavar="JOB", help="Its job.", autocompletion=options.complete_job),
    ] = None,
    yes: options.Yes = False,
    config: options.ConfigFile = None,
    as_json: options.JsonEvents = False,
    quiet: options.Quiet = False,
) -> None:
    """Delete a backup that run --keep made.

    Shows it; with --yes, deletes it on all volumes of its job. Touches no other snapshot: a journal must know it by
    name and date, and the filer must not tag it as busy.
    """
    from snapall.app import delete as deletion
    from snapall.app.output import Output
    from snapall.views.reports import list_json, list_lines

    settings, chosen = options.chosen(config, [job] if job is not None else None)
    owner, rows = deletion.find(settings, chosen, name)
    if as_json:
        options.emit([json.dumps(list_json(rows))])  # one line, for --yes adds its events
    else:
        options.emit(list_lines(rows, options.width()))
    if yes:
        options.leave(deletion.remove(settings, owner, name, Output(as_json, quiet)))
    if not as_json:
        options.say("nothing was deleted; add --yes to delete it")
