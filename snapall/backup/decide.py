"""What to do next. A decision rests on the state, the time and the owner's policy alone. Pure.

Every answer, look, timeout and signal becomes a record and leads to a new decision. No stage waits for another: a stage
is a condition here, and a name for the display.
"""

from __future__ import annotations

from datetime import datetime

from snapall.backup import decide_capture as capture
from snapall.backup import decide_delete as deletion
from snapall.backup import decide_filer as filer
from snapall.backup import decide_looks as looks
from snapall.backup import decide_rotation as rotation
from snapall.backup import decide_vms as vms
from snapall.backup.actions import Decision, Draft, Policy, needs_no_intent
from snapall.backup.certificate import certify
from snapall.backup.decide_vms import STRAGGLERS, seconds
from snapall.backup.facts import Failed, ReleaseBegan
from snapall.backup.model import VmPolicy
from snapall.backup.phases import CapturePhase, VmPhase, VmState
from snapall.backup.record import Stage
from snapall.backup.runstate import RunState


def decide(state: RunState, now: datetime, policy: Policy) -> Decision:
    """The facts to write, what to begin now, and when to decide anew (UTC)."""
    draft = Draft()
    forward = policy.backup and state.surveyed is not None and state.released_at is None
    if forward:
        _forward(state, now, draft)
    else:
        _backward(state, now, policy, draft)
    if state.broken:  # what cannot be written down must not begin
        draft.actions = [one for one in draft.actions if needs_no_intent(one)]
    wakes = [(at, why) for at, why in draft.wakes if at > now]
    wake = min((at for at, _ in wakes), default=None)
    why = next((why for _, why in wakes if why), "")
    idle = not draft.records and not draft.actions and not draft.busy and not forward
    done = idle and not _under_way(state) and not _awaited(state, now, policy)
    if done and policy.backup and looks.unseen_at_the_end(state):
        looks.look(state, Stage.RELEASE, draft)
        done = False
    return Decision(tuple(draft.records), tuple(draft.actions), wake, why, done)


def _under_way(state: RunState) -> bool:
    """Whether this owner waits for an answer: to a removal, but not to a create."""
    return any(one.in_flight for one in state.vms.values())


def _awaited(state: RunState, now: datetime, policy: Policy) -> bool:
    if not policy.vms:
        return False
    ends = [looks.awaited_until(state, one, policy) for one in state.outstanding]
    return any(until is not None and until > now for until in ends)


# Up to the confirmation


def _forward(state: RunState, now: datetime, draft: Draft) -> None:
    """Quiesce, capture and confirm; then, or when that fails, begin the release."""
    if turned := _turn(state, now):
        draft.records += turned
        return
    if not capture.room_made(state):
        if not filer.filer_busy(state):
            capture.make_way(state, now, draft)
        return
    if state.captured_at is None:
        vms.quiesce(state, now, draft)
        if draft.records or not vms.creates_over(state, now):
            return
        if not _looked(state, now, draft):
            return
        if any(one.phase in {VmPhase.PLANNED, VmPhase.ASKED} for one in state.vms.values()):
            draft.records.append(vms.overdue(state))
    capture.capture(state, draft)
    if state.captured_at is not None:
        draft.wait(state.captured_at + seconds(state.header.pace.filer_timeout))
    if any(not one.fresh for one in state.outstanding) and not state.located:
        looks.look(state, Stage.LOCATE, draft)


def _turn(state: RunState, now: datetime) -> list[Failed | ReleaseBegan]:
    """Why the release begins now; empty: it does not."""
    if state.stopped_at is not None:
        return [ReleaseBegan("a signal")]
    if state.broken:
        return [
            Failed(state.broken, "the VMs are released now; check why the state folder cannot be written", "SA-1405"),
            ReleaseBegan("the journal cannot be written"),
        ]
    if state.confirmed:
        return [ReleaseBegan("the capture is confirmed")]
    if failure := capture.room_failed(state) or _must_failed(state, now) or capture.capture_failed(state):
        return [failure, ReleaseBegan("there will be no capture")]
    timeout = seconds(state.header.pace.filer_timeout)
    if state.captured_at is not None and now >= state.captured_at + timeout:
        text = "the filer did not answer in time: the VMs are released without its answer"
        hint = "check whether the filer answers `snap list`; the limit is `timeout` of the filer"
        return [Failed(text, hint, "SA-1205"), ReleaseBegan("the filer did not answer in time")]
    return []


def _musts(state: RunState) -> list[VmState]:
    policies = state.header.job.policies
    return [
        one for one in state.vms.values() if policies.of(one.vm) is VmPolicy.MUST and one.phase is not VmPhase.QUIESCED
    ]


def _must_failed(state: RunState, now: datetime) -> Failed | None:
    """There is no capture without every VM that must be quiesced."""
    if state.captured_at is not None or not vms.creates_over(state, now) or not capture.room_made(state):
        return None
    missing = _musts(state)
    hopeless = [one for one in missing if not one.outstanding]
    if not missing or (not hopeless and _still_looking(state, now)):
        return None
    labels = ", ".join(f"{one.vm.label} ({one.why})" if one.why else one.vm.label for one in missing)
    hint = 'check why vcbsnapshot failed for it, or remove its "must" in `vms`'
    if any(one.phase is VmPhase.LEFT_OUT for one in missing):
        hint = 'fix that first, or remove its "must" in `vms`'
    return Failed(f"not quiesced, although `vms` says must: {labels}; nothing was captured", hint, "SA-1101")


def _silent(state: RunState) -> list[VmState]:
    """The VMs without an id: the database may list one before the capture."""
    musts = {one.vm.id for one in _musts(state)}
    answered = {VmPhase.SILENT, VmPhase.FAILED}
    return [one for one in state.vms.values() if one.phase in answered or (one.vm.id in musts and one.outstanding)]


def _still_looking(state: RunState, now: datetime) -> bool:
    """Whether the database may still list a VM in time. A VM that must be quiesced is worth more patience."""
    if state.database is not None or all(one.fresh for one in _silent(state)):
        return False
    return now < _look_until(state, now)


def _look_until(state: RunState, now: datetime) -> datetime:
    patience = min(STRAGGLERS if _musts(state) else 5.0, state.header.pace.filer_timeout)
    answers = [one.create.answered for one in state.vms.values() if one.create and one.create.answered]
    over = vms.creates_until(state)
    pending = any(one.phase is VmPhase.ASKED for one in state.vms.values())
    since = over if pending and over is not None else max(answers, default=now)
    return since + seconds(patience)


def _looked(state: RunState, now: datetime, draft: Draft) -> bool:
    """Whether VMs without an id were looked for: one that is listed counts as quiesced."""
    if not _silent(state) or not _still_looking(state, now):
        return True
    looks.look(state, Stage.LOCATE, draft)
    draft.wait(_look_until(state, now))
    return False


# From the release on


def _backward(state: RunState, now: datetime, policy: Policy, draft: Draft) -> None:
    """Release what is quiesced, settle what is unknown, certify, rotate: for every owner."""
    if state.began is None:
        return
    if policy.vms:
        vms.release(state, now, policy, draft)
        looks.look_after_release(state, now, policy, draft)
    certified = _certify(state, now, policy, draft)
    if draft.records or not policy.filer:
        return
    if policy.backup and state.confirmed:
        if certified and _publishes(state) and state.rotation is None:
            began = state.certified_at if state.certified_at is not None else now
            rotation.rotation(state, state.header.job, state.certified_version, began, now, draft)
            draft.busy |= state.rotation is None
        elif certified and state.rotation is None:
            filer.settle(state, now, policy, draft)
    elif certified or not policy.backup:
        before = len(draft.actions)
        filer.settle(state, now, policy, draft)
        if policy.delete and len(draft.actions) == before:
            deletion.delete(state, draft)
        if len(draft.actions) == before and policy.publish is not None and state.rotation is None:
            _publish(state, now, policy, draft)
    else:
        filer.find_out(state, now, policy, draft)
    draft.busy |= filer.filer_busy(state)


def _certify(state: RunState, now: datetime, policy: Policy, draft: Draft) -> bool:
    """Whether the certificate is written: once no quick removal and no capture is pending."""
    if not policy.backup or state.surveyed is None or state.certified is not None:
        return state.certified is not None
    pace, began = state.header.pace, state.released_at or now
    stragglers = began + seconds(min(STRAGGLERS, pace.create_timeout))
    waits = [stragglers for one in state.vms.values() if one.phase is VmPhase.ASKED]
    if any(capture.phase in _PENDING for capture in state.captures.values()):
        stopped = state.stopped_at is not None
        waits.append(began + seconds(min(STRAGGLERS, pace.filer_timeout) if stopped else pace.filer_timeout))
    for at in waits:
        draft.wait(at)
    unsent = any(one.ids and not one.removals for one in state.outstanding)
    removing = unsent or any(one.in_flight for one in state.vms.values()) or vms.retried_soon(state, policy)
    if removing or any(now < at for at in waits):
        draft.busy = True
        return False
    draft.records.append(certify(state))
    return False


_PENDING = frozenset({CapturePhase.ASKED, CapturePhase.SILENT, CapturePhase.ANSWERED})


def _publishes(state: RunState) -> bool:
    """Whether the new backup is rotated in: not in paper order, not outside the chain, not after a signal."""
    outside = {state.header.keep, state.header.job.newest}
    return state.surveyed is not None and state.surveyed.capture not in outside and not state.called_off


def _publish(state: RunState, now: datetime, policy: Policy, draft: Draft) -> None:
    """Once all is settled, publish pending backups that are good enough."""
    if policy.publish is None or state.unsure or state.parts or state.room or filer.left_unsettled(state):
        return
    began = state.takeovers[-1][0] if state.takeovers else now
    since = state.version if not state.listings else 0
    rotation.rotation(state, policy.publish, since, began, now, draft)
    draft.busy |= state.rotation is None
