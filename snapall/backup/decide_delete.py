"""The decisions about a kept backup that the operator wants deleted: on every volume, or nowhere. Pure."""

from __future__ import annotations

from snapall.backup.actions import Draft, ReadVolume, Send
from snapall.backup.decide_filer import filer_busy, record_once
from snapall.backup.facts import Failed
from snapall.backup.outcome import Origin
from snapall.backup.phases import CommandPhase
from snapall.backup.record import Stage
from snapall.backup.runstate import RunState
from snapall.backup.steps import Delete

_GOOD = {CommandPhase.ANSWERED, CommandPhase.CONFIRMED}


def doomed(state: RunState) -> tuple[Origin, ...]:
    """The snapshots to delete, one for each volume: those of `run --keep` under the name that the header gives."""
    known = state.surveyed.origins if state.surveyed is not None else ()
    return tuple(one for one in known if one.kept and one.name == state.header.delete)


def delete(state: RunState, draft: Draft) -> None:
    """Read the list of every volume, delete by name and date, and read the lists back.

    Nothing is deleted if a list contradicts the journal, or the filer tags one of the snapshots; nothing more after a
    deletion that failed.
    """
    if filer_busy(state) or state.unsettled or state.filer:
        return
    every, sent = doomed(state), {one.step for one in state.commands.values()}
    for one in every:
        if one.volume not in state.listings:
            draft.actions.append(ReadVolume(Stage.ROTATE, one.volume))
            return
    if not sent and (state.stopped_at is not None or _refused(state, every, draft)):
        return
    step = next((step for step in (Delete(one.volume, one.name) for one in every) if step not in sent), None)
    if step is not None and all(one.phase in _GOOD for one in state.commands.values()):
        draft.actions.append(Send(Stage.ROTATE, step))
    elif state.believed:
        draft.actions.append(ReadVolume(Stage.ROTATE, next(iter(state.believed))))


def _refused(state: RunState, every: tuple[Origin, ...], draft: Draft) -> bool:
    """Whether a snapshot is not the one that was kept, or is in use; the draft says why."""
    for one in every:
        row = next((row for row in state.listings[one.volume].rows if row.name == one.name), None)
        if row is None or row.date != one.date:
            found = "no longer there" if row is None else f"another snapshot now, dated {row.date}"
            text = f"{one.name} on {one.volume} is {found}: nothing was deleted"
            record_once(state, draft, Failed(text, "run `snapall list --kept` to see what there is now", "SA-1428"))
            return True
        if row.tags:
            text = f"{one.name} on {one.volume} is in use on the filer ({', '.join(row.tags)}): nothing was deleted"
            remedy = "end what uses it (a clone, a LUN clone, a SnapMirror transfer, a dump), then delete it again"
            record_once(state, draft, Failed(text, remedy, "SA-1429"))
            return True
    return False
