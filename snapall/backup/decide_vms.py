"""The decisions about VMs: which ones to quiesce, which ones to release, and when. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from snapall.backup.actions import Draft, Policy, Send
from snapall.backup.facts import Failed, LeftOut
from snapall.backup.phases import Call, VmPhase, VmState
from snapall.backup.record import Stage
from snapall.backup.runstate import RunState
from snapall.backup.steps import Done, Quiesce, Refusal, Release, Unknown

LONGEST_PAUSE = 60.0  # seconds between two attempts to remove one snapshot, after 0, 1, 2, 4 and so on
BUSY = 960.0
"""Seconds for a removal that another task blocks: VirtualCenter gives up its own tasks after 900. What still blocks it
then is a removal or a copy that takes hours, and staying is pointless."""
TRIES = 3  # for any other reason: a run must get on with its rotation, and `recover` tries again later
STRAGGLERS = 30.0  # seconds for a create that is still under way when all else is done
STOPPED_WAIT = 30.0  # seconds that a stopped run still waits: for rows to vanish, or for another task to end
LOGIN_PAUSE = 10.0  # seconds between two removals while VirtualCenter refuses the login


def seconds(count: float) -> timedelta:
    """So many seconds."""
    return timedelta(seconds=count)


# Creates


def creates_until(state: RunState) -> datetime | None:
    """When `max_quiesced` is over; None: no quiesce has begun."""
    return None if state.quiesced_at is None else state.quiesced_at + seconds(state.header.job.max_quiesced)


def quiesce(state: RunState, now: datetime, draft: Draft) -> None:
    """Quiesce the planned VMs, a few at a time, until `max_quiesced` is over or VirtualCenter refuses the login."""
    planned = [one for one in state.vms.values() if one.phase is VmPhase.PLANNED]
    until = creates_until(state)
    if until is not None:
        draft.wait(until)
    if state.login and (planned or not any(state.login in one.text for one in state.messages)):
        draft.records += [LeftOut(one.vm.id, f"it was not tried after this: {state.login}") for one in planned]
        draft.records.append(_no_more_creates(state))
        return
    if not planned or (until is not None and now >= until):
        return
    places = state.header.pace.parallel - sum(one.phase is VmPhase.ASKED for one in state.vms.values())
    name = state.header.job.vm_snapshot_of(state.header.mark)
    draft.actions += [Send(Stage.QUIESCE, Quiesce(one.vm, name)) for one in planned[: max(0, places)]]


def _no_more_creates(state: RunState) -> Failed:
    """Every other create would be refused, too, and too many refused logins lock the account."""
    remedy = "fix that, then run `snapall doctor`, which tries the login without a snapshot"
    if state.login_refused_at is not None:
        remedy = (
            "check `user` and `password` in [vcenter], or VCB's config.js where these are left out, and whether the "
            "account is locked; then run `snapall doctor`"
        )
    return Failed(f"no further VM is quiesced: {state.login}", remedy, "SA-1102")


def creates_over(state: RunState, now: datetime) -> bool:
    """Whether the run waits for no create any more."""
    until = creates_until(state)
    if until is not None and now >= until:
        return True
    return not any(one.phase in {VmPhase.PLANNED, VmPhase.ASKED} for one in state.vms.values())


def overdue(state: RunState) -> Failed:
    """The failure when `max_quiesced` is over before every VM has answered."""
    return Failed(
        f"{state.header.job.max_quiesced:g} s since the first quiesce: the capture is taken without the other VMs",
        "check max_quiesced, and why vcbsnapshot takes so long",
        "SA-1103",
    )


# Releases


def release(state: RunState, now: datetime, policy: Policy, draft: Draft) -> None:
    """Remove our snapshots, each as soon as it can be. VMs that turn up late have places of their own."""
    refused = state.login_refused_at
    pause = None if refused is None else refused + seconds(LOGIN_PAUSE)
    late = _late(state) if refused is None else frozenset[int]()
    under_way = [one.vm.id in late for one in state.vms.values() if one.in_flight]
    places = 1 if refused is not None else state.header.pace.parallel
    left = {is_late: places - under_way.count(is_late) for is_late in (False, True)}
    waiting = [one for one in _in_order(state) if not one.in_flight and left[one.vm.id in late] > 0]
    for one in sorted(waiting, key=lambda one: len(one.removals)):  # every VM has its first turn before a second one
        is_late = one.vm.id in late
        if left[is_late] <= 0 or (ssid := _due(state, one, now, policy, draft)) is None:
            continue
        if pause is not None and now < pause:
            draft.wait(pause, "VirtualCenter refuses the login: the removals go on one at a time")
            draft.busy |= policy.linger
            return
        draft.actions.append(Send(Stage.RELEASE, Release(one.vm, ssid)))
        left[is_late] -= 1


def _in_order(state: RunState) -> list[VmState]:
    """The outstanding VMs, in the order in which they are released."""
    order = state.surveyed.removals if state.surveyed is not None else ()
    if not order:
        return list(state.outstanding)
    unplaced = {one.vm.id: one for one in state.outstanding}
    placed = [one for vm in order if (one := unplaced.pop(vm, None)) is not None]
    return [*unplaced.values(), *placed]


def _late(state: RunState) -> frozenset[int]:
    """The VMs that could be released only after the release, or the takeover of a dead run, had begun."""
    began = state.released_at or next((at for at, _ in state.takeovers), None)
    if began is None:
        return frozenset()
    return frozenset(id_ for id_, one in state.vms.items() if one.known is not None and one.known > began)


def _due(state: RunState, one: VmState, now: datetime, policy: Policy, draft: Draft) -> str | None:
    """The id to remove now, if there is one."""
    for ssid in one.ids:
        calls = one.removals_of(ssid)
        if not calls:
            if _checked(state, one, now, draft):
                return ssid
        elif (at := again_at(state, one, ssid, policy)) is not None:
            if at <= now:
                return ssid
            draft.wait(at, f"{one.vm.label}: {_trouble(calls[-1])} is retried")
    return None


def _checked(state: RunState, one: VmState, now: datetime, draft: Draft) -> bool:
    """Whether nothing contradicts a printed id: the database was asked since, or cannot be asked."""
    if one.fresh or state.database is not None:
        return True
    began = max((at for at in (state.released_at, one.ended) if at is not None), default=now)
    until = began + seconds(min(STRAGGLERS, state.header.pace.filer_timeout))
    draft.wait(until)
    return now >= until


def again_at(state: RunState, one: VmState, ssid: str, policy: Policy) -> datetime | None:
    """When a removal that failed may be sent again; None: it may not.

    It may if the snapshot is still listed, if the database cannot be asked, or if it was never sent.
    """
    calls = one.removals_of(ssid)
    if not calls:
        return None
    mine = [call for call in calls if call.owner == state.owner]
    listed = one.fresh and ssid in one.listed_ids
    sent = any(not isinstance(call.outcome, Refusal) for call in calls)
    if sent and not listed and state.database is None:
        return None
    if not mine:  # an earlier owner's answer, or none at all
        return None if one.removed and not listed else calls[-1].sent
    return _after_failure(state, mine, policy)


def _after_failure(state: RunState, mine: list[Call], policy: Policy) -> datetime | None:
    last = mine[-1]
    if last.answered is None or not _failed(last):
        return None
    if state.login_refused_at is None:  # a login that works again earns another try
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
    """Whether a removal that failed quickly goes out again at once, or a look decides that. Rotation waits for it."""
    return state.login_refused_at is None and any(_retried_soon(state, one, policy) for one in state.outstanding)


def _retried_soon(state: RunState, one: VmState, policy: Policy) -> bool:
    mine = [call for call in one.removals if call.owner == state.owner]
    quick = all(call.seconds is not None and call.seconds <= STRAGGLERS for call in mine)
    if not mine or not quick or not _failed(mine[-1]) or _hindered(mine[-1]) or len(mine) >= TRIES:
        return False
    looked = one.fresh or state.database is not None
    return not looked or any(again_at(state, one, ssid, policy) is not None for ssid in one.ids)


def _failed(call: Call) -> bool:
    """Whether a removal failed; "already deleted" may mean that the snapshot is not completely created."""
    return call.outcome is not None and (not call.done or _hindered(call))


def _hindered(call: Call) -> bool:
    """Whether another task blocked the removal."""
    match call.outcome:
        case Unknown(busy=hindered) | Done(already=hindered):
            return hindered
        case _:
            return False


def _trouble(call: Call) -> str:
    return "another task blocks the removal, which" if _hindered(call) else "the removal failed and"


def _login(call: Call) -> bool:
    return isinstance(call.outcome, Unknown) and call.outcome.login
