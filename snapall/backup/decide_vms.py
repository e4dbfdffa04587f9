"""The decisions about VMs: who is asked for, who is released and when, what is looked for. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from snapall.backup.actions import Draft, LookAtVms, Policy, Send
from snapall.backup.facts import Failed, LeftOut
from snapall.backup.phases import Call, VmPhase, VmState
from snapall.backup.record import Stage
from snapall.backup.runstate import RunState
from snapall.backup.steps import Done, Quiesce, Refusal, Release, Unknown

LONGEST_PAUSE = 60.0  # seconds between two attempts to remove one snapshot, after 0, 1, 2, 4 and so on
BUSY = 960.0
"""Seconds for a removal that another task stands in the way of: VirtualCenter gives its own tasks up after 900, so by
then only one is left that goes on for hours, a removal or a copy, and it is no use to stay."""
TRIES = 3  # for any other reason: a run has its rotation to do, and `recover` comes after it
LONGEST_LOOK = 30.0  # seconds between two looks while waiting
STRAGGLERS = 30.0  # seconds for a create that is still under way when all else is done
STOPPED_WAIT = 30.0  # seconds that a stopped run still waits: for rows to vanish, or for another task to end
LOGIN_PAUSE = 10.0  # seconds between two removals while VirtualCenter refuses the login


def seconds(count: float) -> timedelta:
    """So many seconds."""
    return timedelta(seconds=count)


# Creates


def creates_until(state: RunState) -> datetime | None:
    """When `max_quiesced` is over; None: nothing is quiesced yet."""
    return None if state.quiesced_at is None else state.quiesced_at + seconds(state.header.job.max_quiesced)


def quiesce(state: RunState, now: datetime, draft: Draft) -> None:
    """Ask for the planned VMs, a few at a time, until `max_quiesced` is over or VirtualCenter refuses the login."""
    planned = [one for one in state.vms.values() if one.phase is VmPhase.PLANNED]
    until = creates_until(state)
    if until is not None:
        draft.wait(until)
    if state.login and (planned or not any(state.login in one.text for one in state.messages)):
        draft.records += [LeftOut(one.vm.id, f"it was not asked for after this: {state.login}") for one in planned]
        draft.records.append(_no_more_creates(state))
        return
    if not planned or (until is not None and now >= until):
        return
    free = state.header.pace.parallel - sum(one.phase is VmPhase.ASKED for one in state.vms.values())
    name = state.header.job.vm_snapshot_of(state.header.mark)
    draft.actions += [Send(Stage.QUIESCE, Quiesce(one.vm, name)) for one in planned[: max(0, free)]]


def _no_more_creates(state: RunState) -> Failed:
    """Each further one would be refused as well, and a login that is refused often enough is locked."""
    remedy = "fix that, then run `snapall doctor`, which tries it without a snapshot"
    if state.login_refused_at is not None:
        remedy = (
            "check `user` and `password` in [vcenter], or VCB's config.js where these are left out, and whether the "
            "account is locked; then run `snapall doctor`"
        )
    return Failed(f"no further VM is quiesced: {state.login}", remedy)


def creates_over(state: RunState, now: datetime) -> bool:
    """Whether no create is awaited any more."""
    until = creates_until(state)
    if until is not None and now >= until:
        return True
    return not any(one.phase in {VmPhase.PLANNED, VmPhase.ASKED} for one in state.vms.values())


def overdue(state: RunState) -> Failed:
    """What is said when `max_quiesced` is over and not every VM has answered."""
    return Failed(
        f"{state.header.job.max_quiesced:g} s since the first quiesce: the capture is taken without the other VMs",
        "check max_quiesced, and why vcbsnapshot takes so long",
    )


# Releases


def release(state: RunState, now: datetime, policy: Policy, draft: Draft) -> None:
    """Remove what is ours, each VM by itself and at once; only the first ones share the places."""
    found = [one for one in _in_order(state) if one.outstanding and not one.in_flight]
    due = [(one, ssid) for one in found if (ssid := _due(state, one, now, policy, draft)) is not None]
    refused = state.login_refused_at
    if due and refused is not None and now < refused + seconds(LOGIN_PAUSE):
        draft.wait(refused + seconds(LOGIN_PAUSE), "VirtualCenter refuses the login: the removals go on one at a time")
        draft.busy = draft.busy or policy.linger
        return
    due.sort(key=lambda pair: len(pair[0].removals))  # each has its turn before one has its second
    late = {one.vm.id for one in state.vms.values() if refused is None and _late(state, one)}
    places = 1 if refused is not None else state.header.pace.parallel
    under_way = [one.vm.id in late for one in state.vms.values() if one.in_flight]
    free = {apart: places - under_way.count(apart) for apart in (False, True)}
    for one, ssid in due:
        if free[one.vm.id in late] > 0:
            draft.actions.append(Send(Stage.RELEASE, Release(one.vm, ssid)))
            free[one.vm.id in late] -= 1
        else:
            draft.busy = True


def _in_order(state: RunState) -> list[VmState]:
    order = state.surveyed.removals if state.surveyed is not None else ()
    places = {vm: place for place, vm in enumerate(order)}
    return sorted(state.vms.values(), key=lambda one: places.get(one.vm.id, -1)) if places else list(state.vms.values())


def _late(state: RunState, one: VmState) -> bool:
    """Whether the VM became releasable only after the release had begun: such VMs have places of their own.

    Of a run that died before its release, it begins with the takeover.
    """
    began = state.released_at or next((at for at, _ in state.takeovers), None)
    return began is not None and one.known is not None and one.known > began


def _due(state: RunState, one: VmState, now: datetime, policy: Policy, draft: Draft) -> str | None:
    """The id to remove now, if any."""
    for ssid in one.ids:
        calls = one.removals_of(ssid)
        if not calls:
            if _checked(state, one, now, draft):
                return ssid
        elif (at := again_at(state, one, ssid, policy)) is not None:
            if at <= now:
                return ssid
            draft.wait(at, f"{one.vm.label}: {_trouble(calls[-1])} is tried again")
    return None


def _checked(state: RunState, one: VmState, now: datetime, draft: Draft) -> bool:
    """Whether nothing contradicts a printed id: the database was asked since it was printed, or cannot be asked."""
    if one.fresh or state.database is not None:
        return True
    began = max((at for at in (state.released_at, one.ended) if at is not None), default=now)
    until = began + seconds(min(STRAGGLERS, state.header.pace.filer_timeout))
    draft.wait(until)
    return now >= until


def again_at(state: RunState, one: VmState, ssid: str, policy: Policy) -> datetime | None:
    """When a removal that did not work may be sent again; None: it may not.

    It is sent again only while its snapshot is listed, where the database cannot be asked, or where it was never sent.
    """
    calls = one.removals_of(ssid)
    if not calls:
        return None
    mine = [call for call in calls if call.owner == state.owner]
    shown = ssid in one.listed_ids if one.fresh else False
    sent = any(not isinstance(call.outcome, Refusal) for call in calls)
    if sent and not shown and state.database is None:
        return None
    if not mine:  # an earlier owner's answer, or none at all
        return None if one.removed and not shown else calls[-1].sent
    return _after_failure(state, mine, policy)


def _after_failure(state: RunState, mine: list[Call], policy: Policy) -> datetime | None:
    last = mine[-1]
    if last.answered is None or not _failed(last):
        return None
    if state.login_refused_at is None:  # a login that works again gives what it kept from us another try
        mine = [call for call in mine if not _login(call)]
        if not mine:
            return last.answered
    busy = _hindered(last)
    pause = min(2.0 ** (len(mine) - 2), LONGEST_PAUSE) if len(mine) > 1 else 0.0
    at = last.answered + seconds(pause)
    since = next(call.answered for call in mine if call.answered is not None)
    patience = state.header.pace.settle if policy.wait else 0.0
    limit = since + seconds(max(patience, BUSY if busy else 0.0))
    if state.stopped_at is not None:
        limit = min(limit, state.stopped_at + seconds(STOPPED_WAIT))
    return at if at <= limit or (not busy and len(mine) < TRIES) else None


def retried_soon(state: RunState, policy: Policy) -> bool:
    """Whether a removal that failed quickly is sent again within a second, or a look decides that; rotation waits."""
    return state.login_refused_at is None and any(_retried_soon(state, one, policy) for one in state.outstanding)


def _retried_soon(state: RunState, one: VmState, policy: Policy) -> bool:
    mine = [call for call in one.removals if call.owner == state.owner]
    quick = all(call.seconds is not None and call.seconds <= STRAGGLERS for call in mine)
    if not mine or not quick or not _failed(mine[-1]) or _hindered(mine[-1]) or len(mine) >= TRIES:
        return False
    looked = one.fresh or state.database is not None
    return not looked or any(again_at(state, one, ssid, policy) is not None for ssid in one.ids)


def _failed(call: Call) -> bool:
    """Whether a removal did not work; "already deleted" may mean that the snapshot is not completely created."""
    match call.outcome:
        case Done(already=already):
            return already
        case Refusal() | Unknown():
            return True
        case None:
            return False


def _trouble(call: Call) -> str:
    return "another task is in the way of the removal, which" if _hindered(call) else "the removal did not work, and"


def _login(call: Call) -> bool:
    return isinstance(call.outcome, Unknown) and call.outcome.login


def _hindered(call: Call) -> bool:
    match call.outcome:
        case Unknown(busy=busy):
            return busy
        case Done(already=already):
            return already
        case Refusal() | None:
            return False


# Looks


def look(state: RunState, stage: Stage, draft: Draft) -> None:
    """Ask the database about every VM that a snapshot of ours may be on."""
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
    """Look at once where a removal waits for it, else when the removals are over, else with growing pauses."""
    found = state.outstanding
    stale = [one for one in found if not one.fresh]
    pause = min(2.0 ** min(state.looks, 9), LONGEST_LOOK)
    next_look = None if state.looked_at is None else state.looked_at + seconds(pause)
    urgent = any(not one.removals_of(ssid) for one in stale for ssid in one.ids)
    calm = stale and not any(one.in_flight for one in found)
    if urgent or calm or (stale and (next_look is None or now >= next_look)):
        look(state, Stage.LOCATE if urgent else Stage.RELEASE, draft)
        return
    ends = [until for one in found if (until := awaited_until(state, one, policy)) is not None]
    last = [until for until in ends if until <= now and (state.looked_at is None or state.looked_at < until)]
    ends = [until for until in ends if until > now]
    open_ = ends or any(not one.ids for one in found)  # as long as this owner is there, it looks for what may appear
    if last or (open_ and (next_look is None or now >= next_look)):
        look(state, Stage.RELEASE, draft)
    elif open_ and next_look is not None:
        draft.wait(min([next_look, *ends]), _why(state) if ends else "")
        for at in ends:
            draft.wait(at, _why(state))


def unseen_at_the_end(state: RunState) -> bool:
    """Whether a run that has nothing else to do has not yet asked once more for what is outstanding."""
    since = max([state.certified_version, *(one.changed for one in state.commands.values())])
    return any(one.looked < since for one in state.outstanding)


def _why(state: RunState) -> str:
    labels = ", ".join(one.vm.label for one in state.outstanding)
    return f"{labels}: a snapshot may still appear or vanish"


def awaited_until(state: RunState, one: VmState, policy: Policy) -> datetime | None:
    """Until when this owner stays for a VM; None: it does not."""
    pace = state.header.pace
    settle = seconds(pace.settle)
    if policy.wait and state.stopped_at is not None:
        return None  # a signal ends a recover at once
    ends: list[datetime] = []
    if one.removed and policy.linger and (state.database is None or policy.wait):
        answers = [call.answered for call in one.removals if call.done and call.answered is not None]
        ends.append(max(answers) + settle)
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
    """When a create can act no more: `settle` after its program was seen to end, or after it should have ended."""
    pace = state.header.pace
    if one.ended is not None:
        since = max([one.ended, *(call.answered for call in one.removals if call.answered is not None)])
        return [since + seconds(pace.settle)]
    if one.create is None:
        return []
    return [one.create.sent + seconds(pace.create_timeout + pace.settle)]
