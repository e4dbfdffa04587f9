"""The decisions about the filer: capture and confirm, settle what was not answered, take back, rotate. Pure.

A filer is asked one thing at a time, and no name moves while a command that mentions it may still act.
"""

from __future__ import annotations

from datetime import datetime

from snapall.backup.actions import Draft, Policy, ReadVolume, Send
from snapall.backup.decide_vms import seconds
from snapall.backup.looks import acts_until
from snapall.backup.model import Job, Order
from snapall.backup.origins import origins, recall
from snapall.backup.record import Fact, Failed, RenamedBack, RotationEnded, Stage, Warned
from snapall.backup.rotation import Listings, Rotation, make_room, rotate
from snapall.backup.runstate import Call, CapturePhase, CaptureState, CommandPhase, CommandState, RunState
from snapall.backup.steps import Capture, Delete, Rename, Step
from snapall.errors import JournalError

_OTHERS = "check `snap list`: is something else renaming there?"
BUSY_PAUSE = 15.0  # seconds between two looks at a snapshot that the filer holds
SETTLE_PAUSE = 5.0  # seconds between two looks for what a command without an answer did
MOST_CREATES = 2  # a `snap create` without a word of answer, absent from the list, is sent once more


def filer_busy(state: RunState) -> bool:
    """Whether a command of this owner is under way on the filer."""
    captures = any(call.in_flight for one in state.captures.values() for call in one.calls)
    return captures or any(one.call.in_flight for one in state.commands.values())


def left_unsettled(state: RunState) -> bool:
    """Whether a command of an earlier owner may act yet; this owner's own are read back by its rotation."""
    calls = [*(one.call for one in state.unsettled), *(call for one in state.doubled for call in one.silent_calls)]
    return any(call.owner < state.owner for call in calls)


def read(state: RunState, volume: str, since: int) -> bool:
    """Whether the volume was listed, by a look that began at this version of the state or later."""
    known = state.listings.get(volume)
    return known is not None and known.version >= since


# Room before the capture, in paper order


def room_wanted(state: RunState) -> bool:
    """Whether the batch's rotation comes first: only if the capture is to get the newest name of the chain."""
    surveyed = state.surveyed
    return surveyed is not None and surveyed.capture == state.header.job.newest and not state.header.keep


def room_made(state: RunState) -> bool:
    """Whether the names are free, and read back."""
    return (
        not room_wanted(state) or (state.captured_at is not None) or (_room_failure(state) is None and _stands(state))
    )


def _stands(state: RunState) -> bool:
    job = state.header.job
    return _all_read(state, job) and not make_room(job, known_listings(state, job), ()).moves


def room_failed(state: RunState) -> Failed | None:
    """Why the rotation before the capture cannot be finished; None: it can."""
    if not room_wanted(state) or state.captured_at is not None:
        return None
    return _room_failure(state)


def _room_failure(state: RunState) -> Failed | None:
    if state.differs:
        return Failed(f"{_differing(state)}; nothing was captured", _OTHERS)
    for one in state.commands.values():
        if one.phase is CommandPhase.NOT_SEEN:
            return Failed(f"{told(one.step)} failed, so nothing was captured: {_why(one)}", "check `snap list`")
    for silent in state.filer.values():
        return Failed(f"{silent.why}: nothing was captured", silent.hint)
    return None


def _differing(state: RunState) -> str:
    volume = sorted(state.differs)[0]
    rows = state.listings[volume].rows
    listed = ", ".join(f"{row.name} of {row.date}" for row in rows if row.name in state.header.job.chain) or "empty"
    return f"the chain on {volume} is not as the filer's answers said: {listed}"


def make_way(state: RunState, now: datetime, draft: Draft) -> None:
    """Send the next command of the batch's rotation, or read back what the answers say."""
    job = state.header.job
    if _settling(state, now, Policy(), draft, Stage.ROTATE):
        return
    missing = [volume for volume in job.volumes if volume not in state.listings]
    if missing:
        draft.actions.append(ReadVolume(Stage.ROTATE, missing[0]))
        return
    listings = known_listings(state, job)
    pending = recall(job, origins(state), listings).pending
    moves = make_room(job, listings, pending).moves
    if moves:
        draft.actions.append(Send(Stage.ROTATE, moves[0].step))
    elif state.believed:
        draft.actions.append(ReadVolume(Stage.ROTATE, next(iter(state.believed))))


# The capture


def capture(state: RunState, draft: Draft) -> None:
    """Create the snapshot of every volume, one after the other, then read each back."""
    if filer_busy(state) or state.surveyed is None:
        return
    for volume in state.header.job.volumes:
        if volume not in state.captures:
            draft.actions.append(Send(Stage.CAPTURE, Capture(volume, state.surveyed.capture)))
            return
    for one in state.captures.values():
        if one.phase is CapturePhase.CONFIRMED:
            continue
        if not read(state, one.volume, one.changed):
            draft.actions.append(ReadVolume(Stage.CONFIRM, one.volume))
        elif one.phase is CapturePhase.SILENT and len(one.calls) < MOST_CREATES:
            draft.actions.append(Send(Stage.CAPTURE, Capture(one.volume, one.name)))
        else:
            continue
        return


def capture_failed(state: RunState) -> Failed | None:
    """Why there will be no capture; None: there may be one yet."""
    kept = "the retained backups are as they were"
    if state.header.job.order is Order.PAPER:  # it has made room, and what was deleted for that is gone
        kept = "the names that were moved to make room are moved back; the oldest backup may be lost in paper order"
    for silent in state.filer.values():
        if state.captured_at is not None:
            return Failed(silent.why, silent.hint or kept)
    for one in state.captures.values():
        if one.phase is CapturePhase.ABSENT or (_lost_twice(state, one)):
            said = next((why for call in reversed(one.calls) if (why := _why_of(call.outcome))), "")
            if said:
                return Failed(f"{told(Capture(one.volume, one.name))} failed: {said}", kept)
            return Failed(
                f"{one.name} is not listed on {one.volume} although it was to be created",
                f"{kept}; check the filer's messages",
            )
    return None


def _lost_twice(state: RunState, one: CaptureState) -> bool:
    missing = one.phase in {CapturePhase.SILENT, CapturePhase.ANSWERED} and len(one.calls) >= MOST_CREATES
    return missing and read(state, one.volume, one.changed)


def _why_of(outcome: object) -> str:
    return getattr(outcome, "why", "") if outcome is not None else ""


def told(step: Step) -> str:
    """A filer command in a message."""
    match step:
        case Capture(volume, name):
            return f"snap create {volume} {name}"
        case Rename(volume, old, new):
            return f"snap rename {volume} {old} {new}"
        case Delete(volume, name):
            return f"snap delete {volume} {name}"
        case _:
            return str(step)


# What earlier commands left


def settle(state: RunState, now: datetime, policy: Policy, draft: Draft) -> None:
    """Find out what exists; delete parts of a backup; take back the room that was made for none."""
    if filer_busy(state) or not state.filer_outstanding:
        return
    if state.filer:
        return  # it cannot be asked now; whoever comes next tries again
    if _settling(state, now, policy, draft, Stage.SETTLE):
        return
    if state.unsure:
        return
    _delete_parts(state, draft)
    if not draft.actions and not state.parts:
        _rename_back(state, draft)
    if not draft.actions and not draft.records and state.unsettled and state.believed:
        draft.actions.append(ReadVolume(Stage.SETTLE, next(iter(state.believed))))


def find_out(state: RunState, now: datetime, policy: Policy, draft: Draft) -> None:
    """Only look what exists: nothing is taken back before the certificate has judged it."""
    if not filer_busy(state) and not state.filer:
        _settling(state, now, policy, draft, Stage.CONFIRM)


def _settling(state: RunState, now: datetime, policy: Policy, draft: Draft, stage: Stage) -> bool:
    """Whether something on the filer may still act, or must be looked at first; the next look is in the draft."""
    found: list[CaptureState | CommandState] = [*state.unsure, *state.doubled, *state.unsettled]
    waiting = False
    for one in found:
        volume, calls = _may_act(one)
        if isinstance(one, CommandState) and one.phase is CommandPhase.ANSWERED and volume in state.believed:
            continue  # it is read back with the others
        if any(call.in_flight for call in calls):
            waiting = True
            continue
        if not read(state, volume, one.changed):
            draft.actions.append(ReadVolume(stage, volume))
            return True
        until = max((acts_until(state, call) for call in calls), default=now)
        waiting = True
        if now >= until:
            if state.listings[volume].at < until:
                draft.actions.append(ReadVolume(stage, volume))
                return True
            continue
        if policy.patient and state.stopped_at is None:
            _look_again(state, ReadVolume(stage, volume), now, until, draft, told(calls[-1].step))
    return waiting


def _may_act(one: CaptureState | CommandState) -> tuple[str, tuple[Call, ...]]:
    match one:
        case CaptureState(volume=volume):
            return volume, one.silent_calls
        case CommandState(call=call):
            return one.step.volume, (call,)


def _look_again(state: RunState, look: ReadVolume, now: datetime, until: datetime, draft: Draft, command: str) -> None:
    at = state.listings[look.volume].at + seconds(SETTLE_PAUSE)
    if now >= at:
        draft.actions.append(look)
    else:
        draft.wait(min(at, until), f"{command}: unanswered, and may act yet")
        draft.busy = True


def _delete_parts(state: RunState, draft: Draft) -> None:
    """Delete a part of a backup, known by name and date: in paper order a later run may have the same name."""
    for one in state.parts:
        if not read(state, one.volume, one.changed):
            draft.actions.append(ReadVolume(Stage.SETTLE, one.volume))
            return
        tried = _last(state, Delete(one.volume, one.name))
        if tried is not None:
            if not read(state, one.volume, tried.changed):
                draft.actions.append(ReadVolume(Stage.SETTLE, one.volume))
                return
            _tell(state, draft, _part(one, _why(tried) or "the list still shows it"))
            continue
        row = next(row for row in state.listings[one.volume].rows if row.name == one.name)
        if row.tags:
            _tell(state, draft, _part(one, f"the filer holds it ({', '.join(row.tags)})"))
            continue
        draft.actions.append(Send(Stage.SETTLE, Delete(one.volume, one.name)))
        return


def _part(one: CaptureState, why: str) -> Warned:
    text = f"{one.name} on {one.volume} is only a part of a backup and could not be deleted: {why}"
    return Warned(text, "`snapall recover` tries again")


def _rename_back(state: RunState, draft: Draft) -> None:
    """Rename the chain back, one name after the other, as far as the list allows; each is read back."""
    stuck: set[str] = set()
    for rename in state.room:
        if rename.volume in stuck:
            continue
        back = Rename(rename.volume, rename.new, rename.old)
        tried = _last(state, back)
        since = max((one.changed for one in state.commands.values() if one.step.volume == rename.volume), default=0)
        if not read(state, rename.volume, since):
            draft.actions.append(ReadVolume(Stage.SETTLE, rename.volume))
            return
        named = {row.name: row for row in state.listings[rename.volume].rows}
        if rename.new not in named or rename.old in named:
            # Once is enough: by the next look a later run may have given the names to other snapshots.
            draft.records.append(RenamedBack(rename))
            return
        if tried is None and not named[back.old].tags:
            draft.actions.append(Send(Stage.SETTLE, back))
            return
        held = f"the filer holds it ({', '.join(named[back.old].tags)})" if tried is None else _why(tried)
        text = f"{back.old} on {back.volume} could not be renamed back to {back.new}"
        _tell(state, draft, Failed(f"{text}: {held or 'the list does not show it'}", "`snapall recover` tries again"))
        stuck.add(rename.volume)


def _last(state: RunState, step: Step) -> CommandState | None:
    """This owner's last command of the kind."""
    found = (
        one for one in reversed(tuple(state.commands.values())) if one.step == step and one.call.owner == state.owner
    )
    return next(found, None)


def _why(one: CommandState) -> str:
    return _why_of(one.call.outcome)


def _tell(state: RunState, draft: Draft, message: Failed | Warned) -> None:
    """Say it once."""
    if message not in state.messages and message not in draft.records:
        draft.records.append(message)


# Rotation


def known_listings(state: RunState, job: Job) -> Listings:
    """The volumes' names as they are by the last list and the answers since."""
    return {volume: state.believed.get(volume, state.listings[volume].rows) for volume in job.volumes}


def _all_read(state: RunState, job: Job) -> bool:
    return not state.believed and all(volume in state.listings for volume in job.volumes)


def rotation(state: RunState, job: Job, since: int, began: datetime, now: datetime, draft: Draft) -> None:
    """Bring what is pending into the chain, by lists that were read at version `since` or later.

    What the filer holds is waited for, up to `busy_wait` after `began`. Nothing raises: what cannot be done stays
    pending, and the next run does it.
    """
    if filer_busy(state):
        return
    if failure := _rotation_failure(state, since):
        draft.records += [failure, RotationEnded((), whole=False)]
        return
    if _settling(state, now, Policy(), draft, Stage.ROTATE):
        return
    for volume in job.volumes:
        if volume not in state.believed and not read(state, volume, since):
            draft.actions.append(ReadVolume(Stage.ROTATE, volume))
            return
    listings = known_listings(state, job)
    found = rotate(job, listings, recall(job, origins(state), listings).pending)
    if found.blocked is not None and _wait_for_it(state, job, found, began, now, draft):
        return
    if state.believed and (not found.moves or state.broken):
        draft.actions.append(ReadVolume(Stage.ROTATE, next(iter(state.believed))))
    elif found.moves and state.broken:  # no name moves any more: nobody could write down that it was about to
        failure = Failed(f"the rotation was not finished: {state.broken}", JournalError.ROOM)
        draft.records += [failure, RotationEnded((), whole=False)]
    elif found.moves:
        _move(state, found, since, draft)
    else:
        draft.records += _rotated(state, job, found)


def _wait_for_it(state: RunState, job: Job, found: Rotation, began: datetime, now: datetime, draft: Draft) -> bool:
    """Whether to wait for the filer to let go of a snapshot."""
    until = began + seconds(job.busy_wait)
    if now >= until or state.stopped_at is not None:
        return False
    at = min(state.listings[volume].at for volume in job.volumes) + seconds(BUSY_PAUSE)
    if state.believed or now >= at:
        draft.actions.append(ReadVolume(Stage.ROTATE, _oldest(state, job)))
    else:
        draft.wait(min(at, until), str(found.blocked))
        draft.busy = True
    return True


def _oldest(state: RunState, job: Job) -> str:
    return min(job.volumes, key=lambda volume: state.listings[volume].at)


def _move(state: RunState, found: Rotation, since: int, draft: Draft) -> None:
    mine = [one for one in state.commands.values() if one.call.owner == state.owner and one.changed > since]
    planned = state.surveyed.moves if state.surveyed is not None else ()
    if not mine and not state.takeovers and planned and found.steps != planned:
        _tell(state, draft, Warned("the rotation differs from the plan: it was planned anew from the present list"))
    draft.actions.append(Send(Stage.ROTATE, found.moves[0].step))


def _rotation_failure(state: RunState, since: int) -> Failed | None:
    hint = "the chain is left as it is now; the next run goes on from there"
    for one in state.commands.values():
        if one.call.owner == state.owner and one.changed > since and one.phase is CommandPhase.NOT_SEEN:
            return Failed(f"{told(one.step)} did not take effect: {_why(one) or 'no answer'}", hint)
    if state.differs:
        return Failed(_differing(state), _OTHERS)
    for silent in state.filer.values():
        return Failed(f"the rotation was not finished: {silent.why}", silent.hint or hint)
    return None


def _rotated(state: RunState, job: Job, found: Rotation) -> list[Fact]:
    published = tuple(
        dict.fromkeys(one.run for one in origins(state) if one.volume in job.volumes and not one.temporary)
    )
    records: list[Fact] = []
    certified, surveyed = state.certified, state.surveyed
    if certified is not None and surveyed is not None and not state.takeovers and certified.grade < job.publish:
        text = f"{surveyed.capture} stays pending: fewer VMs were quiesced than `publish` asks for"
        records.append(Failed(text, "check why; the next backup that is confirmed replaces it"))
    if found.blocked is not None:
        text = f"{', '.join(found.waiting)} is not in the chain yet: {found.blocked}"
        records.append(Failed(text, "the next run tries again; `snap list` shows what holds it"))
    return [*records, RotationEnded(published, whole=found.blocked is None)]
