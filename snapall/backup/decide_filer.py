"""The decisions about the filer: settle unanswered commands, delete parts of a backup, rename the chain back. Pure.

A filer gets one command at a time, and no name moves while a command that mentions it may still act.
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

FOREIGN_RENAMES = (
    "check whether the old batch, or another snapall, is still scheduled; `snap list` shows the present names"
)
SETTLE_PAUSE = 5.0  # seconds between two looks for the effect of a command without an answer


def filer_busy(state: RunState) -> bool:
    """Whether a command of this owner is under way on the filer."""
    captures = any(call.in_flight for one in state.captures.values() for call in one.calls)
    return captures or any(one.call.in_flight for one in state.commands.values())


def left_unsettled(state: RunState) -> bool:
    """Whether a command of an earlier owner may still act; the rotation reads back those of this owner."""
    calls = [*(one.call for one in state.unsettled), *(call for one in state.doubled for call in one.silent_calls)]
    return any(call.owner < state.owner for call in calls)


def read(state: RunState, volume: str, since: int) -> bool:
    """Whether a look at the volume began at this version of the state or later."""
    known = state.listings.get(volume)
    return known is not None and known.version >= since


# In messages


def differing(state: RunState) -> str:
    """Which names a volume lists, contrary to the answers."""
    volume = sorted(state.differs)[0]
    rows = state.listings[volume].rows
    listed = ", ".join(f"{row.name} of {row.date}" for row in rows if row.name in state.header.job.chain) or "empty"
    return f"`snap list` of {volume} contradicts the filer's answers: {listed}"


def command_of(step: Step) -> str:
    """A filer command, as messages show it."""
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
    """Find out what exists; delete parts of a backup; rename back what made room for none."""
    if filer_busy(state) or not state.filer_outstanding or state.filer:  # a silent filer is left to the next owner
        return
    if await_answers(state, now, policy, draft, Stage.SETTLE) or state.unsure:
        return
    _delete_parts(state, draft)
    if not draft.actions and not state.parts:
        _rename_back(state, draft)
    if not draft.actions and not draft.records and state.unsettled and state.believed:
        draft.actions.append(ReadVolume(Stage.SETTLE, next(iter(state.believed))))


def find_out(state: RunState, now: datetime, policy: Policy, draft: Draft) -> None:
    """Only look: nothing is taken back before the certificate has judged it."""
    if not filer_busy(state) and not state.filer:
        await_answers(state, now, policy, draft, Stage.CONFIRM)


def await_answers(state: RunState, now: datetime, policy: Policy, draft: Draft, stage: Stage) -> bool:
    """Whether something on the filer may still act, or needs a look first; the draft has the next look."""
    found: list[CaptureState | CommandState] = [*state.unsure, *state.doubled, *state.unsettled]
    waiting = False
    for one in found:
        volume, calls = _may_act(one)
        if isinstance(one, CommandState) and one.phase is CommandPhase.ANSWERED and volume in state.believed:
            continue  # the other names are read back with it
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
        if policy.patient and (state.stopped_at is None or stage is Stage.ROTATE):  # a rotation is finished
            why = f"no answer to `{command_of(calls[-1].step)}`, which may still take effect"
            at = state.listings[volume].at + seconds(SETTLE_PAUSE)
            draft.read_at(at, ReadVolume(stage, volume), now, until, why)
    return waiting


def _may_act(one: CaptureState | CommandState) -> tuple[str, tuple[Call, ...]]:
    match one:
        case CaptureState(volume=volume):
            return volume, one.silent_calls
        case CommandState(call=call):
            return one.step.volume, (call,)


def _delete_parts(state: RunState, draft: Draft) -> None:
    """Delete a part of a backup. Name and date must match: in paper order a later run may use the same name."""
    for one in state.parts:
        if not read(state, one.volume, one.changed):
            draft.actions.append(ReadVolume(Stage.SETTLE, one.volume))
            return
        tried = _last_of(state, Delete(one.volume, one.name))
        if tried is not None:
            if not read(state, one.volume, tried.changed):
                draft.actions.append(ReadVolume(Stage.SETTLE, one.volume))
                return
            record_once(state, draft, _part(one, tried.call.why or "it is still listed"))
            continue
        row = next(row for row in state.listings[one.volume].rows if row.name == one.name)
        if row.tags:
            record_once(state, draft, _part(one, _in_use(row)))
            continue
        draft.actions.append(Send(Stage.SETTLE, Delete(one.volume, one.name)))
        return


def _part(one: CaptureState, why: str) -> Warned:
    text = f"{one.name} on {one.volume} is part of an incomplete backup and could not be deleted: {why}"
    return Warned(text, "`snapall recover` tries again", "SA-1210")


def _rename_back(state: RunState, draft: Draft) -> None:
    """Rename the chain back, one name after the other, as far as the list allows; read back each."""
    stuck: set[str] = set()
    for rename in state.room:
        if rename.volume in stuck:
            continue
        back = Rename(rename.volume, rename.new, rename.old)
        tried = _last_of(state, back)
        since = max((one.changed for one in state.commands.values() if one.step.volume == rename.volume), default=0)
        if not read(state, rename.volume, since):
            draft.actions.append(ReadVolume(Stage.SETTLE, rename.volume))
            return
        named = {row.name: row for row in state.listings[rename.volume].rows}
        if rename.new not in named or rename.old in named:
            # Once is enough: by the next look, a later run may have renamed other snapshots to these names.
            draft.records.append(RenamedBack(rename))
            return
        if tried is None and not named[back.old].tags:
            draft.actions.append(Send(Stage.SETTLE, back))
            return
        why = _in_use(named[back.old]) if tried is None else tried.call.why or "it kept its name"
        text = f"{back.old} on {back.volume} could not be renamed back to {back.new}: {why}"
        record_once(state, draft, Failed(text, "`snapall recover` tries again", "SA-1209"))
        stuck.add(rename.volume)


def _in_use(row: FilerSnapshot) -> str:
    return f"it is in use on the filer ({', '.join(row.tags)})"


def _last_of(state: RunState, step: Step) -> CommandState | None:
    """The last time that this owner sent this command."""
    mine = [one for one in state.commands.values() if one.step == step and one.call.owner == state.owner]
    return mine[-1] if mine else None


def record_once(state: RunState, draft: Draft, message: Failed | Warned) -> None:
    """Record a message unless it is recorded already."""
    if message not in state.messages and message not in draft.records:
        draft.records.append(message)


# Rotation


def known_listings(state: RunState, job: Job) -> Listings:
    """The volumes' names by their last listing and the answers since; tags as last listed."""
    return {
        volume: _tagged(state.believed.get(volume, state.listings[volume].rows), state.listings[volume].rows)
        for volume in job.volumes
    }


def _tagged(rows: tuple[FilerSnapshot, ...], listed: tuple[FilerSnapshot, ...]) -> tuple[FilerSnapshot, ...]:
    """The rows with the tags of the last listing, by name and date: several snapshots may be of one minute.

    One that was renamed since keeps its date, and has the tags of any that the listing still calls otherwise.
    """
    tags = {(row.name, row.date): row.tags for row in listed}
    here = {(row.name, row.date) for row in rows}
    renamed = {date: found for (name, date), found in tags.items() if found and (name, date) not in here}
    return tuple(replace(row, tags=tags.get((row.name, row.date), renamed.get(row.date, ()))) for row in rows)


def all_read(state: RunState, job: Job) -> bool:
    """Whether every volume was listed since the last answer that changed a name."""
    return not state.believed and all(volume in state.listings for volume in job.volumes)


def sent_or_read(state: RunState, step: Rename | Delete) -> Send | ReadVolume:
    """The next step of a rotation. Before a deletion the names are read back: answers alone are not enough.

    If a rotation publishes two backups and the renames of the first had no effect, the deletion for the second would
    take a backup from an incomplete chain.
    """
    if isinstance(step, Delete) and step.volume in state.believed:
        return ReadVolume(Stage.ROTATE, step.volume)
    return Send(Stage.ROTATE, step)
