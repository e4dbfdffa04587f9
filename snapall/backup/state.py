"""The truth of a run, folded from its records: `apply` is the only place that interprets them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from snapall.backup import changes_filer as filer
from snapall.backup import changes_vms as vms
from snapall.backup import facts
from snapall.backup.changes import abandoned, on_vm, with_call, with_capture, with_command, with_vm
from snapall.backup.phases import (
    Call,
    CapturePhase,
    CaptureState,
    CommandPhase,
    CommandState,
    Listing,
    VmPhase,
    VmState,
)
from snapall.backup.record import Record
from snapall.backup.replacing import replace
from snapall.backup.runstate import RunState
from snapall.backup.sight import DatabaseSilent, FilerSilent, JournalBroken, Observation, VmsListed, VolumeListed
from snapall.backup.steps import Capture, Delete, Done, Outcome, Quiesce, Release, Rename, Step, Unknown


def fold(records: Iterable[Record], state: RunState | None = None) -> RunState:
    """The state after these records."""
    state = RunState() if state is None else state
    for record in records:
        state = apply(state, record)
    return state


def apply(state: RunState, record: Record) -> RunState:
    """The state after one more record; notices change nothing."""
    what, at = record.what, record.at
    if isinstance(what, Observation):
        return _observed(state, what, at)
    if not isinstance(what, facts.Fact):
        return state
    own = not state.takeovers and not isinstance(what, facts.TakenOver) and state.ended is None
    state = replace(state, version=state.version + 1, last=at, own_last=at if own else state.own_last)
    if isinstance(what, facts.RunFact):
        return _of_run(state, what, at)
    if isinstance(what, facts.CallFact):
        return _of_call(state, what, at)
    return _of_vm(state, what, at) if isinstance(what, facts.VmFact) else _of_filer(state, what, at)


def _of_run(state: RunState, fact: facts.RunFact, at: datetime) -> RunState:
    match fact:
        case facts.Began():
            return replace(state, began=fact, began_at=at)
        case facts.Surveyed():
            known = {vm.id: VmState(vm) for vm in fact.targets}
            known |= {one.vm.id: VmState(one.vm, VmPhase.LEFT_OUT, why=one.why) for one in fact.left}
            return replace(state, surveyed=fact, vms={**known, **state.vms})
        case facts.StopAsked():
            return replace(state, stopped_at=at, called_off=state.called_off or not state.confirmed)
        case facts.ReleaseBegan():
            return replace(state, released_at=state.released_at or at)
        case facts.TakenOver():
            return _taken_over(state, fact, at)
        case facts.Certified():
            return replace(state, certified=fact, certified_at=at, certified_version=state.version)
        case facts.Warned() | facts.Failed():
            return replace(state, messages=(*state.messages, fact))
        case facts.Ended():
            report = fact if state.ended is None and not state.takeovers else state.report
            return replace(state, ended=fact, ended_version=state.version, report=report)


def _of_call(state: RunState, fact: facts.CallFact, at: datetime) -> RunState:
    match fact:
        case facts.Intent(n, step):
            return _sent(replace(state, steps={**state.steps, n: step}), n, step, at)
        case facts.Started(n, child):
            return with_call(state, n, lambda call: replace(call, child=child))
        case facts.Answered(n, outcome, seconds):
            return _answered(state, n, outcome, seconds, at)
        case facts.ProgramEnded(n):
            step_ = state.steps.get(n)
            if not isinstance(step_, Quiesce):
                return state
            return on_vm(state, step_.vm.id, lambda one: replace(one, ended=one.ended or at))


def _of_vm(state: RunState, fact: facts.VmFact, at: datetime) -> RunState:
    match fact:
        case facts.LeftOut(vm, why):
            return on_vm(state, vm, lambda one: replace(one, phase=VmPhase.LEFT_OUT, why=why))
        case facts.Found(vm, ssid):
            return vms.with_found(state, vm, ssid, at)
        case facts.Adopted(adopted, name, ssid):
            return vms.with_adopted(state, adopted, name, ssid)
        case facts.Withheld(vm, ssid, why):
            return on_vm(state, vm, lambda one: vms.with_withheld(one, ssid, why))
        case facts.SnapshotVanished(vm):
            return on_vm(state, vm, lambda one: replace(one, vanished=True))
        case facts.VmLost(vm):
            return vms.with_lost(state, vm)
        case facts.Gone(vm):
            return vms.with_gone(state, vm, at)


def _of_filer(state: RunState, fact: facts.FilerFact, at: datetime) -> RunState:
    match fact:
        case facts.Confirmed(volume, name, date):
            found = state.captures.get(volume) or CaptureState(volume, name, CapturePhase.ASKED)
            found = replace(found, phase=CapturePhase.CONFIRMED, name=name, date=date, confirmed=at)
            return with_capture(state, found)
        case facts.Absent(volume, name):
            known = state.captures.get(volume)
            if known is None or known.name != name:
                return state
            return with_capture(state, replace(known, phase=CapturePhase.ABSENT))
        case facts.CommandSettled(n, done):
            return filer.with_settled(state, n, done)
        case facts.NamesConfirmed(volume):
            return filer.with_names_confirmed(state, volume)
        case facts.NamesDiffer(volume):
            return replace(state, believed=filer.without(state.believed, volume), differs=state.differs | {volume})
        case facts.RotationEnded():
            return replace(state, rotation=fact)
        case facts.RenamedBack(step):
            return replace(state, renamed_back=(*state.renamed_back, step))


# Commands are sent and answered


def _sent(state: RunState, n: int, step: Step, at: datetime) -> RunState:
    call = Call(n, step, at, state.owner)
    match step:
        case Quiesce(vm, name):
            known = state.vms.get(vm.id) or VmState(vm)
            one = replace(known, vm=vm, phase=VmPhase.ASKED, name=name, create=call)
            return with_vm(replace(state, quiesced_at=state.quiesced_at or at), one)
        case Release(vm):
            known = state.vms.get(vm.id) or VmState(vm, ids=(step.ssid,))
            first = not known.tried
            safe = bool(state.captures) and all(one.safe for one in state.captures.values())
            one = replace(
                known,
                phase=known.phase if known.removed else VmPhase.RELEASING,
                removals=(*known.removals, call),
                after_capture=safe if first else known.after_capture,
            )
            return with_vm(state, one)
        case Capture(volume, name):
            known_capture = state.captures.get(volume) or CaptureState(volume, name, CapturePhase.ASKED)
            found = replace(known_capture, phase=CapturePhase.ASKED, name=name, calls=(*known_capture.calls, call))
            return with_capture(replace(state, captured_at=state.captured_at or at), found)
        case Rename() | Delete():
            back = any(_undoes(step, one.step) for one in state.commands.values())
            return with_command(state, CommandState(call, CommandPhase.ASKED, back=back))


def _undoes(step: Step, earlier: Step) -> bool:
    return isinstance(step, Rename) and Rename(step.volume, step.new, step.old) == earlier


def _answered(state: RunState, n: int, outcome: Outcome, seconds: float, at: datetime) -> RunState:
    state = with_call(state, n, lambda call: replace(call, answered=at, outcome=outcome, seconds=seconds))
    if isinstance(outcome, Unknown) and outcome.login:
        state = replace(state, login_refused_at=at)
    elif state.login_refused_at and isinstance(outcome, Done) and isinstance(state.steps.get(n), Quiesce | Release):
        state = replace(state, login_refused_at=None)
    match state.steps.get(n):
        case Quiesce(vm):
            return vms.create_answered(state, state.vms[vm.id], outcome, at)
        case Release(vm):
            return vms.removal_answered(state, state.vms[vm.id], outcome, at)
        case Capture(volume):
            return with_capture(state, filer.capture_answered(state.captures[volume], outcome))
        case Rename() | Delete() as step:
            one = state.commands[n]
            state = filer.with_belief(state, step) if isinstance(outcome, Done) else state
            return with_command(state, replace(one, phase=filer.phase_of(outcome)))
        case None:
            return state


# Looks


def _observed(state: RunState, look: Observation, at: datetime) -> RunState:
    match look:
        case VmsListed() | DatabaseSilent():
            return _looked_at_vms(state, look, at)
        case VolumeListed(volume, rows, version):
            return replace(
                state,
                listings={**state.listings, volume: Listing(rows, at, version)},
                filer={name: one for name, one in state.filer.items() if name != volume},
            )
        case FilerSilent(volume):
            return replace(state, filer={**state.filer, volume: look})
        case JournalBroken(why):
            return replace(state, broken=why)


def _looked_at_vms(state: RunState, look: VmsListed | DatabaseSilent, at: datetime) -> RunState:
    known = dict(state.vms)
    listed = {(row.vm, row.ssid) for row in look.rows} if isinstance(look, VmsListed) else set()
    for one in (known[vm] for vm in look.vms if vm in known):
        ids = one.listed_ids
        if isinstance(look, VmsListed):
            ids = tuple(ssid for ssid in one.ids if (one.vm.id, ssid) in listed)
        known[one.vm.id] = replace(one, looked=max(one.looked, look.version), listed_ids=ids)
    database = look if isinstance(look, DatabaseSilent) else None
    return replace(state, vms=known, database=database, looked_at=at, looks=state.looks + 1)


# A new owner


def _taken_over(state: RunState, fact: facts.TakenOver, at: datetime) -> RunState:
    """Nobody hears an answer any more: whoever sent the command is dead. It may still act."""
    return replace(
        state,
        vms={vm: vms.orphaned(one, at) for vm, one in state.vms.items()},
        captures={
            volume: replace(
                one,
                phase=CapturePhase.SILENT if one.phase is CapturePhase.ASKED else one.phase,
                calls=tuple(abandoned(call, at) for call in one.calls),
            )
            for volume, one in state.captures.items()
        },
        commands={
            n: replace(
                one,
                phase=CommandPhase.SILENT if one.phase is CommandPhase.ASKED else one.phase,
                call=abandoned(one.call, at),
            )
            for n, one in state.commands.items()
        },
        takeovers=(*state.takeovers, (at, fact)),
        listings={},
        believed={},
        differs=frozenset(),
        rotation=None,
        database=None,
        filer={},
        looks=0,
        looked_at=None,
        stopped_at=None,
        given_up=(),
        login_refused_at=None,
    )
