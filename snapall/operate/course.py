"""How one run went, as its journal tells it: what every look back is made of. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from snapall.backup.debts import alarming, owed, standing
from snapall.backup.facts import (
    NOT_QUIESCED,
    QUIESCED,
    SKIPPED,
    Answered,
    Began,
    Certified,
    Ended,
    Gone,
    Intent,
    Noted,
    Origin,
    Proven,
    Surveyed,
    TakenUp,
    Verdict,
)
from snapall.backup.model import Job, Vm
from snapall.backup.provenance import origins
from snapall.backup.steps import Capture, Delete, Done, Outcome, Quiesce, Release, Rename, Step


class Kind(StrEnum):
    """What a journal is of."""

    NIGHT = "night"
    KEEP = "keep"  # a named backup outside the chain
    ADOPTION = "adoption"  # `recover --adopt`


@dataclass(frozen=True, slots=True)
class Call:
    """A changing command: when it was sent and answered (UTC; None: never), and what it came to."""

    sent: datetime
    answered: datetime | None = None
    outcome: Outcome | None = None
    seconds: float | None = None
    late: bool = False  # sent when it was no longer the run itself that worked

    @property
    def done(self) -> bool:
        """Whether it was answered with success."""
        return isinstance(self.outcome, Done)


@dataclass(frozen=True, slots=True)
class VmCourse:
    """One VM: its verdict (`state` is a word of facts.py), its calls, and when nothing of ours was left on it."""

    vm: Vm
    state: str
    why: str = ""
    quiesce: Call | None = None
    releases: tuple[Call, ...] = ()  # as they were sent; whoever takes a run up may send one more
    freed: datetime | None = None

    @property
    def release(self) -> Call | None:
        """The first removal that was sent."""
        return self.releases[0] if self.releases else None

    @property
    def create_seconds(self) -> float | None:
        """Seconds that its quiesce took, if it was answered with success."""
        return self.quiesce.seconds if self.quiesce is not None and self.quiesce.done else None

    @property
    def remove_seconds(self) -> float | None:
        """The same for its release, as far as the run itself did it."""
        return next((call.seconds for call in self.releases if call.done and not call.late), None)

    @property
    def held_seconds(self) -> float | None:
        """Seconds from the quiesce's answer to the moment when it was free."""
        if self.quiesce is None or not self.quiesce.done or self.quiesce.answered is None or self.freed is None:
            return None
        return (self.freed - self.quiesce.answered).total_seconds()


@dataclass(frozen=True, slots=True)
class Captured:
    """The filer's snapshot of one volume; `proven` is when it was read back, `date` its date text."""

    volume: str
    name: str
    call: Call
    proven: datetime | None = None
    date: str = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """A rename or a deletion on the filer."""

    step: Rename | Delete
    call: Call


@dataclass(frozen=True, slots=True)
class Settled:
    """Who took the run up when it could not go on, and why."""

    at: datetime
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Course:
    """One run. Moments are UTC; `ended` and `exit` are the run's own report, None: it died before it wrote one."""

    job: Job
    stamp: str
    kind: Kind
    keep: str
    began: datetime
    last: datetime  # of the last fact that the run itself noted
    ended: datetime | None
    exit: int | None
    text: str  # what the report says besides
    backup: Origin | None  # of the first volume; None: there is no backup of this run on every volume
    vms: tuple[VmCourse, ...]
    captures: tuple[Captured, ...]
    moves: tuple[Moved, ...]
    settled: tuple[Settled, ...]
    left: tuple[str, ...]  # the VMs that may be left quiesced, by label
    watched: tuple[str, ...]  # those that are only looked at again
    open: bool  # whether anything is owed, on the filer too

    @property
    def first(self) -> datetime | None:
        """When the first quiesce was sent."""
        return min((one.quiesce.sent for one in self.vms if one.quiesce is not None), default=None)

    @property
    def released(self) -> datetime | None:
        """When the last removal by the run itself was answered."""
        calls = (call for one in self.vms for call in one.releases if not call.late)
        return max((call.answered for call in calls if call.answered is not None), default=None)

    @property
    def window(self) -> float | None:
        """Seconds from the first quiesce to the last removal; None: one of the two is missing."""
        if self.first is None or self.released is None:
            return None
        return (self.released - self.first).total_seconds()

    @property
    def captured(self) -> datetime | None:
        """When the backup was asked for: from here on its age counts."""
        return min((one.call.sent for one in self.captures if one.proven is not None), default=None)

    @property
    def asked(self) -> tuple[VmCourse, ...]:
        """The VMs that were to be quiesced."""
        return tuple(one for one in self.vms if one.state != SKIPPED)

    @property
    def quiesced(self) -> int:
        """How many of them were."""
        return sum(one.state == QUIESCED for one in self.vms)

    @property
    def published(self) -> bool:
        """Whether its backup is in the chain."""
        return self.backup is not None and not self.backup.temporary and self.kind is Kind.NIGHT


def course(facts: Sequence[Noted]) -> Course | None:
    """What a journal tells; None: it has no header, so nothing was done in its name."""
    if not facts or not isinstance(facts[0].fact, Began):
        return None
    began = facts[0].fact
    cut = next((n for n, one in enumerate(facts) if isinstance(one.fact, Ended | TakenUp)), len(facts))
    own = facts[: cut + 1] if cut < len(facts) and isinstance(facts[cut].fact, Ended) else facts[:cut]
    report = own[-1].fact if isinstance(own[-1].fact, Ended) else None
    calls = _calls(facts, len(own))
    owing = owed(facts)
    alarms = alarming(owing.vms, unreachable=False)
    return Course(
        job=began.job,
        stamp=began.stamp,
        kind=_kind(began, facts),
        keep=began.keep,
        began=facts[0].at,
        last=own[-1].at,
        ended=own[-1].at if report is not None else None,
        exit=report.exit if report is not None else None,
        text=report.text if report is not None else "",
        backup=_backup(began, facts),
        vms=_vms(facts, calls),
        captures=_captures(facts, calls),
        moves=tuple(Moved(step, call) for step, call in calls if isinstance(step, Rename | Delete)),
        settled=tuple(Settled(one.at, one.fact.by, one.fact.why) for one in facts if isinstance(one.fact, TakenUp)),
        left=tuple(debt.vm.label for debt in alarms),
        watched=tuple(debt.vm.label for debt in owing.vms if debt not in alarms),
        open=bool(owing),
    )


def _kind(began: Began, facts: Sequence[Noted]) -> Kind:
    if began.keep:
        return Kind.KEEP
    surveyed = any(isinstance(one.fact, Surveyed) for one in facts)
    return Kind.NIGHT if surveyed or not any(isinstance(one.fact, Intent) for one in facts) else Kind.ADOPTION


def _backup(began: Began, facts: Sequence[Noted]) -> Origin | None:
    if {volume for volume, _ in standing(facts)} != set(began.job.volumes):
        return None
    return next((one for one in origins(facts) if one.run == began.stamp), None)


def _calls(facts: Sequence[Noted], own: int) -> list[tuple[Step, Call]]:
    """Every changing command in the order in which they were sent; `own` is the number of the run's own facts."""
    found: dict[int, tuple[Step, Call]] = {}
    for n, noted in enumerate(facts):
        match noted.fact:
            case Intent(number, step):
                found[number] = (step, Call(noted.at, late=n >= own))
            case Answered(number, outcome, seconds) if number in found:
                step, call = found[number]
                found[number] = (step, replace(call, answered=noted.at, outcome=outcome, seconds=seconds))
            case _:
                pass
    return list(found.values())


def _captures(facts: Sequence[Noted], calls: Sequence[tuple[Step, Call]]) -> tuple[Captured, ...]:
    """An unknown one may have been sent twice, under the same name: the last counts."""
    found: dict[tuple[str, str], Captured] = {}
    for step, call in calls:
        if isinstance(step, Capture):
            found[step.volume, step.name] = Captured(step.volume, step.name, call)
    for noted in facts:
        if isinstance(proof := noted.fact, Proven) and (proof.volume, proof.name) in found:
            key = proof.volume, proof.name
            found[key] = replace(found[key], proven=noted.at, date=proof.date)
    return tuple(found.values())


def _vms(facts: Sequence[Noted], calls: Sequence[tuple[Step, Call]]) -> tuple[VmCourse, ...]:
    """By ascending id. A run that died has written no verdicts: then the answers before the capture tell."""
    verdicts = {one.vm.id: one for noted in facts if isinstance(noted.fact, Certified) for one in noted.fact.verdicts}
    captured = min((call.sent for step, call in calls if isinstance(step, Capture)), default=None)
    found: dict[int, VmCourse] = {id_: VmCourse(one.vm, one.state, one.why) for id_, one in verdicts.items()}
    for step, call in calls:
        match step:
            case Quiesce(vm):
                judged = verdicts.get(vm.id) or _judged(vm, call, captured)
                found[vm.id] = VmCourse(vm, judged.state, judged.why, quiesce=call)
            case Release(vm) if vm.id in found:
                known = found[vm.id]
                freed = call.answered if call.done and known.freed is None else known.freed
                found[vm.id] = replace(known, releases=(*known.releases, call), freed=freed)
            case Release(vm):  # adopted: its quiesce was none of ours
                found[vm.id] = VmCourse(vm, NOT_QUIESCED, releases=(call,), freed=call.answered if call.done else None)
            case _:
                pass
    for noted in facts:
        if isinstance(gone := noted.fact, Gone) and gone.vm in found and found[gone.vm].freed is None:
            found[gone.vm] = replace(found[gone.vm], freed=noted.at)
    return tuple(found[id_] for id_ in sorted(found))


def _judged(vm: Vm, call: Call, captured: datetime | None) -> Verdict:
    if captured is None:
        return Verdict(vm, NOT_QUIESCED, "the run ended before the filer's snapshot")
    if call.done and call.answered is not None and call.answered <= captured:
        return Verdict(vm, QUIESCED)
    return Verdict(vm, NOT_QUIESCED, "it had not answered before the filer's snapshot")
