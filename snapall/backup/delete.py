"""Deletes a backup that `run --keep` made, at the operator's word, in a journal of its own."""

from __future__ import annotations

from snapall import __version__
from snapall.backup.actions import Policy
from snapall.backup.case import Case
from snapall.backup.context import RunContext
from snapall.backup.decide_delete import doomed
from snapall.backup.engine import Engine
from snapall.backup.facts import FORMAT, Began, Failed, Listed, Surveyed, Warned
from snapall.backup.model import Job, Pace
from snapall.backup.origins import recall
from snapall.backup.outcome import Origin
from snapall.backup.runstate import RunState
from snapall.backup.settling import close
from snapall.backup.steps import Delete
from snapall.backup.store import JournalStore
from snapall.errors import Exit, Refused

ROLE = "deletion"


def delete(job: Job, name: str, pace: Pace, context: RunContext, store: JournalStore) -> Exit:
    """Delete the job's kept backup of this name on all its volumes.

    Refused: a run of the job is not settled, so that its commands might still act; or the backup is gone. Locked:
    another run of the job is at work.
    """
    with store.lock(job.name, ROLE, context.stopped, lambda *parts: context.publish(Warned(*parts))):
        if store.open_runs(job.name):
            raise Refused(
                f"an earlier run of job {job.name} is unfinished: nothing was deleted",
                f"run `snapall recover {job.name}`, then delete it again",
                "SA-1427",
            )
        case = _case(job, name, pace, context, store)
        try:
            Engine(case).drive()
            code = _report(case)
            close(case, code, f"deleted {name}" if code is Exit.OK else f"{name} was not deleted")
            return code
        finally:
            case.journal.leave()


def _case(job: Job, name: str, pace: Pace, context: RunContext, store: JournalStore) -> Case:
    """Begin the journal, with what earlier ones know of the filer: it becomes the newest that knows it."""
    site = context.site
    listings = {volume: site.listing(volume) for volume in job.volumes}
    origins = recall(job, store.known(job.name), listings).origins
    if not any(one.kept and one.name == name for one in origins):
        raise Refused(
            f"job {job.name} has no kept backup {name} any more: nothing was deleted",
            "run `snapall list --kept` to see what there is now",
            "SA-1426",
        )
    header = Began(job, store.stamp(), site.vcenter, site.filer, pace, __version__, format=FORMAT, delete=name)
    case = Case(store.begin(header), context, Policy(vms=False, delete=True))
    listed = tuple(Listed(volume, rows) for volume, rows in listings.items())
    case.write(Surveyed((), (), (), listed, origins))
    return case


def _report(case: Case) -> Exit:
    """Record what was not deleted, unless a message says so already; the exit code."""
    state = case.state
    if state.stopped_at is not None and not state.commands:
        return Exit.STOPPED
    failures = [one for one in (_failure(state, each) for each in doomed(state)) if one is not None]
    if failures and not state.failed:
        case.record(*failures)
    return Exit.FAILED if failures else Exit.OK


def _failure(state: RunState, one: Origin) -> Failed | None:
    """Why one of the snapshots may still be there; None: the list shows that it is gone."""
    what, unknown = f"{one.name} on {one.volume}", state.filer.get(one.volume)
    sent = next((each for each in state.commands.values() if each.step == Delete(one.volume, one.name)), None)
    if sent is None:
        why = unknown.why if unknown is not None else state.broken or "something else failed first"
        return Failed(f"{what} was not deleted: {why}", "correct that, then delete it again", "SA-1430")
    if sent.unsettled or unknown is not None:
        text = f"it is unknown whether {what} was deleted: {sent.call.why or 'the filer no longer answers'}"
        remedy = f"run `snapall recover {state.header.job.name}`; `snapall list --kept` then shows whether it is there"
        return Failed(text, remedy, "SA-1431")
    if any((row.name, row.date) == (one.name, one.date) for row in state.listings[one.volume].rows):
        text = f"{what} is still listed: {sent.call.why or 'the filer reported that it was deleted'}"
        return Failed(text, "check on the filer what uses it, then delete it again", "SA-1432")
    return None
