"""`snapall delete`: shows a backup that `run --keep` made, and deletes it on request."""

from __future__ import annotations

from collections.abc import Sequence

from snapall.app.look import retained
from snapall.app.opening import pace_of, store_of
from snapall.app.output import Output, publishing
from snapall.app.signals import signal_flag
from snapall.backup.clock import SystemClock
from snapall.backup.context import RunContext
from snapall.backup.delete import delete as delete_kept
from snapall.backup.model import Job
from snapall.backup.private import arrange
from snapall.config.settings import Config
from snapall.errors import ConfigError, Exit, Refused, combined
from snapall.site import OpenSite
from snapall.views.reports import Retained


def find(settings: Config, jobs: Sequence[Job], name: str) -> tuple[Job, tuple[Retained, ...]]:
    """Return the kept backup of this name, one row for each volume, and its job.

    Refused: no journal knows it, by its name and date, as one that `run --keep` made. ConfigError: several jobs have
    it. SiteError: a volume cannot be listed.
    """
    found: dict[str, tuple[Job, tuple[Retained, ...]]] = {}
    others: list[Retained] = []
    for job in jobs:
        rows, errors = retained(settings, job)
        if errors:
            raise combined(errors)
        named = [row for row in rows if row.name == name]
        kept = tuple(row for row in named if row.kept)
        found |= {job.name: (job, kept)} if kept else {}
        others += [row for row in named if not row.kept]
    if len(found) > 1:
        raise ConfigError(f"jobs {', '.join(found)} each have a kept backup {name}", "name one with --job", "SA-1424")
    if not found:
        raise _unknown(name, others)
    return next(iter(found.values()))


def _unknown(name: str, others: Sequence[Retained]) -> Refused:
    if not others:
        remedy = "run `snapall list --kept` for the names"
        return Refused(f"there is no kept backup {name}: nothing was deleted", remedy, "SA-1433")
    one = others[0]
    return Refused(
        f"{name} on {one.volume}, dated {one.date}, was not made by `run --keep`: nothing was deleted",
        "`snapall list --kept` shows the backups that snapall may delete; to delete any other snapshot, run "
        f"`snap delete {one.volume} {name}` on the filer",
        "SA-1434",
    )


def remove(settings: Config, job: Job, name: str, output: Output) -> Exit:
    """Delete the job's kept backup of this name, and return the exit code."""
    with publishing(settings, output, log=True) as (warn, listener), signal_flag(warn) as stopped:
        context = RunContext(OpenSite(job, settings), SystemClock(), listener, stopped)
        arrange(settings.state, settings.readers)
        return delete_kept(job, name, pace_of(settings, job), context, store_of(settings, context.clock))
