"""list, datastores and audit: what is there; nothing is changed."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from snapall.commands import options
from snapall.errors import Exit, SnapallError, together


def list_backups(
    job: Annotated[
        str | None,
        typer.Argument(help="A job of the configuration; all when none is named.", autocompletion=options.complete_job),
    ] = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """List the backups and their grades.

    Every snapshot of the jobs' volumes, newest first: its grade and the run that made it, its age (with ~ by the
    filer's own date, which has neither year nor zone), and its space as the filer says it, in percents of the volume.
    Exits 1 when a volume could not be listed; the others are shown all the same.
    """
    from snapall.app.look import retained
    from snapall.views import reports

    settings, chosen = options.chosen(config, [job] if job is not None else None, None, "")
    found = [retained(settings, one) for one in chosen]
    rows = [row for listed, _ in found for row in listed]
    troubles = [error for _, errors in found for error in errors]
    if rows or not troubles:
        lines = reports.list_lines(rows, options.width())
        typer.echo(json.dumps(reports.list_json(rows), indent=1) if as_json else "\n".join(lines))
    if troubles:
        raise together(troubles)


def datastores(config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """List VirtualCenter's datastores.

    Id, name, VMs without templates, space, and which job takes it. Exits 1 when a job names one that is not there.
    """
    from snapall.app import look
    from snapall.views import reports

    rows, faults = look.datastores(options.load(config))
    if as_json:
        typer.echo(json.dumps(reports.datastore_json(rows), indent=1))
    else:
        for line in reports.datastore_lines(rows, options.width()):
            typer.echo(line)
    if faults:
        raise SnapallError("; ".join(faults), "correct `datastores` of the job: ids, or names that stand above once")


def audit(config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Compare journals, database and snap list.

    Shows what does not fit: orphans, gaps, snapshots renamed or deleted by hand, VMs that no job takes, VMs with
    disks outside their job, name collisions, busy snapshots. Nothing is changed.
    """
    from snapall.app import audit
    from snapall.views.audit import audit_json, audit_lines

    found = audit.audited(options.load(config))
    lines = [json.dumps(audit_json(found), indent=1)] if as_json else audit_lines(found, options.width())
    for line in lines:
        typer.echo(line)
    options.leave(Exit.OK if found.clean else Exit.FAILED)
