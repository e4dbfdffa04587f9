"""The certificate of a run: for each VM, whether the capture lies between its quiesce and its release. Pure."""

from __future__ import annotations

from snapall.backup.facts import Certified
from snapall.backup.model import Grade
from snapall.backup.outcome import NOT_QUIESCED, QUIESCED, SKIPPED, Verdict
from snapall.backup.phases import CapturePhase, VmPhase, VmState
from snapall.backup.runstate import RunState
from snapall.backup.steps import Done, Refusal, Unknown


def certify(state: RunState) -> Certified:
    """Judge every VM of the run, by ascending id."""
    verdicts = verdicts_of(state)
    counted = [one for one in verdicts if one.state != SKIPPED]
    return Certified(grade(sum(one.state == QUIESCED for one in counted), len(counted)), verdicts)


def verdicts_of(state: RunState) -> tuple[Verdict, ...]:
    """The certificate's verdicts; without a certificate, those that the records give."""
    if state.certified is not None:
        return state.certified.verdicts
    planned = _planned(state)
    verdicts = [_verdict(state, one) for one in state.vms.values() if one.create is not None or one.vm.id in planned]
    skipped = state.surveyed.skipped if state.surveyed is not None else ()
    verdicts += [Verdict(vm, SKIPPED) for vm in skipped]
    return tuple(sorted(verdicts, key=lambda one: one.vm.id))


def _planned(state: RunState) -> set[int]:
    survey = state.surveyed
    return set() if survey is None else {vm.id for vm in (*survey.targets, *(left.vm for left in survey.left))}


def _verdict(state: RunState, one: VmState) -> Verdict:
    why = _not_quiesced(state, one)
    return Verdict(one.vm, NOT_QUIESCED if why else QUIESCED, why)


def _not_quiesced(state: RunState, one: VmState) -> str:
    """Why the VM does not count as quiesced; "" when it does."""
    if one.phase is VmPhase.PLANNED:
        return "it was not tried"
    if one.phase is VmPhase.LEFT_OUT:
        return one.why
    if not one.in_time:
        return _no_answer(one)
    if one.vanished:
        if one.listed:
            return "its snapshot was removed by something else before the release"
        return "its snapshot was missing at the release: it was never made, or something else removed it"
    if one.phase is VmPhase.LOST:
        return "it was unregistered from VirtualCenter before its release"
    may_be = any(capture.phase is not CapturePhase.ABSENT for capture in state.captures.values())
    if may_be and one.removals and not one.after_capture:
        return "it was released before the filer's snapshot was confirmed"
    if may_be and one.removals and state.database is None and not _existed(one):
        return "the database never listed its snapshot, and no removal found it"
    return ""


def _existed(one: VmState) -> bool:
    """Whether anything besides the answer to its create shows that there was a snapshot."""
    return one.listed or any(isinstance(call.outcome, Done) and not call.outcome.already for call in one.removals)


def _no_answer(one: VmState) -> str:
    outcome = one.create.outcome if one.create is not None else None
    match outcome:
        case Done() if not one.withheld and not one.why:
            return "vcbsnapshot answered only after the filer's snapshot had begun"
        case Refusal(why) | Unknown(why):
            return why
        case _:
            return one.why or "vcbsnapshot did not answer in time"


def grade(quiesced: int, targets: int) -> Grade:
    """Whole when every target was quiesced; so is an empty datastore, where that is allowed."""
    if quiesced >= targets:
        return Grade.WHOLE
    return Grade.PARTIAL if quiesced > 0 else Grade.CRASH_CONSISTENT
