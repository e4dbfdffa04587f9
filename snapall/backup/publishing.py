"""Publishes confirmed backups that are still pending, outside of a run's own rotation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from snapall.backup.actions import Policy
from snapall.backup.case import Case
from snapall.backup.context import RunContext
from snapall.backup.engine import Engine
from snapall.backup.facts import TakenOver
from snapall.backup.model import Job
from snapall.backup.origins import recall
from snapall.backup.settling import close
from snapall.backup.store import JournalStore
from snapall.errors import Exit


def publish_due(
    job: Job,
    store: JournalStore,
    context_for: Callable[[Job], RunContext],
    settled: Sequence[Case],
    by: str,
    *,
    wait: bool,
) -> Exit:
    """Publish what is confirmed and good enough, in the newest journal: that one knows the filer's snapshots.

    `settled`: the runs that the caller has just settled; `by`: who the caller is. PARTIAL: something stays pending.
    """
    states = [case.state for case in settled]
    if any(state.unsettled or state.doubled for state in states):
        return Exit.PARTIAL  # an earlier command could still hit a name that moves now
    known = store.known(job.name, states)
    newest = store.newest(job.name)
    if newest is None or not any(one.temporary for one in known):
        return Exit.OK
    context = context_for(job)
    listings = {volume: context.site.listing(volume) for volume in job.volumes}
    if not any(one.grade >= job.publish or one.doomed for one in recall(job, known, listings).pending):
        return Exit.OK
    mine = next((one for one in settled if one.journal.path == newest.path), None)
    case = mine or Case(newest, context, Policy())
    case.policy = Policy(wait=wait, vms=False, publish=replace(job, busy_wait=0))
    try:
        case.record(TakenOver(by, "the rotation is finished"))
        Engine(case).drive()
        rotation = case.state.rotation
        code = Exit.OK if rotation is not None and rotation.whole else Exit.PARTIAL
        close(case, code, f"rotation finished by {by}" if code is Exit.OK else "rotation not finished yet")
        return code
    finally:
        if mine is None:
            case.journal.leave()
