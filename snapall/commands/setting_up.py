"""doctor: whether a backup can be taken, before the night tells."""

from __future__ import annotations

import json

import typer

from snapall.commands import options
from snapall.errors import Exit


def doctor(jobs: options.Jobs = None, config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Look at every link of the chain.

    From the configuration to the filer, in order, with a remedy for each fault: file rights, state folder, lock, debts,
    database driver, login, tables and clock, datastores, vcbsnapshot and its login, the way to each filer, its version,
    each volume with its snapshots, space, schedule and autodelete, and all that a run would find. Nothing is changed.
    """
    from snapall import examining
    from snapall.operate.doctor.links import Mark
    from snapall.views.examination import doctor_json, doctor_lines

    settings, chosen = options.chosen(config, jobs, None, "")
    found = examining.examined(settings, chosen)
    for line in [json.dumps(doctor_json(found), indent=1)] if as_json else doctor_lines(found, options.width()):
        typer.echo(line)
    options.leave(Exit.FAILED if any(one.mark is Mark.FAILURE for one in found) else Exit.OK)
