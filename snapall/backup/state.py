"""The truth of a run, folded from its records: `apply` is the only place that interprets them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from snapall.backup.model import FilerSnapshot, Vm
from snapall.backup.record import (
    Absent,
    Adopted,
    Answered,
    Began,
    Certified,
    CommandSettled,
    Confirmed,
    DatabaseSilent,
    Ended,
    Fact,
    Failed,
    FilerSilent,
    Found,
    Gone,
    Intent,
    JournalBroken,
    LeftOut,
    NamesConfirmed,
    NamesDiffer,
    Observation,
    ProgramEnded,
    Record,
    ReleaseBegan,
    RenamedBack,
    RotationEnded,
    SnapshotVanished,
    Started,
    StopAsked,
    Surveyed,
    TakenOver,
    VmLost,
    VmsSeen,
    VolumeSeen,
    Warned,
    Withheld,
)
from snapall.backup.rotation import after
from snapall.backup.runstate import (
    Call,
    CapturePhase,
    CaptureState,
    CommandPhase,
    CommandState,
    Listing,
    RunState,
    VmPhase,
    VmState,
)
from snapall.backup.steps import Capture, Delete, Done, Outcome, Quiesce, Refusal, Release, Rename, Step, Unknown


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
            return _with_call(state, n, lambda call: replace(call, child=child))
        case Answered(n, outcome, seconds):
            return _answered(state, n, outcome, seconds, at)
        case ProgramEnded(n):
            return _program_ended(state, n, at)
        case LeftOut(vm, why):
            return _on_vm(state, vm, lambda one: replace(one, phase=VmPhase.LEFT_OUT, why=why))
        case Found(vm, ssid):
            return _on_vm(state, vm, lambda one: _found(state, one, ssid, at))
        case Adopted(vm_, name, ssid):
            return _adopted(state, vm_, name, ssid)
        case Withheld(vm, ssid, why):
            return _on_vm(state, vm, lambda one: _withheld(one, ssid, why))
        case SnapshotVanished(vm):
            return _on_vm(state, vm, lambda one: replace(one, vanished=True))
        case VmLost(vm):
            return _lost(state, vm)
        case Gone(vm):
            return _gone(state, vm, at)
        case Confirmed(volume, name, date):
            found = state.captures.get(volume) or CaptureState(volume, name, CapturePhase.ASKED)
            found = replace(found, phase=CapturePhase.CONFIRMED, name=name, date=date, confirmed=at)
            return _with_capture(state, found)
        case Absent(volume, name):
            known = state.captures.get(volume)
            if known is None or known.name != name:
                return state
            return _with_capture(state, replace(known, phase=CapturePhase.ABSENT))
        case CommandSettled(n, done):
            return _settled(state, n, done)
        case NamesConfirmed(volume):
            return _names_confirmed(state, volume)
        case NamesDiffer(volume):
            return replace(state, believed=_without(state.believed, volume), differs=state.differs | {volume})
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
            return _with_vm(replace(state, quiesced_at=state.quiesced_at or at), one)
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
            return _with_vm(state, one)
        case Capture(volume, name):
            known_capture = state.captures.get(volume) or CaptureState(volume, name, CapturePhase.ASKED)
            found = replace(known_capture, phase=CapturePhase.ASKED, name=name, calls=(*known_capture.calls, call))
            return _with_capture(replace(state, captured_at=state.captured_at or at), found)
        case Rename() | Delete():
            back = any(_undoes(step, one.step) for one in state.commands.values())
            return _with_command(state, CommandState(call, CommandPhase.ASKED, back=back))


def _undoes(step: Step, earlier: Step) -> bool:
    return isinstance(step, Rename) and Rename(step.volume, step.new, step.old) == earlier


def _answered(state: RunState, n: int, outcome: Outcome, seconds: float, at: datetime) -> RunState:
    state = _with_call(state, n, lambda call: replace(call, answered=at, outcome=outcome, seconds=seconds))
    if isinstance(outcome, Unknown) and outcome.login:
        state = replace(state, login_refused_at=at)
    elif isinstance(outcome, Done) and isinstance(state.steps.get(n), Quiesce | Release):
        state = replace(state, login_refused_at=None)
    match state.steps.get(n):
        case Quiesce(vm):
            return _create_answered(state, state.vms[vm.id], outcome, at)
        case Release(vm):
            return _removal_answered(state, state.vms[vm.id], outcome, at)
        case Capture(volume):
            return _with_capture(state, _capture_answered(state.captures[volume], outcome))
        case Rename() | Delete() as step:
            one = state.commands[n]
            state = _believed(state, step) if isinstance(outcome, Done) else state
            return _with_command(state, replace(one, phase=_phase_of(outcome)))
        case None:
            return state


def _phase_of(outcome: Outcome) -> CommandPhase:
    match outcome:
        case Done():
            return CommandPhase.ANSWERED
        case Refusal():
            return CommandPhase.NOT_SEEN
        case Unknown():
            return CommandPhase.SILENT


def _create_answered(state: RunState, one: VmState, outcome: Outcome, at: datetime) -> RunState:
    if one.phase is not VmPhase.ASKED:  # found, or gone, before its answer came
        return state
    match outcome:
        case Done(ssid=ssid) if ssid in _present(state):
            return _with_vm(state, replace(one, phase=VmPhase.SILENT, ended=at, why=f"vcbsnapshot printed {ssid}"))
        case Done(ssid=ssid):
            early = state.captured_at is None
            return _with_vm(state, replace(one, phase=VmPhase.QUIESCED, ids=(ssid,), in_time=early, ended=at, known=at))
        case Refusal(why):
            no_program = not _any_created(state) and not state.login
            state = replace(state, login=why) if no_program else state
            return _with_vm(state, replace(one, phase=VmPhase.REFUSED, why=why))
        case Unknown(why=why, failed=failed, claimed=claimed):
            if outcome.login and not _any_created(state):
                state = replace(state, login=why)
            phase = VmPhase.FAILED if failed else VmPhase.SILENT
            return _with_vm(state, replace(one, phase=phase, why=why, ended=at if failed or claimed else None))


def _any_created(state: RunState) -> bool:
    return any(one.create is not None and one.create.done for one in state.vms.values())


def _present(state: RunState) -> tuple[str, ...]:
    return state.surveyed.present if state.surveyed is not None else ()


def _removal_answered(state: RunState, one: VmState, outcome: Outcome, at: datetime) -> RunState:
    if not one.outstanding or not isinstance(outcome, Done):
        return _with_vm(state, one)
    one = replace(one, vanished=one.vanished or (outcome.already and len(one.tried) == 1))
    return _with_vm(state, replace(one, phase=VmPhase.RELEASED, freed=one.freed or at) if one.removed else one)


def _capture_answered(one: CaptureState, outcome: Outcome) -> CaptureState:
    if one.phase is not CapturePhase.ASKED:
        return one
    match outcome:
        case Refusal():  # never sent; an earlier one under the same name may have been
            sent = [call for call in one.calls if not isinstance(call.outcome, Refusal)]
            return replace(one, phase=CapturePhase.SILENT if sent else CapturePhase.ABSENT)
        case Unknown(failed=False) if not outcome.said.strip():
            return replace(one, phase=CapturePhase.SILENT)
        case Done() if not outcome.said.strip():
            return replace(one, phase=CapturePhase.SILENT)
        case Done() | Unknown():
            return replace(one, phase=CapturePhase.ANSWERED)


def _program_ended(state: RunState, n: int, at: datetime) -> RunState:
    match state.steps.get(n):
        case Quiesce(vm):
            return _on_vm(state, vm.id, lambda one: replace(one, ended=one.ended or at))
        case _:
            return state


# VMs


def _found(state: RunState, one: VmState, ssid: str, at: datetime) -> VmState:
    ids = one.ids if ssid in one.ids else (*one.ids, ssid)
    early = one.in_time or state.captured_at is None
    phase = VmPhase.QUIESCED if one.phase in _UNKNOWN_ID else one.phase
    return replace(one, ids=ids, listed=True, phase=phase, in_time=early, known=one.known or at)


_UNKNOWN_ID = frozenset({VmPhase.ASKED, VmPhase.SILENT, VmPhase.FAILED})


def _adopted(state: RunState, vm: Vm, name: str, ssid: str) -> RunState:
    known = state.vms.get(vm.id) or VmState(vm, VmPhase.QUIESCED, name, listed=True)
    return _with_vm(state, replace(known, ids=(*known.ids, ssid)))


def _withheld(one: VmState, ssid: str, why: str) -> VmState:
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


def _lost(state: RunState, vm: int) -> RunState:
    known = state.vms.get(vm)
    if known is None or not known.outstanding:
        return state
    given_up = state.given_up if known.watched else (*state.given_up, known)
    return _with_vm(replace(state, given_up=given_up), replace(known, phase=VmPhase.LOST))


def _gone(state: RunState, vm: int, at: datetime) -> RunState:
    known = state.vms.get(vm)
    if known is None or not known.outstanding:
        return state
    given_up = (*state.given_up, known) if known.stranger else state.given_up
    return _with_vm(replace(state, given_up=given_up), replace(known, phase=VmPhase.GONE, freed=known.freed or at))


# The filer


def _believed(state: RunState, step: Rename | Delete) -> RunState:
    """The listing as it is by the answer; what is read next is compared with it."""
    known = state.listings.get(step.volume)
    if known is None:
        return state
    rows = state.believed.get(step.volume, known.rows)
    return replace(state, believed={**state.believed, step.volume: after({step.volume: rows}, [step])[step.volume]})


def _settled(state: RunState, n: int, done: bool | None) -> RunState:
    one = state.commands.get(n)
    if one is None:  # a capture's: what became of it, its phase tells
        return _with_call(state, n, lambda call: replace(call, over=True))
    if done and one.step.volume in state.believed:  # else the list that showed it is the latest
        state = _believed(state, one.step)
    phases = {True: CommandPhase.SEEN, False: CommandPhase.NOT_SEEN, None: CommandPhase.OVER}
    return _with_command(state, replace(one, phase=phases[done]))


def _names_confirmed(state: RunState, volume: str) -> RunState:
    commands = {
        n: replace(one, phase=CommandPhase.SEEN)
        if one.step.volume == volume and one.phase is CommandPhase.ANSWERED
        else one
        for n, one in state.commands.items()
    }
    return replace(state, commands=commands, believed=_without(state.believed, volume))


def _without(believed: Mapping[str, tuple[FilerSnapshot, ...]], volume: str) -> dict[str, tuple[FilerSnapshot, ...]]:
    return {name: rows for name, rows in believed.items() if name != volume}


# Observations


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
    vms = {vm: _orphaned(one, at) for vm, one in state.vms.items()}
    captures = {
        volume: replace(
            one,
            phase=CapturePhase.SILENT if one.phase is CapturePhase.ASKED else one.phase,
            calls=_abandoned(one.calls, at),
        )
        for volume, one in state.captures.items()
    }
    commands = {
        n: replace(
            one,
            phase=CommandPhase.SILENT if one.phase is CommandPhase.ASKED else one.phase,
            call=_abandoned((one.call,), at)[0],
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


def _orphaned(one: VmState, at: datetime) -> VmState:
    create = _abandoned((one.create,), at)[0] if one.create is not None else None
    one = replace(one, create=create, removals=_abandoned(one.removals, at))
    if not one.outstanding:
        return one
    phase = VmPhase.SILENT if one.phase is VmPhase.ASKED else one.phase
    why = one.why or "the run died before vcbsnapshot answered"
    ended = None if one.ended is None else min(one.ended, at)
    return replace(one, phase=phase, why=why, ended=ended, looked=-1, shown=())


def _abandoned(calls: tuple[Call, ...], at: datetime) -> tuple[Call, ...]:
    """The calls as a new owner sees them: none waits for an answer any more, and none is of a time to come.

    A clock that was set back since then would make the new owner wait for as long.
    """
    return tuple(
        replace(
            call,
            abandoned=call.abandoned or call.outcome is None,
            sent=min(call.sent, at),
            answered=None if call.answered is None else min(call.answered, at),
        )
        for call in calls
    )


# Parts replaced


def _surveyed(state: RunState, fact: Surveyed) -> RunState:
    vms = {vm.id: VmState(vm) for vm in fact.targets}
    vms |= {one.vm.id: VmState(one.vm, VmPhase.LEFT_OUT, why=one.why) for one in fact.left}
    return replace(state, surveyed=fact, vms={**vms, **state.vms})


def _with_vm(state: RunState, one: VmState) -> RunState:
    return replace(state, vms={**state.vms, one.vm.id: replace(one, changed=state.version)}, looks=0)


def _on_vm(state: RunState, vm: int, change: Callable[[VmState], VmState]) -> RunState:
    known = state.vms.get(vm)
    return state if known is None else _with_vm(state, change(known))


def _with_capture(state: RunState, one: CaptureState) -> RunState:
    return replace(state, captures={**state.captures, one.volume: replace(one, changed=state.version)})


def _with_command(state: RunState, one: CommandState) -> RunState:
    return replace(state, commands={**state.commands, one.call.n: replace(one, changed=state.version)})


def _with_call(state: RunState, n: int, change: Callable[[Call], Call]) -> RunState:
    """The state with command `n` changed, wherever it belongs."""
    match state.steps.get(n):
        case Quiesce(vm):
            one = state.vms[vm.id]
            if one.create is None or one.create.n != n:
                return state
            return _with_vm(state, replace(one, create=change(one.create)))
        case Release(vm):
            one = state.vms[vm.id]
            return _with_vm(state, replace(one, removals=_changed(one.removals, n, change)))
        case Capture(volume):
            found = state.captures[volume]
            return _with_capture(state, replace(found, calls=_changed(found.calls, n, change)))
        case Rename() | Delete():
            command = state.commands[n]
            return _with_command(state, replace(command, call=change(command.call)))
        case None:
            return state


def _changed(calls: tuple[Call, ...], n: int, change: Callable[[Call], Call]) -> tuple[Call, ...]:
    return tuple(change(call) if call.n == n else call for call in calls)
