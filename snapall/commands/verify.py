"""verify: prove that backups can be read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from snapall.commands import options

if TYPE_CHECKING:
    from snapall.backup.model import Job

JobToVerify = Annotated[
    str | None,
    typer.Argument(
        metavar="JOB",
        help="A job. Default: every job with a [verify] table.",
        autocompletion=options.complete_job,
    ),
]
BackupToVerify = Annotated[
    str, typer.Argument(metavar="SNAPSHOT", help="A backup, by name or by its run. Default: the newest.")
]
OnlyVms = Annotated[
    list[str] | None, typer.Option("--vm", metavar="NAME", help="Only this VM, by name or moref; repeatable.")
]


def verify(
    job: JobToVerify = None,
    snapshot: BackupToVerify = "",
    vms: OnlyVms = None,
    everything: Annotated[bool, typer.Option("--all", help="All VMs, and the LUNs that are of no VM.")] = False,
    due: Annotated[bool, typer.Option("--due", help="Only if `every` has passed since the last check.")] = False,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Prove that a backup can be read.

    For one VM after the other: clones its LUNs out of the backup, maps the clones, reads partition tables and file
    systems, or runs the job's helper command, and takes the clones down. Records whether the VM can be read, and how
    long it took. Without --vm and --all, it checks the VMs whose last check was the longest ago.
    """
    from snapall.app.output import Output
    from snapall.app.verify import VerifyChoice, choose, is_due, verify_jobs
    from snapall.views.json_root import root
    from snapall.views.proofs import proof_lines, proofs_json

    settings, chosen = options.chosen(config, [job] if job is not None else None)
    if job is None:
        chosen = tuple(one for one in chosen if one.name in settings.verify) or chosen

    def choose_of(one: Job) -> VerifyChoice | None:
        if due and not is_due(settings, one):
            return None
        return choose(settings, one, snapshot, vms or (), everything=everything)

    code, proofs = verify_jobs(settings, chosen, Output(as_json, quiet), choose_of)
    if as_json:
        options.emit([json.dumps(root(proofs=proofs_json(proofs)))])  # one line, like the events
    elif not quiet:
        options.emit(proof_lines(proofs) or ["no check is due"])
    options.leave(code)
