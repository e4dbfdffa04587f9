"""The decisions about the rotation: bring what is pending into the chain, by the present list. Pure."""

from __future__ import annotations

from datetime import datetime

from snapall.backup.actions import Draft, Policy, ReadVolume
from snapall.backup.decide_filer import (
    OTHERS,
    await_answers,
    differing,
    filer_busy,
    known_listings,
    read,
    say_once,
    sent_or_read,
    told,
)
from snapall.backup.decide_vms import seconds
from snapall.backup.facts import Fact, Failed, RotationEnded, Warned
from snapall.backup.model import Job
from snapall.backup.origins import origins, recall
from snapall.backup.phases import CommandPhase
from snapall.backup.record import Stage
from snapall.backup.rotation import Rotation, rotate
from snapall.backup.runstate import RunState
from snapall.errors import JournalError

BUSY_PAUSE = 15.0  # seconds between two looks at a snapshot that the filer holds


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
    if await_answers(state, now, Policy(), draft, Stage.ROTATE):
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
        say_once(state, draft, Warned("the rotation differs from the plan: it was planned anew from the present list"))
    draft.actions.append(sent_or_read(state, found.moves[0].step))


def _rotation_failure(state: RunState, since: int) -> Failed | None:
    hint = "the chain is left as it is now; the next run goes on from there"
    for one in state.commands.values():
        if one.call.owner == state.owner and one.changed > since and one.phase is CommandPhase.NOT_SEEN:
            return Failed(f"{told(one.step)} did not take effect: {one.call.why or 'no answer'}", hint)
    if state.differs:
        return Failed(differing(state), OTHERS)
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
