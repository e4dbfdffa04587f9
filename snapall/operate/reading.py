"""A journal's facts, made into the course of a run. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from snapall.backup.debts import alarming, owed, standing
from snapall.backup.facts import (
    NOT_QUIESCED,
    QUIESCED,
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
from snapall.backup.model import Vm
from snapall.backup.provenance import origins
from snapall.backup.steps import Capture, Delete, Quiesce, Release, Rename, Step
from snapall.errors import Exit
from snapall.operate.course import Call, Captured, Course, Kind, Moved, Settled, VmCourse


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
    alarms = () if _released(facts) else alarming(owing.vms, unreachable=False)
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


def _released(facts: Sequence[Noted]) -> bool:
    """Whether the last word is a report without an alarm: a removal counted, though no look could confirm it."""
    return isinstance(report := facts[-1].fact, Ended) and report.exit != Exit.DEBTS


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
