"""`snapall recover`: settles open journals, and removes orphaned VM snapshots that the operator agreed to."""

from __future__ import annotations

from collections.abc import Sequence

from snapall.app.opening import pace_of, quiet_context, store_of
from snapall.app.output import Output, publishing
from snapall.app.signals import heeded
from snapall.app.status import update_metrics
from snapall.backup.adopt import Orphan, adopt, orphans
from snapall.backup.clock import SystemClock
from snapall.backup.context import RunContext
from snapall.backup.facts import Failed
from snapall.backup.model import Job
from snapall.backup.private import arrange
from snapall.backup.record import Record, What
from snapall.backup.recover import Recovery
from snapall.config.settings import Config
from snapall.errors import Exit, JournalError, worst
from snapall.operate.history import require_listed
from snapall.site import OpenSite


def recover(settings: Config, output: Output, wait: bool) -> Exit:
    """Settle every open journal, and finish interrupted rotations."""
    with publishing(settings, output, log=False) as (warn, listener), heeded(warn) as stopped:
        clock = SystemClock()

        def context_for(job: Job) -> RunContext:
            return RunContext(OpenSite(job, settings), clock, listener, stopped)

        def publish(what: What) -> None:
            listener(Record(clock.utc(), what))

        store = store_of(settings, clock)
        try:
            require_listed(store.folder)
            if settings.state.exists():
                arrange(settings.state, settings.readers)
        except JournalError as error:  # whatever they owe stays owed
            publish(Failed(error.message, error.hint))
            return Exit.DEBTS
        recovery = Recovery(store, context_for, publish, stopped, wait)
        code = recovery.recover(list(settings.jobs.values()))
        update_metrics(settings, publish)
        return code


def find_orphans(settings: Config) -> tuple[tuple[Job, Orphan], ...]:
    """The VM snapshots of all jobs that `recover --adopt` would remove."""
    return tuple((job, one) for job in settings.jobs.values() for one in orphans_of(settings, job))


def orphans_of(settings: Config, job: Job) -> tuple[Orphan, ...]:
    """Those of one job. JournalError: what runs owe cannot be seen, and would look like nobody's."""
    clock = SystemClock()
    store = store_of(settings, clock)
    require_listed(store.folder)
    return orphans(job, quiet_context(settings, job, clock), store)


def remove_orphans(settings: Config, found: Sequence[tuple[Job, Orphan]], output: Output) -> Exit:
    """Remove them, job by job."""
    codes = []
    for job in dict.fromkeys(job for job, _ in found):
        with publishing(settings, output, log=False) as (warn, listener), heeded(warn) as stopped:
            context = RunContext(OpenSite(job, settings), SystemClock(), listener, stopped)
            mine = [one for owner, one in found if owner is job]
            codes.append(adopt(job, pace_of(settings, job), context, store_of(settings, context.clock), mine))
    return worst(*codes)
