"""Orphaned snapshots: VM snapshots with a job's own name that no journal knows; removed on request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from snapall import __version__
from snapall.backup.actions import Policy
from snapall.backup.case import Case
from snapall.backup.context import RunContext
from snapall.backup.engine import Engine
from snapall.backup.facts import FORMAT, Adopted, Began, Failed
from snapall.backup.looks import orphaned
from snapall.backup.model import Job, Pace, Vm, VmSnapshot
from snapall.backup.phases import VmState
from snapall.backup.runstate import RunState
from snapall.backup.settling import close, settled_code
from snapall.backup.steps import Refusal, Unknown
from snapall.backup.store import JournalStore
from snapall.errors import Exit


@dataclass(frozen=True, slots=True)
class Orphan:
    """A VM snapshot with a job's own name that no journal knows."""

    job: str
    vm: Vm
    snapshot: VmSnapshot


def orphans(job: Job, context: RunContext, store: JournalStore) -> tuple[Orphan, ...]:
    """The snapshots called Quiesce or Quiesce-UTC of the job's VMs, older than its max_quiesced, that no run owns."""
    survey = context.site.survey()
    vms = {vm.id: vm for vm in survey.vms}
    latest = context.clock.utc() - timedelta(seconds=job.max_quiesced)
    return tuple(
        Orphan(job.name, vms[row.vm], row)
        for row in orphaned(job, survey.vm_snapshots, store.states())
        if row.created is not None and row.created < latest
    )


def adopt(job: Job, pace: Pace, context: RunContext, store: JournalStore, found: Sequence[Orphan]) -> Exit:
    """Remove orphaned snapshots, with the operator's consent, each by its id, in a journal of its own."""
    with store.lock(job.name, "recover", context.stopped, lambda *_: None):
        site = context.site
        header = Began(job, store.stamp(), site.vcenter, site.filer, pace, __version__, format=FORMAT)
        journal = store.begin(header)
        case = Case(journal, context, Policy(filer=False))
        try:
            case.write(*(Adopted(one.vm, one.snapshot.name, one.snapshot.ssid) for one in found))
            Engine(case).drive()
            for one in case.state.outstanding:
                context.publish(_not_removed(case.state, one))
            code = settled_code(case.state)
            close(case, code, "adopted")
            return code
        finally:
            journal.leave()


def _not_removed(state: RunState, one: VmState) -> Failed:
    ids, hint = ", ".join(one.ids), "run `snapall recover`: it tries again"
    if state.database is not None:
        text = f"{one.vm.label}: it is unknown whether {ids} was removed: {state.database.why}"
        return Failed(text, hint, "SA-1116")
    return Failed(f"{one.vm.label}: {ids} was not removed{_why(one)}", hint, "SA-1115")


def _why(one: VmState) -> str:
    whys = [call.outcome.why for call in one.removals if isinstance(call.outcome, Refusal | Unknown)]
    return f": {whys[-1]}" if whys else ""
