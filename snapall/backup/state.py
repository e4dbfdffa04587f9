"""The truth of a run, folded from its records: `apply` is the only place that interprets them. Pure.

The living run, its guardian, `recover`, the next run and every look back ask this same state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from snapall.backup.model import FilerSnapshot, Order, Vm
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
from snapall.backup.steps import Capture, Child, Delete, Done, Outcome, Quiesce, Refusal, Release, Rename, Step, Unknown


class VmPhase(StrEnum):
    """How far a VM has come (docs/architecture.md draws the ways between them)."""

    PLANNED = "planned"
    LEFT_OUT = "left out"  # not asked for after all
    ASKED = "asked"  # its create is under way
    REFUSED = "refused"  # nothing was sent
    SILENT = "silent"  # no answer, or an id that is not ours: it may act until it has settled
    FAILED = "failed"  # the program said so; watched as long
    QUIESCED = "quiesced"  # an id of ours is known
    RELEASING = "releasing"  # a removal was sent
    RELEASED = "released"  # a removal was answered with success
    GONE = "gone"  # nothing of ours is left on it
    LOST = "lost"  # VirtualCenter no longer knows the VM


OUTSTANDING = frozenset(
    {VmPhase.ASKED, VmPhase.SILENT, VmPhase.FAILED, VmPhase.QUIESCED, VmPhase.RELEASING, VmPhase.RELEASED}
)


class CapturePhase(StrEnum):
    """How far the capture of a volume has come."""

    ASKED = "asked"
    SILENT = "silent"  # not a word of answer: it may act until the filer's timeout is over
    ANSWERED = "answered"  # the filer said something; only `snap list` confirms it
    CONFIRMED = "confirmed"
    ABSENT = "absent"


class CommandPhase(StrEnum):
    """How far a rename or a deletion on the filer has come."""

    ASKED = "asked"
    SILENT = "silent"  # not answered well: it may act until the filer's timeout is over
    ANSWERED = "answered"
    SEEN = "seen"
    NOT_SEEN = "not seen"
    OVER = "over"  # it acts no more, and a later command hides whether it did


@dataclass(frozen=True, slots=True)
class Call:
    """A changing command: when it was sent and answered (UTC; None: never), and what it came to."""

    n: int
    step: Step
    sent: datetime
    owner: int = 0  # how often the run had been taken over when it was sent
    child: Child | None = None
    answered: datetime | None = None
    outcome: Outcome | None = None
    seconds: float | None = None
    abandoned: bool = False  # whoever sent it is dead

    @property
    def in_flight(self) -> bool:
        """Whether an answer may still come."""
        return self.outcome is None and not self.abandoned

    @property
    def done(self) -> bool:
        """Whether it was answered with success."""
        return isinstance(self.outcome, Done)

    @property
    def worded(self) -> bool:
        """Whether the filer said a word: over rsh the silence of success is that of a lost answer, too."""
        return self.outcome is not None and bool(self.outcome.said.strip())


@dataclass(frozen=True, slots=True)
class VmState:
    """One VM. `ids` are the snapshots that are ours, `listed` whether the database ever listed one of them."""

    vm: Vm
    phase: VmPhase = VmPhase.PLANNED
    name: str = ""  # of its snapshot
    create: Call | None = None
    ids: tuple[str, ...] = ()
    listed: bool = False
    withheld: Mapping[str, str] = field(default_factory=dict)  # id -> why it is not ours
    removals: tuple[Call, ...] = ()
    ended: datetime | None = None  # when the program of its create was seen to have ended
    in_time: bool = False  # answered or listed before the first `snap create` was sent
    after_capture: bool = True  # its first removal was sent after the captures had been answered or listed
    vanished: bool = False  # gone before a removal of ours was sent
    freed: datetime | None = None  # when nothing of ours was left on it, by an answer or by a look
    why: str = ""
    changed: int = 0  # the state's version at its last change
    looked: int = -1  # that of the last look at it
    shown: tuple[str, ...] = ()  # the ids of ours in that look

    @property
    def outstanding(self) -> bool:
        """Whether a snapshot of ours may be on it, now or later."""
        return self.phase in OUTSTANDING

    @property
    def fresh(self) -> bool:
        """Whether the database was asked since its last change."""
        return self.looked >= self.changed

    @property
    def watched(self) -> bool:
        """Whether it is only kept in view: the program said that it failed, and no look has found anything."""
        return self.phase is VmPhase.FAILED and not self.ids

    @property
    def removed(self) -> bool:
        """Whether a removal was answered with success."""
        return any(call.done for call in self.removals)

    @property
    def in_flight(self) -> bool:
        """Whether a removal is under way."""
        return any(call.in_flight for call in self.removals)

    def removals_of(self, ssid: str) -> tuple[Call, ...]:
        """The removals of one id, as they were sent."""
        return tuple(call for call in self.removals if isinstance(call.step, Release) and call.step.ssid == ssid)

    @property
    def misread(self) -> bool:
        """Whether the printed id was no snapshot: it was gone before our removal, and was never listed."""
        return bool(self.removals) and not self.listed and all(_already(call) for call in self.removals)


def _already(call: Call) -> bool:
    return isinstance(call.outcome, Done) and call.outcome.already


@dataclass(frozen=True, slots=True)
class CaptureState:
    """The filer's snapshot of one volume. `date` is its date text once it was read back."""

    volume: str
    name: str
    phase: CapturePhase
    calls: tuple[Call, ...] = ()
    date: str = ""
    confirmed: datetime | None = None
    changed: int = 0

    @property
    def safe(self) -> bool:
        """Whether it was answered or listed: what is released from now on lies behind it."""
        return self.phase is CapturePhase.CONFIRMED or any(call.done and call.worded for call in self.calls)


@dataclass(frozen=True, slots=True)
class CommandState:
    """A rename or a deletion on the filer."""

    call: Call
    phase: CommandPhase
    changed: int = 0
    back: bool = False  # it takes back a rename that had made room

    @property
    def step(self) -> Rename | Delete:
        """What was sent."""
        assert isinstance(self.call.step, Rename | Delete)
        return self.call.step

    @property
    def unsettled(self) -> bool:
        """Whether it may act yet: over rsh the silence of a success is that of a lost answer, too."""
        if self.phase is CommandPhase.ANSWERED:
            return not self.call.worded
        return self.phase in {CommandPhase.ASKED, CommandPhase.SILENT}


@dataclass(frozen=True, slots=True)
class Listing:
    """What is known of a volume's names: as they were read, then as the answers since then say."""

    rows: tuple[FilerSnapshot, ...]
    at: datetime
    version: int  # of the state when it was asked for


@dataclass(frozen=True, slots=True)
class RunState:
    """One run, as far as its records tell."""

    began: Began | None = None
    began_at: datetime | None = None
    surveyed: Surveyed | None = None
    vms: Mapping[int, VmState] = field(default_factory=dict)
    captures: Mapping[str, CaptureState] = field(default_factory=dict)
    commands: Mapping[int, CommandState] = field(default_factory=dict)
    listings: Mapping[str, Listing] = field(default_factory=dict)
    believed: Mapping[str, tuple[FilerSnapshot, ...]] = field(default_factory=dict)  # since answers changed a listing
    steps: Mapping[int, Step] = field(default_factory=dict)
    renamed_back: tuple[Rename, ...] = ()
    released_at: datetime | None = None  # when the release began
    stopped_at: datetime | None = None
    called_off: bool = False  # a signal came before the captures were confirmed
    captured_at: datetime | None = None  # when the first `snap create` was sent
    quiesced_at: datetime | None = None  # when the first create was sent
    login: str = ""  # why no further create may be begun
    login_refused_at: datetime | None = None  # since when every answer says so
    takeovers: tuple[tuple[datetime, TakenOver], ...] = ()
    certified: Certified | None = None
    certified_version: int = 0
    differs: frozenset[str] = frozenset()  # volumes whose names were not as the answers said
    rotation: RotationEnded | None = None
    messages: tuple[Failed | Warned, ...] = ()
    ended: Ended | None = None
    ended_at: datetime | None = None
    ended_version: int = 0
    report: Ended | None = None  # the run's own, if it lived to write one
    given_up: tuple[VmState, ...] = ()  # since the last report: nothing can be done for them, but somebody must know
    last: datetime | None = None  # the moment of the last fact
    own_last: datetime | None = None  # the same, of the run itself
    broken: str = ""  # why the journal cannot be written
    database: DatabaseSilent | None = None  # why the last look failed
    filer: Mapping[str, FilerSilent] = field(default_factory=dict)
    looked_at: datetime | None = None
    looks: int = 0  # since anything changed on a VM
    version: int = 0

    @property
    def owner(self) -> int:
        """How often the run was taken over."""
        return len(self.takeovers)

    @property
    def reported(self) -> bool:
        """Whether the last fact is a report: nothing has happened since."""
        return self.ended is not None and self.ended_version == self.version

    @property
    def header(self) -> Began:
        """The header, which every journal that did anything has."""
        assert self.began is not None
        return self.began

    @property
    def located(self) -> bool:
        """Whether the database was asked since the captures were asked for."""
        return self.captured_at is not None and self.looked_at is not None and self.looked_at >= self.captured_at

    @property
    def outstanding(self) -> tuple[VmState, ...]:
        """The VMs that a snapshot of ours may be on."""
        return tuple(one for one in self.vms.values() if one.outstanding)

    @property
    def confirmed(self) -> bool:
        """Whether every volume's capture was read back: there is a backup."""
        return self.began is not None and all(
            volume in self.captures and self.captures[volume].phase is CapturePhase.CONFIRMED
            for volume in self.began.job.volumes
        )

    @property
    def unsettled(self) -> tuple[CommandState, ...]:
        """The renames and deletions that may act yet, as far as is known."""
        return tuple(one for one in self.commands.values() if one.unsettled)

    @property
    def unsure(self) -> tuple[CaptureState, ...]:
        """The captures that were asked for, and neither confirmed nor found absent."""
        return tuple(one for one in self.captures.values() if one.phase in _CAPTURE_UNSURE)

    @property
    def room(self) -> tuple[Rename, ...]:
        """In paper order: the renames that made room for a capture that is not there, and that stand, newest first."""
        if self.began is None or self.began.job.order is Order.SAFE or self.confirmed or self.began.keep:
            return ()
        made = (
            one.step
            for one in reversed(tuple(self.commands.values()))
            if not one.back and one.call.owner == 0 and one.phase is not CommandPhase.NOT_SEEN
        )
        return tuple(step for step in made if isinstance(step, Rename) and step not in self.renamed_back)

    @property
    def parts(self) -> tuple[CaptureState, ...]:
        """The captures of some volumes only, which are no backup."""
        if self.began is None or self.confirmed:
            return ()
        return tuple(one for one in self.captures.values() if one.phase is CapturePhase.CONFIRMED)

    @property
    def filer_outstanding(self) -> bool:
        """Whether something is left to do or to find out on the filer."""
        return bool(self.unsure or self.unsettled or self.parts or self.room)

    @property
    def open(self) -> bool:
        """Whether anything is outstanding."""
        return any(one.outstanding for one in self.vms.values()) or self.filer_outstanding


_CAPTURE_UNSURE = frozenset({CapturePhase.ASKED, CapturePhase.SILENT, CapturePhase.ANSWERED})


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
            return replace(state, certified=fact, certified_version=state.version)
        case Warned() | Failed():
            return replace(state, messages=(*state.messages, fact))
        case Ended():
            report = fact if state.ended is None and not state.takeovers else state.report
            return replace(state, ended=fact, ended_at=at, ended_version=state.version, report=report, given_up=())
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
            return _on_vm(state, vm, lambda one: _found(state, one, ssid))
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
            first = not known.removals
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
            return _with_vm(state, replace(one, phase=VmPhase.QUIESCED, ids=(ssid,), in_time=early, ended=at))
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
    vanished = one.vanished or (outcome.already and len(one.removals) == 1)
    return _with_vm(state, replace(one, phase=VmPhase.RELEASED, vanished=vanished, freed=one.freed or at))


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


def _found(state: RunState, one: VmState, ssid: str) -> VmState:
    ids = one.ids if ssid in one.ids else (*one.ids, ssid)
    early = one.in_time or state.captured_at is None
    phase = VmPhase.QUIESCED if one.phase in _UNKNOWN_ID else one.phase
    return replace(one, ids=ids, listed=True, phase=phase, in_time=early, withheld={})


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
    given_up = (*state.given_up, known) if known.withheld else state.given_up
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
    if one is None:
        return state
    state = _believed(state, one.step) if done else state
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
    vms = {vm: _orphaned(one) for vm, one in state.vms.items()}
    captures = {
        volume: replace(one, phase=CapturePhase.SILENT, calls=_abandoned(one.calls))
        if one.phase is CapturePhase.ASKED
        else one
        for volume, one in state.captures.items()
    }
    commands = {
        n: replace(one, phase=CommandPhase.SILENT, call=_abandoned((one.call,))[0])
        if one.phase is CommandPhase.ASKED
        else one
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
    )


def _orphaned(one: VmState) -> VmState:
    if not one.outstanding:
        return one
    create = _abandoned((one.create,))[0] if one.create is not None else None
    phase = VmPhase.SILENT if one.phase is VmPhase.ASKED else one.phase
    why = one.why or "the run died before vcbsnapshot answered"
    removals = _abandoned(one.removals)
    return replace(one, phase=phase, create=create, removals=removals, why=why, looked=-1, shown=())


def _abandoned(calls: tuple[Call, ...]) -> tuple[Call, ...]:
    return tuple(replace(call, abandoned=True) if call.outcome is None else call for call in calls)


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
