"""What a look at the world proves: the facts that follow from it, written only when they are news. Pure.

Text decides what the operator is told; only these looks decide what is true (the database, `snap list`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from snapall.backup.facts import (
    Absent,
    CommandSettled,
    Confirmed,
    Fact,
    Found,
    Gone,
    NamesConfirmed,
    NamesDiffer,
    ProgramEnded,
    SnapshotVanished,
    VmLost,
    Warned,
    Withheld,
)
from snapall.backup.model import FilerSnapshot, Order, VmSnapshot, same_name
from snapall.backup.phases import Call, CapturePhase, CaptureState, CommandPhase, CommandState, VmPhase, VmState
from snapall.backup.runstate import RunState
from snapall.backup.sight import DatabaseSilent, FilerSilent, JournalBroken, Observation, VmsSeen, VolumeSeen
from snapall.backup.steps import Delete, Done, Refusal, Rename, Unknown, happened


def conclude(state: RunState, seen: Observation, at: datetime) -> tuple[Fact, ...]:
    """The facts that a look adds to the state, in which it is observed already; `at` is when it came back (UTC)."""
    match seen:
        case VmsSeen():
            ended = (ProgramEnded(n) for n in seen.ended)
            return (*ended, *(fact for vm in sorted(seen.vms) for fact in _of_vm(state, vm, seen, at)))
        case DatabaseSilent():
            return tuple(ProgramEnded(n) for n in seen.ended)
        case VolumeSeen():
            return tuple(_of_volume(state, seen, at))
        case FilerSilent() | JournalBroken():
            return ()


# The database


def _of_vm(state: RunState, vm: int, seen: VmsSeen, at: datetime) -> Iterator[Fact]:
    one = state.vms.get(vm)
    if one is None or not one.outstanding:
        return
    withheld = tuple(_strangers(state, one, seen.rows))
    yield from withheld
    if any(fact.ssid in one.ids for fact in withheld):
        return
    mine = ours(state, one, seen.rows)
    for row in mine:
        if row.ssid not in one.ids or not one.listed:
            yield Found(vm, row.ssid)
    if not mine and one.changed <= seen.version:
        yield from _missing(state, one, seen, at)
    host = seen.hosts.get(vm)
    if mine and one.tried and not one.removed and host is not None and one.vm.host not in (None, host):
        yield from _once(state, _moved(one, host))


def _moved(one: VmState, host: str) -> Warned:
    """A removal that met trouble is no wonder while its VM moves."""
    text = f"{one.vm.label} has moved from {one.vm.host} to {host} since it was quiesced"
    return Warned(text, "nothing is to be done: its moref is the same, and it is released by that")


def _once(state: RunState, message: Warned) -> Iterator[Warned]:
    if message not in state.messages:
        yield message


def _strangers(state: RunState, one: VmState, rows: Sequence[VmSnapshot]) -> Iterator[Withheld]:
    """Ids that were printed for the VM and that are somebody else's."""
    printed = _printed(one)
    if printed and printed not in one.withheld and printed in present(state):
        yield Withheld(one.vm.id, printed, f"vcbsnapshot printed {printed}, which was there before this run")
    for row in rows:
        if row.ssid not in one.ids:
            continue
        if row.vm != one.vm.id:
            yield Withheld(one.vm.id, row.ssid, f"vcbsnapshot printed {row.ssid}, which is a snapshot of vm-{row.vm}")
        elif one.create is not None and not same_name(row.name, one.name):  # an adopted one goes by its id alone
            yield Withheld(one.vm.id, row.ssid, f"vcbsnapshot printed {row.ssid}, which is called {row.name}")
    yield from _rivals(state, one, rows)


def _printed(one: VmState) -> str:
    answer = one.create.outcome if one.create is not None else None
    return answer.ssid if isinstance(answer, Done) else ""


def _rivals(state: RunState, one: VmState, rows: Sequence[VmSnapshot]) -> Iterator[Withheld]:
    """In paper order: several snapshots under our name appeared since the survey, and no id tells which is ours."""
    silent = one.phase in {VmPhase.SILENT, VmPhase.FAILED} and not one.ids
    if state.header.job.order is Order.SAFE or not silent:
        return
    named = _named(state, one, [row for row in rows if row.vm == one.vm.id])
    if len(named) > 1:
        ids = ", ".join(row.ssid for row in named)
        why = f"{ids} have appeared under this name, and which of them is ours is not known"
        yield from (Withheld(one.vm.id, row.ssid, why) for row in named if row.ssid not in one.withheld)


def present(state: RunState) -> tuple[str, ...]:
    """The ids that the survey listed: none of them is ours."""
    return state.surveyed.present if state.surveyed is not None else ()


def ours(state: RunState, one: VmState, rows: Sequence[VmSnapshot]) -> tuple[VmSnapshot, ...]:
    """The rows that are this run's: by id, or by a name of this run alone.

    A name that others use too (paper order) is adopted only if it was not there before and is the only such row.
    """
    mine = [row for row in rows if row.vm == one.vm.id]
    listed = tuple(row for row in mine if row.ssid in one.ids)
    named = tuple(row for row in _named(state, one, mine) if row not in listed)
    if state.header.job.order is Order.SAFE:
        return (*listed, *named)
    if listed or (one.ids and not one.misread):
        return listed
    return named if len(named) == 1 else ()


def _named(state: RunState, one: VmState, mine: Sequence[VmSnapshot]) -> list[VmSnapshot]:
    """The VM's rows under our name that were not there before; none whose printed id proved to be somebody else's."""
    if one.create is None:
        return []  # adopted: by its id alone
    others = {*present(state), *({_printed(one)} & one.withheld.keys())}
    return [row for row in mine if same_name(row.name, one.name) and row.ssid not in others]


def _missing(state: RunState, one: VmState, seen: VmsSeen, at: datetime) -> Iterator[Fact]:
    """Nothing of ours is listed: that may be the end of it."""
    awaited = one.create is not None and one.create.in_flight
    if not one.removed and not awaited and one.vm.id not in seen.registered and (one.tried or not one.ids):
        yield VmLost(one.vm.id)  # an answer is awaited, and a known id tried: the database alone is not believed
        return
    if one.listed and not one.tried and not one.vanished:
        yield SnapshotVanished(one.vm.id)
    if how := _over(state, one, seen.rows, at):
        yield Gone(one.vm.id, how)


def _over(state: RunState, one: VmState, rows: Sequence[VmSnapshot], at: datetime) -> str:
    """Why nothing of ours is left on the VM although no row tells; "" while that cannot be said."""
    if one.in_flight:
        return ""
    if one.removed and not one.misread:
        return "removed, and no longer listed"
    if any(all(isinstance(call.outcome, Refusal) for call in one.removals_of(ssid)) for ssid in one.ids):
        return ""  # the database may lag: a removal by the known id costs nothing and makes sure
    if one.listed:
        return "no longer listed"
    named = _named(state, one, [row for row in rows if row.vm == one.vm.id])
    settled = one.ended is not None and at >= one.ended + timedelta(seconds=state.header.pace.settle)
    if not settled or len(named) > 1 or (one.ids and named):  # what the printed id did not meet is there yet
        return ""
    return "never listed, and too late to appear" if not one.ids else "not listed"


# The filer


def acts_until(state: RunState, call: Call) -> datetime:
    """Until when a filer command without an answer may act: its timeout, on the clock of whoever looks."""
    taken = state.takeovers[-1][0] if call.owner < state.owner else call.sent
    return taken + timedelta(seconds=state.header.pace.filer_timeout)


def _of_volume(state: RunState, seen: VolumeSeen, at: datetime) -> Iterator[Fact]:
    capture = state.captures.get(seen.volume)
    if capture is not None:
        yield from _of_capture(state, capture, seen, at)
    commands = [one for one in state.commands.values() if one.step.volume == seen.volume]
    for one in commands:
        if one.changed <= seen.version:
            yield from _of_command(state, one, seen.rows, at)
    believed = state.believed.get(seen.volume)
    if believed is not None and all(one.changed <= seen.version and not _open(one) for one in commands):
        names = {*state.header.job.chain, *(name for one in commands for name in _names(one.step))}
        wanted, found = ({(row.name, row.date) for row in rows if row.name in names} for rows in (believed, seen.rows))
        listed = ", ".join(f"{name} of {date}" for name, date in sorted(found)) or "empty"
        yield NamesConfirmed(seen.volume) if wanted == found else NamesDiffer(seen.volume, listed)


def _open(one: CommandState) -> bool:
    return one.phase in {CommandPhase.ASKED, CommandPhase.SILENT}


def _names(step: Rename | Delete) -> tuple[str, ...]:
    match step:
        case Rename(_, old, new):
            return (old, new)
        case Delete(_, name):
            return (name,)


def _of_capture(
    state: RunState, one: CaptureState, seen: VolumeSeen, at: datetime
) -> Iterator[Absent | Confirmed | CommandSettled]:
    row = next((row for row in seen.rows if row.name == one.name), None)
    match one.phase:
        case CapturePhase.CONFIRMED:
            gone = row is None or row.date != one.date  # in paper order a later run's may have the name
            if gone and one in state.parts:
                yield Absent(one.volume, one.name)
            if one.changed <= seen.version:
                over = (call for call in one.silent_calls if at >= acts_until(state, call))
                yield from (CommandSettled(call.n, done=None) for call in over)
        case CapturePhase.ASKED | CapturePhase.SILENT | CapturePhase.ANSWERED:
            if row is not None:
                yield Confirmed(one.volume, one.name, row.date)
            elif one.changed <= seen.version and _acts_no_more(state, one, at):
                yield Absent(one.volume, one.name)
        case CapturePhase.ABSENT:
            return


def _acts_no_more(state: RunState, one: CaptureState, at: datetime) -> bool:
    answered = one.phase in {CapturePhase.ANSWERED, CapturePhase.SILENT}
    return answered and all(at >= acts_until(state, call) for call in one.silent_calls)


def _of_command(
    state: RunState, one: CommandState, rows: Sequence[FilerSnapshot], at: datetime
) -> Iterator[CommandSettled]:
    n, over = one.call.n, at >= acts_until(state, one.call)
    match one.phase:
        case CommandPhase.SILENT:
            said_no = isinstance(one.call.outcome, Unknown) and one.call.outcome.failed
            if happened(one.step, rows):
                yield CommandSettled(n, done=True)
            elif over or said_no:
                yield CommandSettled(n, done=False)
        case CommandPhase.ANSWERED:
            if one.unsettled and over and one.step.volume not in state.believed:
                yield CommandSettled(n, done=True if happened(one.step, rows) else None)
        case CommandPhase.ASKED | CommandPhase.SEEN | CommandPhase.NOT_SEEN | CommandPhase.OVER:
            return
