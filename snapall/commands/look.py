"""list, datastores and audit: look at the site, and change nothing."""

from __future__ import annotations

from typing import Annotated

import typer

from snapall.commands import options
from snapall.errors import Exit, JournalError, SnapallError, combined


def list_backups(
    job: Annotated[
        str | None,
        typer.Argument(
            metavar="JOB", help="A job from the configuration. Default: all.", autocompletion=options.complete_job
        ),
    ] = None,
    kept: Annotated[bool, typer.Option("--kept", help="Only the backups that `run --keep` made.")] = False,
    elsewhere: Annotated[
        bool, typer.Option("--copies", help="Only the copies on the destinations of `replicate`.")
    ] = False,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """List the backups and their grades.

    Lists every snapshot of the jobs' volumes, newest first: its grade, the run that made it, its age, and its space in
    percent of the volume. An age with ~ comes from the filer's own date, which has neither year nor time zone. Below
    are the mounts, and how far the copies of `replicate` are behind, as last seen. If a volume cannot be listed or a
    journal cannot be read, the others are still shown, and the exit code is 1.
    """
    from snapall.app.look import copies, retained
    from snapall.app.status import mounts_of, replicas_of
    from snapall.backup.clock import SystemClock
    from snapall.views import reports
    from snapall.views.mounts import mount_lines, mounts_json

    settings, chosen = options.chosen(config, [job] if job is not None else None)
    found = [copies(settings, one) if elsewhere else retained(settings, one, kept=kept) for one in chosen]
    rows = [row for listed, _ in found for row in listed]
    errors: list[SnapallError] = [error for _, each in found for error in each]
    if rows or not errors:
        lines = reports.kept_lines if kept else reports.list_lines
        mounts = mounts_of(settings, chosen, lambda *parts: errors.append(JournalError(*parts)))
        now, width = SystemClock().utc(), options.width()
        replicas = [(one.name, each) for one in chosen for each in replicas_of(settings, one.name, now)]
        if as_json:
            shown = {"mounts": mounts_json(mounts, now), "replicas": reports.replicas_json(replicas)}
            options.emit(reports.list_json(rows) | shown)
        else:
            below = (*mount_lines(mounts, now, width), *reports.replica_lines(replicas, width))
            options.emit([*lines(rows, width), *below])
    if errors:
        raise combined(errors)


def datastores(config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """List VirtualCenter's datastores.

    For each datastore: id, name, number of VMs (without templates), space, and the jobs that back it up. If a job names
    a datastore that does not exist, the exit code is 1.
    """
    from snapall.app import look
    from snapall.views import reports

    rows, faults = look.datastores(options.load(config))
    options.emit(reports.datastore_json(rows) if as_json else reports.datastore_lines(rows, options.width()))
    if faults:
        raise SnapallError(
            "; ".join(faults), "correct `datastores` of the job: use an id, or a unique name, from above", "SA-7011"
        )


def audit(config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Compare the journals, the database and snap list.

    Reports what does not match: orphaned snapshots, gaps, snapshots renamed or deleted by hand, busy snapshots,
    VMs that no job backs up, VMs with disks outside their job, and name collisions. Changes nothing.
    """
    from snapall.app import audit
    from snapall.views.audit import audit_json, audit_lines

    found = audit.run_audit(options.load(config))
    options.emit(audit_json(found) if as_json else audit_lines(found, options.width()))
    options.leave(Exit.OK if found.clean else Exit.FAILED)
