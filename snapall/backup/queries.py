"""What whoever looks back asks of a run's state. Pure."""

from __future__ import annotations

from snapall.backup.phases import Call, VmPhase, VmState
from snapall.backup.runstate import RunState
from snapall.errors import Exit


def is_adoption(state: RunState) -> bool:
    """Whether the run only removed orphaned snapshots (`recover --adopt`)."""
    return state.surveyed is None and bool(state.vms)


def is_late(state: RunState, call: Call) -> bool:
    """Whether the command was sent when it was no longer the run itself that worked."""
    ended = state.own_last if state.report is not None else None
    return call.owner > 0 or (ended is not None and call.sent > ended)


def own_removals(state: RunState, one: VmState) -> tuple[Call, ...]:
    """The removals that the run itself sent."""
    return tuple(call for call in one.removals if not is_late(state, call))


def left_quiesced(state: RunState) -> tuple[VmState, ...]:
    """The VMs that may be left quiesced, as far as the journal tells.

    After a report without an alarm a removal that was answered counts, though no look could confirm it.
    """
    if state.reported and state.ended is not None and state.ended.exit != Exit.DEBTS:
        return ()
    return tuple(one for one in state.outstanding if not one.watched)


def to_be_watched(state: RunState) -> tuple[VmState, ...]:
    """The outstanding VMs that are no alarm: the next run looks at them once more."""
    left = left_quiesced(state)
    return tuple(one for one in state.outstanding if one not in left)


def never_asked(state: RunState) -> tuple[VmState, ...]:
    """The planned VMs of which no line says that they were asked for."""
    return tuple(one for one in state.vms.values() if one.phase is VmPhase.PLANNED)


def may_have_left(state: RunState, one: VmState) -> str:
    """Why no other run may quiesce this VM."""
    return f"run {state.header.stamp} of job {state.header.job.name} may have left {one.name} on it"
