"""schedule: the nightly backup, and the recovery at boot, started by the system."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from snapall.commands import options
from snapall.errors import coded
from snapall.escaping import printable

if TYPE_CHECKING:
    from snapall.app.schedule import SchedulePlan


def schedule(
    scheduler: Annotated[
        Literal["task-scheduler", "systemd", "cron"] | None,
        typer.Option("--for", help="The scheduler. Default: that of this machine."),
    ] = None,
    at: Annotated[str, typer.Option("--at", metavar="HH:MM", help="When the backup begins.")] = "03:00",
    what: Annotated[
        str, typer.Option("--what", metavar="backup|timer|recover", help="Print this file of the schedule.")
    ] = "",
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write all files into this folder.")] = None,
    install: Annotated[bool, typer.Option("--install", help="Install it; replaces its own earlier entries.")] = False,
    user: Annotated[
        str,
        typer.Option("--user", metavar="NAME", help="The user to run as. Default: the owner of the state folder."),
    ] = "",
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="Name of the units or tasks; give each configuration its own.")
    ] = "snapall",
    config: options.ConfigFile = None,
) -> None:
    """Schedule the nightly backup, and `snapall recover` at boot.

    Without --install, it changes nothing: it prints the lines for cron, or what an installation for systemd or the Task
    Scheduler would do. --what prints one of their files; they name the program, the configuration, the user and
    the folder in full. --install replaces only what is there for the same configuration, and ends with the warnings of
    `snapall doctor` on schedules. On Windows, install from a prompt opened with "Run as administrator".
    """
    from snapall.app import schedule as app
    from snapall.operate.schedule.task import Scheduler

    if (install, out is not None, bool(what)).count(True) > 1:
        raise typer.BadParameter("they exclude each other", param_hint="--install, --out and --what")
    wanted = app.Wanted(Scheduler(scheduler) if scheduler else None, at, user, name)
    plan = app.planned(config, wanted)
    if install:
        _install(plan)
    elif out is not None:
        options.say(*(f"wrote {path}" for path in app.write_documents(plan, out)))
    elif what or len(plan.documents) == 1:
        text = (plan.document(what) if what else plan.documents[0]).text
        typer.echo(text, nl=False)
    else:
        _show(plan)


def _show(plan: SchedulePlan) -> None:
    from snapall.app import schedule as app
    from snapall.site.schedulers import unit_folders
    from snapall.views.schedule import plan_lines

    options.say(*plan_lines(plan.task, plan.scheduler, app.steps_of(plan), unit_folders()[0]))


def _install(plan: SchedulePlan) -> None:
    from snapall.app import schedule as app
    from snapall.site.schedulers import unit_folders
    from snapall.views.schedule import head, notes, step_line

    options.say(head(plan.task, plan.scheduler))
    for step in app.steps_of(plan):
        options.say(step_line(step, unit_folders()[0]))
        app.perform(plan, step)
    if app.register_source(plan):
        options.say("registered the source of the event log")
    options.say("Installed.", *notes(plan.task, plan.scheduler))
    for text, remedy, code in app.warnings_after(plan):
        typer.echo(printable(f"warning: {coded(code, text)}"), err=True)
        typer.echo(printable(f"  remedy: {remedy}"), err=True)
