"""Queries of a run's state, for reports on past runs. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from snapall.backup.phases import Call, VmPhase, VmState
from snapall.backup.runstate import RunState
from snapall.errors import Exit


def is_adoption(state: RunState) -> bool:
    """Whether the run only removed orphaned snapshots (`recover --adopt`)."""
    return state.surveyed is None and bool(state.vms)


def is_late(state: RunState, call: Call) -> bool:
    """Whether the command was sent after the run itself had ended."""
    ended = state.own_last if state.report is not None else None
    return call.owner > 0 or (ended is not None and call.sent > ended)


def own_removals(state: RunState, one: VmState) -> tuple[Call, ...]:
    """The removals that the run itself sent."""
    return tuple(call for call in one.removals if not is_late(state, call))


def left_quiesced(state: RunState) -> tuple[VmState, ...]:
    """The VMs that may be left quiesced, by the journal.

    After a report without an alarm an answered removal counts, even if no look could confirm it.
    """
    if state.reported and state.ended is not None and state.ended.exit != Exit.OUTSTANDING:
        return ()
    return tuple(one for one in state.outstanding if not one.watched)


def to_be_watched(state: RunState) -> tuple[VmState, ...]:
    """The outstanding VMs that are no alarm: the next run checks them again."""
    left = left_quiesced(state)
    return tuple(one for one in state.outstanding if one not in left)


def never_asked(state: RunState) -> tuple[VmState, ...]:
    """The planned VMs that no record mentions again."""
    return tuple(one for one in state.vms.values() if one.phase is VmPhase.PLANNED)


def owned(states: Iterable[RunState], vms: Collection[int]) -> dict[int, str]:
    """The VMs among these that these runs may have left quiesced, and why."""
    return {one.vm.id: may_have_left(state, one) for state in states for one in state.outstanding if one.vm.id in vms}


def may_have_left(state: RunState, one: VmState) -> str:
    """Why no other run may quiesce this VM."""
    return f"run {state.header.stamp} of job {state.header.job.name} may have left {one.name} on it"
