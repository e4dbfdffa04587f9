"""The decisions about looks at VMs: which ones, when, and until when this owner stays for them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from snapall.backup.actions import Draft, LookAtVms, Policy, Send
from snapall.backup.decide_vms import STOPPED_WAIT, STRAGGLERS, again_at, seconds
from snapall.backup.phases import VmPhase, VmState
from snapall.backup.record import Stage
from snapall.backup.runstate import RunState

LONGEST_PAUSE = 30.0  # seconds between two looks while waiting


def look(state: RunState, stage: Stage, draft: Draft) -> None:
    """Ask the database about every VM that may have a snapshot of ours."""
    found = state.outstanding
    if not found:
        return
    programs = tuple(
        (one.create.n, one.create.child)
        for one in found
        if one.create is not None and one.ended is None and not one.create.in_flight
    )
    ssids = tuple(ssid for one in found for ssid in one.ids)
    moved = tuple(one.vm.id for one in found if one.tried and not one.removed)
    draft.actions.append(LookAtVms(stage, tuple(one.vm.id for one in found), ssids, programs, moved))


def look_after_release(state: RunState, now: datetime, policy: Policy, draft: Draft) -> None:
    """Look at once if a removal waits for it, else when no removal is under way or due, else with growing pauses."""
    found = state.outstanding
    stale = [one for one in found if not one.fresh]
    urgent = any(one.untried for one in stale)
    removing = any(one.in_flight for one in found) or any(isinstance(one, Send) for one in draft.actions)
    calm = stale and not removing
    retried = [one for one in found if one.removals and not one.removed and not one.in_flight]
    hurried = not removing or retried or any(not one.ids for one in found)  # something waits for what a look shows
    pause = min(2.0 ** min(state.looks, 9), LONGEST_PAUSE) if hurried else LONGEST_PAUSE
    next_look = None if state.looked_at is None else state.looked_at + seconds(pause)
    if urgent or calm or (stale and (next_look is None or now >= next_look)):
        look(state, Stage.LOCATE if urgent else Stage.RELEASE, draft)
        return
    if removing and not policy.wait and all(one.ids for one in found):
        return  # the next answer leads to a new decision
    ends = [until for one in found if (until := awaited_until(state, one, policy)) is not None]
    last = [until for until in ends if until <= now and (state.looked_at is None or state.looked_at < until)]
    ends = [until for until in ends if until > now]
    open_ = ends or any(not one.ids for one in found)  # as long as this owner stays, a snapshot may appear
    if last or (open_ and (next_look is None or now >= next_look)):
        look(state, Stage.RELEASE, draft)
    elif open_ and next_look is not None:
        draft.wait(min([next_look, *ends]), _why(found) if ends else "")


def unseen_at_the_end(state: RunState) -> bool:
    """Whether a run with nothing else to do must still ask for what is outstanding."""
    since = max([state.certified_version, *(one.changed for one in state.commands.values())])
    return any(one.looked < since for one in state.outstanding)


def _why(found: Sequence[VmState]) -> str:
    labels = ", ".join(one.vm.label for one in found)
    return f"{labels}: a snapshot may still appear or vanish"


def awaited_until(state: RunState, one: VmState, policy: Policy) -> datetime | None:
    """Until when this owner stays for a VM; None: it does not stay."""
    if policy.wait and state.stopped_at is not None:
        return None  # a signal ends a recover at once
    if not (policy.wait or one.removals or one.phase is VmPhase.ASKED):
        return None  # most VMs of a run, and this is asked after every answer
    pace = state.header.pace
    ends: list[datetime] = []
    if one.removed and policy.linger and (state.database is None or policy.wait):
        answers = [call.answered for call in one.removals if call.done and call.answered is not None]
        ends.append(max(answers) + seconds(pace.settle))
    elif policy.wait:
        ends += _settled_by(state, one)
    elif policy.backup and state.released_at is not None and one.phase is VmPhase.ASKED:
        ends.append(state.released_at + seconds(min(STRAGGLERS, pace.create_timeout)))
    if policy.linger:
        ends += [at for ssid in one.ids if one.removals and (at := again_at(state, one, ssid, policy)) is not None]
    if state.stopped_at is not None:
        ends = [min(at, state.stopped_at + seconds(STOPPED_WAIT)) for at in ends]
    return max(ends, default=None)


def _settled_by(state: RunState, one: VmState) -> list[datetime]:
    """When a create can no longer act: `settle` after its program ended, or should have ended."""
    pace = state.header.pace
    if one.ended is not None:
        since = max([one.ended, *(call.answered for call in one.removals if call.answered is not None)])
        return [since + seconds(pace.settle)]
    if one.create is None:
        return []
    return [one.create.sent + seconds(pace.create_timeout + pace.settle)]
