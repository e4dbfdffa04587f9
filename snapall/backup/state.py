"""The truth of a run, folded from its records: `apply` is the only place that interprets them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from snapall.backup.changes import abandoned, on_vm, with_call, with_capture, with_command, with_vm
from snapall.backup.changes_filer import (
    capture_answered,
    phase_of,
    with_belief,
    with_names_confirmed,
    with_settled,
    without,
)
from snapall.backup.changes_vms import (
    create_answered,
    orphaned,
    removal_answered,
    with_adopted,
    with_found,
    with_gone,
    with_lost,
    with_withheld,
)
from snapall.backup.facts import (
    Absent,
    Adopted,
    Answered,
    Began,
    Certified,
    CommandSettled,
    Confirmed,
    Ended,
    Fact,
    Failed,
    Found,
    Gone,
    Intent,
    LeftOut,
    NamesConfirmed,
    NamesDiffer,
    ProgramEnded,
    ReleaseBegan,
    RenamedBack,
    RotationEnded,
    SnapshotVanished,
    Started,
    StopAsked,
    Surveyed,
    TakenOver,
    VmLost,
    Warned,
    Withheld,
)
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
from snapall.backup.runstate import RunState
from snapall.backup.sight import DatabaseSilent, FilerSilent, JournalBroken, Observation, VmsSeen, VolumeSeen
from snapall.backup.steps import Capture, Delete, Done, Outcome, Quiesce, Release, Rename, Step, Unknown


def fold(records: Iterable[Record], state: RunState | None = None) -> RunState:
    """The state after these records."""
    state = RunState() if state is None else state
    for record in records:
        state = apply(state, record)
    return state


def apply(state: RunState, record: Record) -> RunState:
    """The state after one more record; notices change nothing."""
    match record.what:
        case VmsSeen() | DatabaseSilent() | VolumeSeen() | FilerSilent() | JournalBroken() as seen:
            return _observed(state, seen, record.at)
        case what if isinstance(what, Fact):
            state = replace(state, version=state.version + 1, last=record.at)
            if not state.takeovers and not isinstance(what, TakenOver) and (state.ended is None):
                state = replace(state, own_last=record.at)
            return _applied(state, what, record.at)
        case _:
            return state


def _applied(state: RunState, fact: Fact, at: datetime) -> RunState:  # noqa: PLR0912 - one total match
    match fact:
        case Began():
            return replace(state, began=fact, began_at=at)
        case Surveyed():
            return _surveyed(state, fact)
        case StopAsked():
            return replace(state, stopped_at=at, called_off=state.called_off or not state.confirmed)
        case ReleaseBegan():
            return replace(state, released_at=state.released_at or at)
        case TakenOver():
            return _taken_over(state, fact, at)
        case Certified():
            return replace(state, certified=fact, certified_at=at, certified_version=state.version)
        case Warned() | Failed():
            return replace(state, messages=(*state.messages, fact))
        case Ended():
            report = fact if state.ended is None and not state.takeovers else state.report
            return replace(state, ended=fact, ended_version=state.version, report=report)
        case Intent(n, step):
            return _sent(replace(state, steps={**state.steps, n: step}), n, step, at)
        case Started(n, child):
            return with_call(state, n, lambda call: replace(call, child=child))
        case Answered(n, outcome, seconds):
            return _answered(state, n, outcome, seconds, at)
        case ProgramEnded(n):
            return _program_ended(state, n, at)
        case LeftOut(vm, why):
            return on_vm(state, vm, lambda one: replace(one, phase=VmPhase.LEFT_OUT, why=why))
        case Found(vm, ssid):
            return on_vm(state, vm, lambda one: with_found(state, one, ssid, at))
        case Adopted(vm_, name, ssid):
            return with_adopted(state, vm_, name, ssid)
        case Withheld(vm, ssid, why):
            return on_vm(state, vm, lambda one: with_withheld(one, ssid, why))
        case SnapshotVanished(vm):
            return on_vm(state, vm, lambda one: replace(one, vanished=True))
        case VmLost(vm):
            return with_lost(state, vm)
        case Gone(vm):
            return with_gone(state, vm, at)
        case Confirmed(volume, name, date):
            found = state.captures.get(volume) or CaptureState(volume, name, CapturePhase.ASKED)
            found = replace(found, phase=CapturePhase.CONFIRMED, name=name, date=date, confirmed=at)
            return with_capture(state, found)
        case Absent(volume, name):
            known = state.captures.get(volume)
            if known is None or known.name != name:
                return state
            return with_capture(state, replace(known, phase=CapturePhase.ABSENT))
        case CommandSettled(n, done):
            return with_settled(state, n, done)
        case NamesConfirmed(volume):
            return with_names_confirmed(state, volume)
        case NamesDiffer(volume):
            return replace(state, believed=without(state.believed, volume), differs=state.differs | {volume})
        case RotationEnded():
            return replace(state, rotation=fact)
        case RenamedBack(step):
            return replace(state, renamed_back=(*state.renamed_back, step))
        case _:
            assert_never(fact)


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
    elif isinstance(outcome, Done) and isinstance(state.steps.get(n), Quiesce | Release):
        state = replace(state, login_refused_at=None)
    match state.steps.get(n):
        case Quiesce(vm):
            return create_answered(state, state.vms[vm.id], outcome, at)
        case Release(vm):
            return removal_answered(state, state.vms[vm.id], outcome, at)
        case Capture(volume):
            return with_capture(state, capture_answered(state.captures[volume], outcome))
        case Rename() | Delete() as step:
            one = state.commands[n]
            state = with_belief(state, step) if isinstance(outcome, Done) else state
            return with_command(state, replace(one, phase=phase_of(outcome)))
        case None:
            return state


def _program_ended(state: RunState, n: int, at: datetime) -> RunState:
    match state.steps.get(n):
        case Quiesce(vm):
            return on_vm(state, vm.id, lambda one: replace(one, ended=one.ended or at))
        case _:
            return state


# Looks


def _observed(state: RunState, seen: Observation, at: datetime) -> RunState:
    match seen:
        case VmsSeen(vms=vms, rows=rows, version=version):
            known = dict(state.vms)
            for one in (known[vm] for vm in vms if vm in known):
                shown = tuple(row.ssid for row in rows if row.vm == one.vm.id and row.ssid in one.ids)
                known[one.vm.id] = replace(one, looked=max(one.looked, version), shown=shown)
            return replace(state, vms=known, database=None, looked_at=at, looks=state.looks + 1)
        case DatabaseSilent(vms=vms, version=version):
            known = dict(state.vms)
            for one in (known[vm] for vm in vms if vm in known):
                known[one.vm.id] = replace(one, looked=max(one.looked, version))
            return replace(state, vms=known, database=seen, looked_at=at, looks=state.looks + 1)
        case VolumeSeen(volume, listed, version):
            listing = Listing(listed, at, version)
            silent = {name: one for name, one in state.filer.items() if name != volume}
            return replace(state, listings={**state.listings, volume: listing}, filer=silent)
        case FilerSilent(volume):
            return replace(state, filer={**state.filer, volume: seen})
        case JournalBroken(why):
            return replace(state, broken=why)


# A new owner


def _taken_over(state: RunState, fact: TakenOver, at: datetime) -> RunState:
    """Whoever sent what has no answer is dead: nobody will hear it any more, and it may act all the same."""
    vms = {vm: orphaned(one, at) for vm, one in state.vms.items()}
    captures = {
        volume: replace(
            one,
            phase=CapturePhase.SILENT if one.phase is CapturePhase.ASKED else one.phase,
            calls=abandoned(one.calls, at),
        )
        for volume, one in state.captures.items()
    }
    commands = {
        n: replace(
            one,
            phase=CommandPhase.SILENT if one.phase is CommandPhase.ASKED else one.phase,
            call=abandoned((one.call,), at)[0],
        )
        for n, one in state.commands.items()
    }
    return replace(
        state,
        vms=vms,
        captures=captures,
        commands=commands,
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


def _surveyed(state: RunState, fact: Surveyed) -> RunState:
    vms = {vm.id: VmState(vm) for vm in fact.targets}
    vms |= {one.vm.id: VmState(one.vm, VmPhase.LEFT_OUT, why=one.why) for one in fact.left}
    return replace(state, surveyed=fact, vms={**vms, **state.vms})
