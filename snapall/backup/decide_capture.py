"""The decisions about the capture: make room where the batch did, create, read back. Pure."""

from __future__ import annotations

from datetime import datetime

from snapall.backup.actions import Draft, Policy, ReadVolume, Send
from snapall.backup.decide_filer import (
    FOREIGN_RENAMES,
    all_read,
    await_answers,
    command_of,
    differing,
    filer_busy,
    known_listings,
    read,
    sent_or_read,
)
from snapall.backup.facts import Failed
from snapall.backup.model import Order
from snapall.backup.origins import origins, recall
from snapall.backup.phases import CapturePhase, CaptureState, CommandPhase
from snapall.backup.record import Stage
from snapall.backup.rotation import Rotation, make_room
from snapall.backup.runstate import RunState
from snapall.backup.steps import Capture

MOST_CREATES = 2  # a `snap create` that got no answer and is not listed is sent once more


def room_wanted(state: RunState) -> bool:
    """Whether the batch's rotation comes first: only if the capture gets the newest name of the chain."""
    surveyed = state.surveyed
    return surveyed is not None and surveyed.capture == state.header.job.newest and not state.header.keep


def room_made(state: RunState) -> bool:
    """Whether the names are vacant, and read back."""
    return (
        not room_wanted(state) or (state.captured_at is not None) or (_room_failure(state) is None and _stands(state))
    )


def _stands(state: RunState) -> bool:
    if not all_read(state, state.header.job):
        return False
    found = _room(state)
    return not found.moves and found.blocked is None


def _room(state: RunState) -> Rotation:
    """The rotation before the capture, by the names as far as they are known."""
    job = state.header.job
    listings = known_listings(state, job)
    return make_room(job, listings, recall(job, origins(state), listings).pending)


def room_failed(state: RunState) -> Failed | None:
    """Why the rotation before the capture cannot be finished; None: it can."""
    if not room_wanted(state) or state.captured_at is not None:
        return None
    return _room_failure(state)


def _room_failure(state: RunState) -> Failed | None:
    if state.differs:
        return Failed(f"{differing(state)}; nothing was captured", FOREIGN_RENAMES, "SA-1201")
    for one in state.commands.values():
        if one.phase is CommandPhase.FAILED:
            return Failed(
                f"{command_of(one.step)} failed, so nothing was captured: {one.call.why}",
                "check with `snap list` what blocks it; the next run tries again",
                "SA-1202",
            )
    for silent in state.filer.values():
        return Failed(f"{silent.why}: nothing was captured", silent.hint, "SA-1203")
    if all_read(state, state.header.job) and (blocked := _room(state).blocked) is not None:
        return Failed(
            f"{blocked}: nothing was captured", "the next run tries again; `snap list` shows what uses it", "SA-1204"
        )
    return None


def make_way(state: RunState, now: datetime, draft: Draft) -> None:
    """Send the next command of the batch's rotation, or read back what the answers say."""
    job = state.header.job
    if await_answers(state, now, Policy(), draft, Stage.ROTATE):
        return
    missing = [volume for volume in job.volumes if volume not in state.listings]
    if missing:
        draft.actions.append(ReadVolume(Stage.ROTATE, missing[0]))
        return
    moves = _room(state).moves
    if moves:
        draft.actions.append(sent_or_read(state, moves[0].step))
    elif state.believed:
        draft.actions.append(ReadVolume(Stage.ROTATE, next(iter(state.believed))))


def capture(state: RunState, draft: Draft) -> None:
    """Create the snapshot of every volume, one after the other, then read back each."""
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
    """Why there will be no capture; None: there still may be one."""
    kept = "the retained backups are unchanged"
    if state.header.job.order is Order.PAPER:  # what it deleted to make room is lost
        kept = "the renamed backups get their names back; in paper order the oldest backup may be lost"
    for silent in state.filer.values():
        if state.captured_at is not None:
            return Failed(f"it is unknown whether the backup was taken: {silent.why}", silent.hint or kept, "SA-1208")
    for one in state.captures.values():
        if one.phase is CapturePhase.ABSENT or _lost_twice(state, one):
            why = next((call.why for call in reversed(one.calls) if call.why), "")
            if why:
                text = f"{command_of(Capture(one.volume, one.name))} failed: {why}"
                return Failed(text, f"fix that on the filer, then run `snapall run` again; {kept}", "SA-1206")
            return Failed(
                f"`snap create` was sent, but {one.name} is not listed on {one.volume}",
                f"check the filer's messages, its free space (`df`) and its `snap autodelete`; {kept}",
                "SA-1207",
            )
    return None


def _lost_twice(state: RunState, one: CaptureState) -> bool:
    missing = one.phase in {CapturePhase.SILENT, CapturePhase.ANSWERED} and len(one.calls) >= MOST_CREATES
    return missing and read(state, one.volume, one.changed)
