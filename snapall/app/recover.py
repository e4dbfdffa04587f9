"""`snapall recover`: cleans up after earlier runs, and removes orphaned VM snapshots on request."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress

from snapall.app.notify import notify_of_recovery
from snapall.app.opening import pace_of, quiet_context, store_of, warn_of_writers
from snapall.app.output import Output, publishing
from snapall.app.replicate import Replicator
from snapall.app.signals import signal_flag
from snapall.app.status import update_metrics
from snapall.app.uses import recover_uses
from snapall.backup.adopt import Orphan, adopt, orphans
from snapall.backup.clock import SystemClock
from snapall.backup.context import RunContext
from snapall.backup.facts import Failed
from snapall.backup.model import Job
from snapall.backup.private import arrange
from snapall.backup.record import Record, What
from snapall.backup.recover import Recovery
from snapall.config.load import jobs_named
from snapall.config.settings import Config
from snapall.errors import ConfigError, Exit, JournalError, worst
from snapall.operate.history import require_listed
from snapall.site import OpenSite
from snapall.views.messages import RECOVERED, exit_of


def recover(settings: Config, output: Output, wait: bool, only: Sequence[str] = ()) -> Exit:
    """Settle every open journal, and finish interrupted rotations; say how that ended.

    `only`: the jobs to work on, configured or not; by default all. ConfigError: there is no such job.
    """
    heard: list[Record] = []
    _require_jobs(settings, only)
    code = _settle(settings, output, wait, heard, only)
    used, uses = recover_uses(settings, output, wait=wait, only=only)
    code = worst(code, used)
    if not output.json and not output.quiet:
        whose = f"of {', '.join(only)} " if only else ""
        nothing = f"nothing to recover: no run {whose}left anything outstanding"
        with suppress(OSError, ValueError):  # the terminal may have gone
            sys.stderr.write(f"{exit_of(code, RECOVERED) if heard or uses or code is not Exit.OK else nothing}\n")
            sys.stderr.flush()
    return code


def _require_jobs(settings: Config, names: Sequence[str]) -> None:
    known = (*settings.jobs, *(one for one in store_of(settings).jobs() if one not in settings.jobs)) if names else ()
    unknown = [name for name in dict.fromkeys(names) if name not in known]
    if unknown:
        raise ConfigError(
            f"no such job: {', '.join(map(repr, unknown))}, neither in the configuration nor in an unfinished run",
            f"name one of {', '.join(known)}, or none to recover all",
            "SA-1425",
        )


def _settle(settings: Config, output: Output, wait: bool, heard: list[Record], only: Sequence[str]) -> Exit:
    with publishing(settings, output, log=False, heard=heard) as (warn, listener), signal_flag(warn) as stopped:
        clock = SystemClock()

        def context_for(job: Job) -> RunContext:
            return RunContext(OpenSite(job, settings), clock, listener, stopped)

        def publish(what: What) -> None:
            listener(Record(clock.utc(), what))

        store = store_of(settings, clock)
        warn_of_writers(settings, warn)
        try:
            require_listed(store.folder)
            if settings.state.exists():
                arrange(settings.state, settings.readers, warn)
        except JournalError as error:  # what is outstanding stays so
            publish(Failed(*error.parts))
            code = Exit.OUTSTANDING
        else:
            recovery = Recovery(store, context_for, publish, stopped, wait)
            code = recovery.recover(list(settings.jobs.values()), only)
            code = worst(code, Replicator(settings, clock, publish, stopped).settle(only, wait=wait))
            update_metrics(settings, publish)
        notify_of_recovery(settings, "recover", code, heard, listener)
        return code


def find_orphans(settings: Config, only: Sequence[str] = ()) -> tuple[tuple[Job, Orphan], ...]:
    """Return the VM snapshots of these jobs, by default of all, that `recover --adopt --yes` would remove."""
    return tuple((job, one) for job in jobs_named(settings, only) for one in orphans_of(settings, job))


def orphans_of(settings: Config, job: Job) -> tuple[Orphan, ...]:
    """Return a job's orphans. JournalError: the journals cannot be read, so a run's snapshots would look orphaned."""
    clock = SystemClock()
    store = store_of(settings, clock)
    require_listed(store.folder)
    return orphans(job, quiet_context(settings, job, clock), store)


def remove_orphans(settings: Config, found: Sequence[tuple[Job, Orphan]], output: Output) -> Exit:
    """Remove the orphans, job by job, and return the worst exit code."""
    codes = []
    for job in dict.fromkeys(job for job, _ in found):
        with publishing(settings, output, log=False) as (warn, listener), signal_flag(warn) as stopped:
            context = RunContext(OpenSite(job, settings), SystemClock(), listener, stopped)
            mine = [one for owner, one in found if owner is job]
            codes.append(adopt(job, pace_of(settings, job), context, store_of(settings, context.clock), mine))
    return worst(*codes)
