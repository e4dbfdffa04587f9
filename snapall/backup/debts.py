"""What a run still owes, concluded from its facts alone: the same for a living run and for a dead one's journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise, takewhile

from snapall.backup.facts import (
    Absent,
    Answered,
    Began,
    Ended,
    Found,
    Gone,
    Intent,
    Landed,
    Noted,
    Proven,
    RolledBack,
    Started,
    Surveyed,
    TakenBack,
    Unregistered,
)
from snapall.backup.model import Order, Vm, VmSnapshot
from snapall.backup.steps import Capture, Child, Delete, Done, Quiesce, Refusal, Release, Rename, Step, Unknown


@dataclass(frozen=True, slots=True)
class VmDebt:
    """A VM that may have a snapshot of ours: from the intent to quiesce it until nothing of ours is seen on it."""

    vm: Vm
    name: str  # of the VM snapshot
    since: datetime  # of the intent
    settled_at: datetime  # until then a create without an answer may still act
    unique: bool  # whether the name is this run's alone (safe order)
    before: frozenset[str]  # ids that were there first, and are not ours
    ssid: str = ""  # answered or found; "" while unknown
    child: Child | None = None  # the program that was to answer, if it never did
    seen: bool = False  # whether the database has listed it
    released: datetime | None = None  # when a removal was answered with success
    asked: frozenset[str] = frozenset()  # the ids whose removal was ever sent
    removed: frozenset[str] = frozenset()  # the ids whose removal was answered with success
    failed: bool = False  # whether the program itself said that the quiesce did not work
    misread: bool = False  # whether the printed id was gone before we removed it, and never listed

    @property
    def watched(self) -> bool:
        """Whether it is only kept in view: the quiesce failed by its own word, and no look has found anything.

        It stays open until `settled_at`, so that a snapshot which VirtualCenter makes all the same is found.
        """
        return self.failed and not self.seen and not self.ssid

    def ours(self, rows: Sequence[VmSnapshot]) -> tuple[VmSnapshot, ...]:
        """The rows that are this debt's: by id, or by a name of this run alone.

        A name that others use too (paper order) is adopted only if it was not there before and is the only such row.
        """
        mine = [row for row in rows if row.vm == self.vm.id]
        if self.unique:
            return tuple(row for row in mine if row.name == self.name or row.ssid == self.ssid)
        listed = tuple(row for row in mine if row.ssid == self.ssid)
        if listed or (self.ssid and not self.misread):
            return listed
        new = [row for row in mine if row.name == self.name and row.ssid not in self.before]
        return tuple(new) if len(new) == 1 else ()

    def ambiguous(self, rows: Sequence[VmSnapshot]) -> bool:
        """Whether several rows could be the one that an unanswered create made: none of them is touched."""
        new = [row for row in rows if row.vm == self.vm.id and row.name == self.name and row.ssid not in self.before]
        return not self.unique and not self.ssid and len(new) > 1


def alarming(debts: Sequence[VmDebt], unreachable: bool) -> tuple[VmDebt, ...]:
    """The debts for which a VM may be left quiesced now, which is worth an operator's night.

    With the database out of reach a removal that succeeded counts; with it in reach, a failed quiesce that left no
    trace does. Both stay open for the next look.
    """
    if unreachable:
        return tuple(debt for debt in debts if debt.released is None)
    return tuple(debt for debt in debts if not debt.watched)


@dataclass(frozen=True, slots=True)
class CaptureDebt:
    """A `snap create` whose outcome is unknown."""

    volume: str
    name: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Flight:
    """A filer command without a word of answer: it may act yet, until the filer's time-out after it was sent."""

    step: Capture | Rename | Delete
    since: datetime


@dataclass(frozen=True, slots=True)
class Debts:
    """All that a run owes.

    `partial`: captures of some volumes only, which are no backup. `renames`: those that made room for a capture that
    never came, newest first. `flights`: commands that may act yet. `lost`: VMs given up on since the last report, for
    VirtualCenter does not know them any more; nothing can be done for them, but somebody must be told.
    """

    vms: tuple[VmDebt, ...] = ()
    captures: tuple[CaptureDebt, ...] = ()
    partial: tuple[Delete, ...] = ()
    renames: tuple[Rename, ...] = ()
    flights: tuple[Flight, ...] = ()
    lost: tuple[VmDebt, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.vms) or self.filer

    @property
    def filer(self) -> bool:
        """Whether something is owed on the filer."""
        return bool(self.captures or self.partial or self.renames or self.flights)


def owed(facts: Sequence[Noted]) -> Debts:
    """Fold a run's facts into what it owes. Empty facts owe nothing."""
    if not facts or not isinstance(facts[0].fact, Began):
        return Debts()
    began = facts[0].fact
    vms, lost = _vms(began, facts)
    found = Debts(vms, _captures(facts), flights=_flights(facts), lost=lost)
    proven = standing(facts)
    if set(began.job.volumes) == {volume for volume, _ in proven}:
        return found
    partial = tuple(Delete(volume, name) for volume, name in proven)
    return replace(found, partial=partial, renames=_renames(began, facts))


def standing(facts: Sequence[Noted]) -> tuple[tuple[str, str], ...]:
    """Volume and name of every capture of this run that was proven, and not deleted by this run again."""
    proven: dict[tuple[str, str], None] = {}
    for noted in facts:
        match noted.fact:
            case Proven(volume, name):
                proven[volume, name] = None
            case Absent(volume, name):
                proven.pop((volume, name), None)
            case _:
                pass
    return tuple(proven)


def _steps(facts: Sequence[Noted]) -> dict[int, tuple[datetime, Step]]:
    return {noted.fact.n: (noted.at, noted.fact.step) for noted in facts if isinstance(noted.fact, Intent)}


def _vms(began: Began, facts: Sequence[Noted]) -> tuple[tuple[VmDebt, ...], tuple[VmDebt, ...]]:
    """The VMs that are owed, and those that were given up on since the last report."""
    before: frozenset[str] = frozenset()
    steps = _steps(facts)
    unsent = {one.fact.n for one in facts if isinstance(one.fact, Answered) and isinstance(one.fact.outcome, Refusal)}
    debts: dict[int, VmDebt] = {}
    lost: list[VmDebt] = []
    for noted in facts:
        match noted.fact:
            case Surveyed(ssids=ssids):
                before = frozenset(ssids)
            case Intent(_, Quiesce(vm, name)):
                until = noted.at + timedelta(seconds=began.pace.settle)
                unique = began.job.order is Order.SAFE
                debts[vm.id] = VmDebt(vm, name, noted.at, until, unique, before)
            case Intent(n, Release(vm, ssid)) if vm.id in debts and n not in unsent:
                debts[vm.id] = replace(debts[vm.id], asked=debts[vm.id].asked | {ssid})
            case Started(n, child) if (
                n in steps and isinstance(quiesce := steps[n][1], Quiesce) and quiesce.vm.id in debts
            ):
                debts[quiesce.vm.id] = replace(debts[quiesce.vm.id], child=child)
            case Answered(n, outcome) if n in steps:
                _answer(debts, steps[n][1], outcome, noted.at)
            case Found(vm_id, ssid) if vm_id in debts:
                debts[vm_id] = replace(debts[vm_id], ssid=debts[vm_id].ssid or ssid, seen=True)
            case Gone(vm_id):
                debts.pop(vm_id, None)
            case Unregistered(vm_id) if vm_id in debts:
                debt = debts.pop(vm_id)
                lost += [] if debt.watched else [debt]
            case Ended():
                lost.clear()
            case _:
                pass
    return tuple(debts.values()), tuple(lost)


def _answer(debts: dict[int, VmDebt], step: Step, outcome: object, at: datetime) -> None:
    match step, outcome:
        case Quiesce(vm), Done(ssid=ssid) if vm.id in debts:
            debts[vm.id] = replace(debts[vm.id], ssid=ssid, child=None)
        case Quiesce(vm), Refusal():
            debts.pop(vm.id, None)
        case Quiesce(vm), Unknown(failed=True) if vm.id in debts:
            debts[vm.id] = replace(debts[vm.id], failed=True)
        case Release(vm, ssid), Done(already=already) if vm.id in debts:
            debt = debts[vm.id]
            # A torn answer may tell an id that is none: then the snapshot itself is still to be looked for.
            misread = debt.misread or (already and ssid == debt.ssid and not debt.seen)
            # Told once more that it is gone already, a removal has not just happened.
            since = debt.released if already else None
            debts[vm.id] = replace(debt, released=since or at, removed=debt.removed | {ssid}, misread=misread)
        case _:
            pass


def _captures(facts: Sequence[Noted]) -> tuple[CaptureDebt, ...]:
    steps = _steps(facts)
    open_: dict[tuple[str, str], CaptureDebt] = {}
    for noted in facts:
        match noted.fact:
            case Intent(_, Capture(volume, name)):
                open_[volume, name] = CaptureDebt(volume, name, noted.at)
            case Answered(n, Refusal()) if n in steps and isinstance(capture := steps[n][1], Capture):
                open_.pop((capture.volume, capture.name), None)
            case Proven(volume, name) | Absent(volume, name):
                open_.pop((volume, name), None)
            case _:
                pass
    return tuple(open_.values())


def _flights(facts: Sequence[Noted]) -> tuple[Flight, ...]:
    open_: dict[int, Flight] = {}
    for noted in facts:
        match noted.fact:
            case Intent(n, Capture() | Rename() | Delete() as step):
                open_[n] = Flight(step, noted.at)
            case Answered(n, Refusal()):
                open_.pop(n, None)
            case Answered(n, Done(said)) if said.strip():  # over rsh silence may be an answer that was lost
                open_.pop(n, None)
            case Landed():
                open_.clear()
            case Proven(volume, name) | Absent(volume, name):
                open_ = {n: one for n, one in open_.items() if one.step != Capture(volume, name)}
            case _:
                pass
    return tuple(open_.values())


def _renames(began: Began, facts: Sequence[Noted]) -> tuple[Rename, ...]:
    """In paper order: the renames that made room and stand, newest first; what took one back points the other way."""
    if began.job.order is Order.SAFE or any(isinstance(noted.fact, RolledBack) for noted in facts):
        return ()
    upward = set(pairwise(began.job.chain))
    run = takewhile(lambda fact: not isinstance(fact, Ended), (noted.fact for noted in facts))
    steps = [fact.step for fact in run if isinstance(fact, Intent)][::-1]  # a later recover makes no room
    back = {noted.fact.step for noted in facts if isinstance(noted.fact, TakenBack)}
    made = (step for step in steps if isinstance(step, Rename) and (step.old, step.new) in upward)
    return tuple(step for step in made if step not in back)
