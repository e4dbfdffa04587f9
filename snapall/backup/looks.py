"""What a look at the site shows: the facts that follow from it, written only when they are new. Pure.

The text of programs decides what the operator reads; these looks (the database, `snap list`) decide what is true.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from snapall.backup import facts
from snapall.backup.model import FilerSnapshot, Job, Order, VmSnapshot, same_name
from snapall.backup.phases import Call, CapturePhase, CaptureState, CommandPhase, CommandState, VmPhase, VmState
from snapall.backup.replacing import replace
from snapall.backup.runstate import RunState
from snapall.backup.sight import DatabaseSilent, FilerSilent, JournalBroken, Observation, VmsListed, VolumeListed
from snapall.backup.steps import Delete, Done, Refusal, Rename, Unknown, happened


def conclude(state: RunState, look: Observation, at: datetime) -> tuple[facts.Fact, ...]:
    """The facts that a look adds to a state that has observed it already; `at` is when it began (UTC)."""
    match look:
        case VmsListed():
            return (*(facts.ProgramEnded(n) for n in look.ended), *_of_vms(state, look, at))
        case DatabaseSilent():
            return tuple(facts.ProgramEnded(n) for n in look.ended)
        case VolumeListed():
            return tuple(_of_volume(state, look, at))
        case FilerSilent() | JournalBroken():
            return ()


# The database


def _of_vms(state: RunState, look: VmsListed, at: datetime) -> Iterator[facts.Fact]:
    by_vm, by_id = defaultdict(list), defaultdict(list)
    for row in look.rows:
        by_vm[row.vm].append(row)
        by_id[row.ssid].append(row)
    for one in (state.vms[vm] for vm in sorted(look.vms) if vm in state.vms):
        if one.outstanding:
            foreign = [row for ssid in one.ids for row in by_id[ssid] if row.vm != one.vm.id]
            yield from _of_vm(state, one, replace(look, rows=(*by_vm[one.vm.id], *foreign)), at)


def _of_vm(state: RunState, one: VmState, look: VmsListed, at: datetime) -> Iterator[facts.Fact]:
    """`look` holds the rows of this VM, and those of its ids on other VMs."""
    vm = one.vm.id
    withheld = tuple(_strangers(state, one, look.rows))
    yield from withheld
    if any(fact.ssid in one.ids for fact in withheld):
        return
    mine = ours(state, one, look.rows)
    for row in mine:
        if row.ssid not in one.ids or not one.listed:
            yield facts.Found(vm, row.ssid)
    if not mine and one.changed <= look.version:
        yield from _missing(state, one, look, at)
    host = look.hosts.get(vm)
    if mine and one.tried and not one.removed and host is not None and one.vm.host not in (None, host):
        text = f"{one.vm.label} has moved from {one.vm.host} to {host} since it was quiesced"
        warning = facts.Warned(text, "nothing to do: its moref is the same, and snapall releases it by that", "SA-1109")
        if warning not in state.messages:
            yield warning


def _strangers(state: RunState, one: VmState, rows: Sequence[VmSnapshot]) -> Iterator[facts.Withheld]:
    """Ids that were printed for the VM but are not of this run."""
    printed = _printed(one)
    if printed and printed not in one.withheld and printed in state.present_ids:
        yield facts.Withheld(
            one.vm.id, printed, f"vcbsnapshot printed {printed}, which was there before this run", "SA-1105"
        )
    for row in (row for row in rows if row.ssid in one.ids):
        ssid = row.ssid
        if row.vm != one.vm.id:
            yield facts.Withheld(
                one.vm.id, ssid, f"vcbsnapshot printed {ssid}, which is a snapshot of vm-{row.vm}", "SA-1106"
            )
        elif one.create is not None and not same_name(row.name, one.name):  # an adopted one is known by its id alone
            yield facts.Withheld(one.vm.id, ssid, f"vcbsnapshot printed {ssid}, which is called {row.name}", "SA-1107")
    yield from _rivals(state, one, rows)


def _printed(one: VmState) -> str:
    answer = one.create.outcome if one.create is not None else None
    return answer.ssid if isinstance(answer, Done) else ""


def _rivals(state: RunState, one: VmState, rows: Sequence[VmSnapshot]) -> Iterator[facts.Withheld]:
    """In paper order: several snapshots of our name have appeared since the survey, and no id tells them apart."""
    silent = one.phase in {VmPhase.SILENT, VmPhase.FAILED} and not one.ids
    if state.header.job.order is Order.SAFE or not silent:
        return
    named = _named(state, one, [row for row in rows if row.vm == one.vm.id])
    if len(named) > 1:
        ids = ", ".join(row.ssid for row in named)
        why = f"{ids} have appeared under this name, and it is unknown which one this run made"
        yield from (
            facts.Withheld(one.vm.id, row.ssid, why, "SA-1108") for row in named if row.ssid not in one.withheld
        )


def ours(state: RunState, one: VmState, rows: Sequence[VmSnapshot]) -> tuple[VmSnapshot, ...]:
    """The rows of this run: by id, or by the name that only this run uses.

    In paper order the name is not unique: a row counts only if the survey did not list it and no other one fits.
    """
    mine = [row for row in rows if row.vm == one.vm.id]
    listed = tuple(row for row in mine if row.ssid in one.ids)
    named = tuple(row for row in _named(state, one, mine) if row not in listed)
    if state.header.job.order is Order.SAFE:
        return (*listed, *named)
    if listed or (one.ids and not one.misread and not _mistaken(state, one)):
        return listed
    return named if len(named) == 1 else ()


def _mistaken(state: RunState, one: VmState) -> bool:
    """In paper order: an id that was adopted by its name alone has vanished, so that it was not ours, as it seems."""
    took = any(isinstance(call.outcome, Done) and not call.outcome.already for call in one.removals)
    by_name = one.create is not None and _printed(one) not in one.ids
    return state.header.job.order is Order.PAPER and one.vanished and by_name and not took


def orphaned(job: Job, rows: Sequence[VmSnapshot], states: Iterable[RunState]) -> list[VmSnapshot]:
    """The VM snapshots with the job's name that none of these runs owns."""
    known = {row.ssid for state in states for one in state.outstanding for row in ours(state, one, rows)}
    return [row for row in rows if row.ssid not in known and job.names_vm_snapshot(row.name)]


def _named(state: RunState, one: VmState, mine: Sequence[VmSnapshot]) -> list[VmSnapshot]:
    """The VM's rows of our name that the survey did not list, without a printed id that turned out to be foreign."""
    if one.create is None:
        return []  # adopted: by its id alone
    foreign = {*state.present_ids, *({_printed(one)} & one.withheld.keys())}
    return [row for row in mine if same_name(row.name, one.name) and row.ssid not in foreign]


def _missing(state: RunState, one: VmState, look: VmsListed, at: datetime) -> Iterator[facts.Fact]:
    """Nothing of ours is listed: the VM may be done."""
    awaited = one.create is not None and one.create.in_flight
    if not one.removed and not awaited and one.vm.id not in look.registered and (one.tried or not one.ids):
        yield facts.VmLost(one.vm.id)  # the database alone is not enough: an answer may come, a known id be tried
        return
    if one.listed and not one.tried and not one.vanished:
        yield facts.SnapshotVanished(one.vm.id)
    if how := _over(state, one, look.rows, at):
        yield facts.Gone(one.vm.id, how)


def _over(state: RunState, one: VmState, rows: Sequence[VmSnapshot], at: datetime) -> str:
    """Why nothing of ours is left on the VM; "" while that is unknown."""
    if one.in_flight:
        return ""
    mistaken = _mistaken(state, one)
    if one.removed and not one.misread and not mistaken:
        return "removed, and no longer listed"
    if any(all(isinstance(call.outcome, Refusal) for call in one.removals_of(ssid)) for ssid in one.ids):
        return ""  # the database may lag: a removal by the known id is harmless and certain
    if one.listed and not mistaken:
        return "no longer listed"
    named = _named(state, one, [row for row in rows if row.vm == one.vm.id])
    settled = one.ended is not None and at >= one.ended + timedelta(seconds=state.header.pace.settle)
    if not settled or len(named) > 1 or (one.ids and named):  # a snapshot of our name is still there under another id
        return ""
    return "never listed, and too late to appear" if not one.ids else "not listed"


# The filer


def acts_until(state: RunState, call: Call) -> datetime:
    """Until when a filer command without an answer may act: its timeout, on the clock of this owner."""
    taken = state.takeovers[-1][0] if call.owner < state.owner else call.sent
    return taken + timedelta(seconds=state.header.pace.filer_timeout)


def _of_volume(state: RunState, look: VolumeListed, at: datetime) -> Iterator[facts.Fact]:
    capture = state.captures.get(look.volume)
    if capture is not None:
        yield from _of_capture(state, capture, look, at)
    commands = [one for one in state.commands.values() if one.step.volume == look.volume]
    for one in commands:
        if one.changed <= look.version:
            yield from _of_command(state, one, look.rows, at)
    believed = state.believed.get(look.volume)
    if believed is not None and all(one.changed <= look.version and not _open(one) for one in commands):
        names = {*state.header.job.chain, *(name for one in commands for name in _names(one.step))}
        wanted, found = ({(row.name, row.date) for row in rows if row.name in names} for rows in (believed, look.rows))
        listed = ", ".join(f"{name} of {date}" for name, date in sorted(found)) or "empty"
        yield facts.NamesConfirmed(look.volume) if wanted == found else facts.NamesDiffer(look.volume, listed)


def _open(one: CommandState) -> bool:
    return one.phase in {CommandPhase.ASKED, CommandPhase.SILENT}


def _names(step: Rename | Delete) -> tuple[str, ...]:
    match step:
        case Rename(_, old, new):
            return (old, new)
        case Delete(_, name):
            return (name,)


def _of_capture(state: RunState, one: CaptureState, look: VolumeListed, at: datetime) -> Iterator[facts.FilerFact]:
    row = next((row for row in look.rows if row.name == one.name), None)
    match one.phase:
        case CapturePhase.CONFIRMED:
            gone = row is None or row.date != one.date  # in paper order the name may be that of a later run
            if gone and one in state.parts:
                yield facts.Absent(one.volume, one.name)
            if one.changed <= look.version:
                over = (call for call in one.silent_calls if at >= acts_until(state, call))
                yield from (facts.CommandSettled(call.n, done=None) for call in over)
        case CapturePhase.ASKED | CapturePhase.SILENT | CapturePhase.ANSWERED:
            if row is not None:
                yield facts.Confirmed(one.volume, one.name, row.date)
            elif one.changed <= look.version and _acts_no_more(state, one, at):
                yield facts.Absent(one.volume, one.name)
        case CapturePhase.ABSENT:
            return


def _acts_no_more(state: RunState, one: CaptureState, at: datetime) -> bool:
    answered = one.phase in {CapturePhase.ANSWERED, CapturePhase.SILENT}
    return answered and all(at >= acts_until(state, call) for call in one.silent_calls)


def _of_command(
    state: RunState, one: CommandState, rows: Sequence[FilerSnapshot], at: datetime
) -> Iterator[facts.FilerFact]:
    n, over = one.call.n, at >= acts_until(state, one.call)
    match one.phase:
        case CommandPhase.SILENT:
            said_no = isinstance(one.call.outcome, Unknown) and one.call.outcome.failed
            if happened(one.step, rows):
                yield facts.CommandSettled(n, done=True)
            elif over or said_no:
                yield facts.CommandSettled(n, done=False)
        case CommandPhase.ANSWERED:
            if one.unsettled and over and one.step.volume not in state.believed:
                yield facts.CommandSettled(n, done=True if happened(one.step, rows) else None)
        case CommandPhase.ASKED | CommandPhase.CONFIRMED | CommandPhase.FAILED | CommandPhase.OVER:
            return
