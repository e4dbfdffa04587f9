"""How the facts of a VM change the state; `state` calls these. Pure."""

from __future__ import annotations

from datetime import datetime

from snapall.backup.changes import abandoned, with_vm
from snapall.backup.model import Vm
from snapall.backup.phases import VmPhase, VmState
from snapall.backup.replacing import replace
from snapall.backup.runstate import RunState
from snapall.backup.steps import Done, Outcome, Refusal, Unknown


def create_answered(state: RunState, one: VmState, outcome: Outcome, at: datetime) -> RunState:
    """The state after the answer to a create: an id that was there before, or is another VM's, is not its own."""
    if one.phase is not VmPhase.ASKED:  # found, or gone, before its answer came
        return state
    match outcome:
        case Done(ssid=ssid) if ssid in state.present_ids or _is_of_another(state, one, ssid):
            return with_vm(state, replace(one, phase=VmPhase.SILENT, ended=at, why=f"vcbsnapshot printed {ssid}"))
        case Done(ssid=ssid):
            early = state.captured_at is None
            return with_vm(state, replace(one, phase=VmPhase.QUIESCED, ids=(ssid,), in_time=early, ended=at, known=at))
        case Refusal(why):
            no_program = not any_created(state) and not state.login
            state = replace(state, login=why) if no_program else state
            return with_vm(state, replace(one, phase=VmPhase.REFUSED, why=why))
        case Unknown(why=why, failed=failed, claimed=claimed):
            if outcome.login and not any_created(state):
                state = replace(state, login=why)
            phase = VmPhase.FAILED if failed else VmPhase.SILENT
            return with_vm(state, replace(one, phase=phase, why=why, ended=at if failed or claimed else None))


def _is_of_another(state: RunState, one: VmState, ssid: str) -> bool:
    """Whether another VM of the run has this id."""
    return any(ssid in other.ids for id_, other in state.vms.items() if id_ != one.vm.id)


def any_created(state: RunState) -> bool:
    """Whether any create has succeeded, so that the login works."""
    return any(one.create is not None and one.create.done for one in state.vms.values())


def removal_answered(state: RunState, one: VmState, outcome: Outcome, at: datetime) -> RunState:
    """The state after the answer to a removal."""
    if not one.outstanding or not isinstance(outcome, Done):
        return with_vm(state, one)
    one = replace(one, vanished=one.vanished or (outcome.already and len(one.tried) == 1))
    return with_vm(state, replace(one, phase=VmPhase.RELEASED, released=one.released or at) if one.removed else one)


def with_found(state: RunState, vm: int, ssid: str, at: datetime) -> RunState:
    """The state with a snapshot of ours that the database lists."""
    one = state.vms.get(vm)
    if one is None:
        return state
    early = one.in_time or state.captured_at is None
    phase = VmPhase.QUIESCED if one.phase in _UNKNOWN_ID else one.phase
    found = replace(one, listed=True, phase=phase, in_time=early, known=one.known or at)
    if ssid in one.ids:  # nothing has changed: a second look would show what this one has shown
        return replace(state, vms={**state.vms, vm: found})
    return with_vm(state, replace(found, ids=(*one.ids, ssid)))


_UNKNOWN_ID = frozenset({VmPhase.ASKED, VmPhase.SILENT, VmPhase.FAILED})


def with_adopted(state: RunState, vm: Vm, name: str, ssid: str) -> RunState:
    """The state with a snapshot that the operator agreed to remove."""
    known = state.vms.get(vm.id) or VmState(vm, VmPhase.QUIESCED, name, listed=True)
    return with_vm(state, replace(known, ids=(*known.ids, ssid)))


def with_withheld(one: VmState, ssid: str, why: str) -> VmState:
    """The VM without a foreign id; without any other id it is silent."""
    ids = tuple(known for known in one.ids if known != ssid)
    quiet = one.phase is VmPhase.QUIESCED and not ids
    return replace(
        one,
        ids=ids,
        withheld={**one.withheld, ssid: why},
        phase=VmPhase.SILENT if quiet else one.phase,
        in_time=one.in_time and bool(ids),
        why=why if not ids else one.why,
    )


def with_lost(state: RunState, vm: int) -> RunState:
    """The state with a VM that VirtualCenter no longer knows."""
    known = state.vms.get(vm)
    if known is None or not known.outstanding:
        return state
    given_up = state.given_up if known.watched else (*state.given_up, known)
    return with_vm(replace(state, given_up=given_up), replace(known, phase=VmPhase.LOST))


def with_gone(state: RunState, vm: int, at: datetime) -> RunState:
    """The state with a VM on which nothing of ours is left."""
    known = state.vms.get(vm)
    if known is None or not known.outstanding:
        return state
    given_up = (*state.given_up, known) if known.stranger else state.given_up
    return with_vm(replace(state, given_up=given_up), replace(known, phase=VmPhase.GONE, released=known.released or at))


def orphaned(one: VmState, at: datetime) -> VmState:
    """The VM as a new owner finds it: nobody hears the answers to what was under way."""
    create = abandoned(one.create, at) if one.create is not None else None
    one = replace(one, create=create, removals=tuple(abandoned(call, at) for call in one.removals))
    if not one.outstanding:
        return one
    phase = VmPhase.SILENT if one.phase is VmPhase.ASKED else one.phase
    why = one.why or "the run died before vcbsnapshot answered"
    ended = None if one.ended is None else min(one.ended, at)
    return replace(one, phase=phase, why=why, ended=ended, looked=-1, listed_ids=())
