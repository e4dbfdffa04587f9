"""The decisions about the filer: capture and confirm, settle what was not answered, take back, rotate. Pure.

A filer is asked one thing at a time, and no name moves while a command that mentions it may still act.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from snapall.backup.actions import Draft, Policy, ReadVolume, Send
from snapall.backup.decide_vms import seconds
from snapall.backup.facts import Failed, RenamedBack, Warned
from snapall.backup.looks import acts_until
from snapall.backup.model import FilerSnapshot, Job
from snapall.backup.phases import Call, CaptureState, CommandPhase, CommandState
from snapall.backup.record import Stage
from snapall.backup.rotation import Listings
from snapall.backup.runstate import RunState
from snapall.backup.steps import Capture, Delete, Rename, Step

OTHERS = "check `snap list`: is something else renaming there?"
SETTLE_PAUSE = 5.0  # seconds between two looks for what a command without an answer did


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


# In messages


def differing(state: RunState) -> str:
    """Which names a volume lists instead of those that the answers said."""
    volume = sorted(state.differs)[0]
    rows = state.listings[volume].rows
    listed = ", ".join(f"{row.name} of {row.date}" for row in rows if row.name in state.header.job.chain) or "empty"
    return f"the chain on {volume} is not as the filer's answers said: {listed}"


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
    if await_answers(state, now, policy, draft, Stage.SETTLE):
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
        await_answers(state, now, policy, draft, Stage.CONFIRM)


def await_answers(state: RunState, now: datetime, policy: Policy, draft: Draft, stage: Stage) -> bool:
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
        tried = last_of(state, Delete(one.volume, one.name))
        if tried is not None:
            if not read(state, one.volume, tried.changed):
                draft.actions.append(ReadVolume(Stage.SETTLE, one.volume))
                return
            say_once(state, draft, _part(one, tried.call.why or "the list still shows it"))
            continue
        row = next(row for row in state.listings[one.volume].rows if row.name == one.name)
        if row.tags:
            say_once(state, draft, _part(one, f"the filer holds it ({', '.join(row.tags)})"))
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
        tried = last_of(state, back)
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
        held = f"the filer holds it ({', '.join(named[back.old].tags)})" if tried is None else tried.call.why
        text = f"{back.old} on {back.volume} could not be renamed back to {back.new}"
        say_once(
            state, draft, Failed(f"{text}: {held or 'the list does not show it'}", "`snapall recover` tries again")
        )
        stuck.add(rename.volume)


def last_of(state: RunState, step: Step) -> CommandState | None:
    """This owner's last command of the kind."""
    found = (
        one for one in reversed(tuple(state.commands.values())) if one.step == step and one.call.owner == state.owner
    )
    return next(found, None)


def say_once(state: RunState, draft: Draft, message: Failed | Warned) -> None:
    """Say it once."""
    if message not in state.messages and message not in draft.records:
        draft.records.append(message)


# Rotation


def known_listings(state: RunState, job: Job) -> Listings:
    """The volumes' names as they are by the last list and the answers since; what the filer holds, as last listed."""
    return {
        volume: _held(state.believed.get(volume, state.listings[volume].rows), state.listings[volume].rows)
        for volume in job.volumes
    }


def _held(rows: tuple[FilerSnapshot, ...], listed: tuple[FilerSnapshot, ...]) -> tuple[FilerSnapshot, ...]:
    """The rows with the tags of the last list: a snapshot keeps its date when it is renamed."""
    tags = {row.date: row.tags for row in listed}
    return tuple(replace(row, tags=tags.get(row.date, ())) for row in rows)


def all_read(state: RunState, job: Job) -> bool:
    """Whether every volume was listed since the last answer that changed a name."""
    return not state.believed and all(volume in state.listings for volume in job.volumes)


def sent_or_read(state: RunState, step: Rename | Delete) -> Send | ReadVolume:
    """The next step of a rotation. Nothing is deleted on the strength of answers alone: the names are read back first.

    A second backup is published in the same rotation, say: had the renames of the first one done nothing, a backup
    would go from a chain that is not whole.
    """
    if isinstance(step, Delete) and step.volume in state.believed:
        return ReadVolume(Stage.ROTATE, step.volume)
    return Send(Stage.ROTATE, step)
