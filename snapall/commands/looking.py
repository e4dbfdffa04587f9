"""list and datastores: what is there; nothing is changed."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from snapall.commands import options
from snapall.errors import SnapallError


def list_backups(
    job: Annotated[str | None, typer.Argument(help="A job of the configuration; all when none is named.")] = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """List the backups and their grades.

    Every snapshot of the jobs' volumes, newest first: its grade and the run that made it, its age (with ~ by the
    filer's own date, which has neither year nor zone), and its space as the filer says it, in percents of the volume.
    """
    from snapall import asking
    from snapall.views import reports

    settings, chosen = options.chosen(config, [job] if job is not None else None, None, "")
    rows = [row for one in chosen for row in asking.retained(settings, one)]
    if as_json:
        typer.echo(json.dumps(reports.list_json(rows), indent=1))
        return
    for line in reports.list_lines(rows):
        typer.echo(line)


def datastores(config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """List VirtualCenter's datastores.

    Id, name, VMs without templates, space, and which job takes it. Exits 1 when a job names one that is not there.
    """
    from snapall import conduct
    from snapall.views import reports

    rows, faults = conduct.datastores(options.load(config))
    if as_json:
        typer.echo(json.dumps(reports.datastore_json(rows), indent=1))
    else:
        for line in reports.datastore_lines(rows):
            typer.echo(line)
    if faults:
        raise SnapallError("; ".join(faults), "correct `datastores` of the job: ids, or names that stand above once")
