"""The decisions about the rotation: publish pending backups, by the current list. Pure."""

from __future__ import annotations

from datetime import datetime

from snapall.backup.actions import Draft, Policy, ReadVolume
from snapall.backup.decide_filer import (
    FOREIGN_RENAMES,
    await_answers,
    command_of,
    differing,
    filer_busy,
    known_listings,
    read,
    record_once,
    sent_or_read,
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

BUSY_PAUSE = 15.0  # seconds between two looks at a snapshot in use


def rotation(state: RunState, job: Job, since: int, began: datetime, now: datetime, draft: Draft) -> None:
    """Publish pending backups, by lists that were read at version `since` or later.

    Wait for snapshots in use up to `busy_wait` after `began`. What cannot be published stays pending for the next run.
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
    elif found.moves and state.broken:  # a rename that cannot be written down must not be sent
        failure = Failed(f"the rotation was not finished: {state.broken}", JournalError.ROOM, "SA-1303")
        draft.records += [failure, RotationEnded((), whole=False)]
    elif found.moves:
        _move(state, found, since, draft)
    else:
        draft.records += _rotated(state, job, found)


def _wait_for_it(state: RunState, job: Job, found: Rotation, began: datetime, now: datetime, draft: Draft) -> bool:
    """Whether to wait until a snapshot is no longer in use."""
    until = began + seconds(job.busy_wait)
    if now >= until or state.stopped_at is not None:
        return False
    look = ReadVolume(Stage.ROTATE, min(job.volumes, key=lambda volume: state.listings[volume].at))
    if state.believed:
        draft.actions.append(look)
    else:
        at = state.listings[look.volume].at + seconds(BUSY_PAUSE)
        draft.read_at(at, look, now, until, str(found.blocked))
    return True


def _move(state: RunState, found: Rotation, since: int, draft: Draft) -> None:
    mine = [one for one in state.commands.values() if one.call.owner == state.owner and one.changed > since]
    planned = state.surveyed.moves if state.surveyed is not None else ()
    if not mine and not state.takeovers and planned and found.steps != planned:
        record_once(
            state,
            draft,
            Warned("the rotation differs from the plan: it was planned again from the current list", code="SA-1304"),
        )
    draft.actions.append(sent_or_read(state, found.moves[0].step))


def _rotation_failure(state: RunState, since: int) -> Failed | None:
    hint = "fix that on the filer; the retained backups stay as they are now, and the next run continues from there"
    for one in state.commands.values():
        if one.call.owner == state.owner and one.changed > since and one.phase is CommandPhase.FAILED:
            return Failed(f"{command_of(one.step)} did not take effect: {one.call.why or 'no answer'}", hint, "SA-1305")
    if state.differs:
        return Failed(differing(state), FOREIGN_RENAMES, "SA-1301")
    for silent in state.filer.values():
        return Failed(f"the rotation was not finished: {silent.why}", silent.hint or hint, "SA-1302")
    return None


def _rotated(state: RunState, job: Job, found: Rotation) -> list[Fact]:
    published = tuple(
        dict.fromkeys(one.run for one in origins(state) if one.volume in job.volumes and not one.temporary)
    )
    records: list[Fact] = []
    certified, surveyed = state.certified, state.surveyed
    if certified is not None and surveyed is not None and not state.takeovers and certified.grade < job.publish:
        text = f"{surveyed.capture} stays pending: fewer VMs were quiesced than `publish` requires"
        records.append(Failed(text, "run `snapall show` to see why; the next confirmed backup replaces it", "SA-1306"))
    if found.blocked is not None:
        text = f"{', '.join(found.waiting)} is not published yet: {found.blocked}"
        records.append(Failed(text, "end what uses it (`snap list` shows it); the next run tries again", "SA-1307"))
    return [*records, RotationEnded(published, whole=found.blocked is None)]
