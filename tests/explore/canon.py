"""When two systems are the same: moments relative to now, numbers by what is compared with them, words left out."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime

from snapall.backup.facts import Failed
from snapall.backup.phases import Call, CaptureState, CommandState, VmState
from snapall.backup.runstate import RunState
from snapall.backup.steps import Done, Unknown
from tests.explore.system import Journal, Look, Process, System
from tests.explore.world import SentCommand, Violation, World, moment

OLD = 64  # seconds, longer than whatever is waited for, but for a removal that another task stands in the way of
VOLATILE = frozenset({"vms", "given_up", "database", "filer", "looked_at", "looks", "listings", "believed"})
COMPARED = tuple(one.name for one in fields(RunState) if one.name not in VOLATILE)
VM_COMPARED = tuple(one.name for one in fields(VmState) if one.name not in {"looked", "listed_ids"})

Key = tuple[object, ...]


def key(system: System) -> Key:
    """Equal for systems that go on in the same way."""
    now = moment(system.world.now)
    return (
        _world(system.world),
        tuple([_journal(one, now) for one in system.journals]),
        tuple([_process(one, system, now) for one in system.processes]),
        system.started,
    )


def _age(at: datetime | None, now: datetime) -> int:
    return -99 if at is None else min(int((now - at).total_seconds()), OLD)


def _world(world: World) -> Key:
    now = world.now
    ledger = frozenset(
        (entry, min(now - value, OLD) if entry[0].startswith("at ") else value)  # type: ignore[attr-defined, operator]
        for entry, value in world.ledger.items()
    )
    return (
        frozenset([row.ssid for row in world.rows]),
        tuple([(volume, rows) for volume, rows in world.volumes.items()]),
        frozenset([_command_key(one, now) for one in world.commands]),
        world.database,
        world.filer,
        world.unregistered,
        world.meddled,
        ledger,
    )


def _command_key(one: SentCommand, now: int) -> Key:
    until = one.until - now if one.until is not None else None
    flags = (one.awaited, one.acted, one.running, one.known, one.slow, one.yes)
    return (one.run, one.n, flags, until, min(now - one.sent, OLD), one.aim)


def _process(one: Process, system: System, now: datetime) -> Key:
    wake = _age(one.wake, now)
    looks = tuple([_look(look, system) for look in one.looks])
    mine = (one.kind, one.job, one.phase, one.cases, one.queue, one.earlier, one.mine, one.finished, one.stop, one.code)
    return (*mine, wake, looks)


def _look(one: Look, system: System) -> Key:
    state = system.journals[one.run].live
    then, now = one.began, system.world
    newer = tuple([vm.changed <= one.version for vm in state.vms.values()])
    same = (then.rows, then.volumes, then.commands) == (now.rows, now.volumes, now.commands)
    began = None if same else (frozenset([row.ssid for row in then.rows]), tuple(then.volumes.values()))
    return (one.run, type(one.action).__name__, getattr(one.action, "volume", ""), newer, began, one.slow)


def _journal(one: Journal, now: datetime) -> Key:
    return (one.job, one.closed, len(one.tail), _state(one.live, now))


def _call(one: Call | None, owner: int, now: datetime) -> Key:
    if one is None:
        return ()
    out = one.outcome
    output: Key = (type(out).__name__,)
    if isinstance(out, Done):
        output = ("done", out.ssid, out.already, bool(out.output))
    elif isinstance(out, Unknown):
        output = ("unknown", out.claimed, out.failed, out.busy, out.login)
    return (output, one.abandoned, one.owner == owner, _age(one.sent, now), _age(one.answered, now), one.child is None)


def _vm(one: VmState, owner: int, now: datetime) -> Key:
    if not one.outstanding:
        return (one.vm.id, one.phase, one.in_time, one.after_capture, one.vanished, bool(one.withheld), bool(one.ids))
    return (
        one.vm.id,
        one.phase,
        one.ids,
        one.listed,
        tuple(one.withheld),
        _call(one.create, owner, now),
        tuple([(getattr(call.step, "ssid", ""), _call(call, owner, now)) for call in one.removals]),
        _age(one.ended, now),
        one.in_time,
        one.after_capture,
        one.vanished,
        one.fresh,
        one.listed_ids,
    )


def _read(state: RunState, volume: str, since: int) -> bool:
    known = state.listings.get(volume)
    return known is not None and known.version >= since


def _capture(one: CaptureState, state: RunState, now: datetime) -> Key:
    calls = tuple([_call(call, state.owner, now) for call in one.calls])
    return (one.volume, one.name, one.phase, one.date, calls, _read(state, one.volume, one.changed))


def _command(one: CommandState, state: RunState, now: datetime) -> Key:
    read = _read(state, one.step.volume, one.changed)
    recent = one.changed > state.certified_version
    return (one.step, one.phase, one.back, read, recent, one.call.owner, _call(one.call, state.owner, now))


def _state(state: RunState, now: datetime) -> Key:
    owner = state.owner
    listings = [
        (v, one.rows, _age(one.at, now), _read(state, v, state.certified_version)) for v, one in state.listings.items()
    ]
    certified = tuple([one.state for one in state.certified.verdicts]) if state.certified is not None else None
    return (
        state.surveyed is not None,
        tuple([_vm(one, owner, now) for one in state.vms.values()]),
        tuple([_capture(one, state, now) for one in state.captures.values()]),
        tuple([_command(one, state, now) for one in state.commands.values()]),
        tuple(listings),
        tuple(state.believed.items()),
        state.renamed_back,
        tuple([_age(at, now) for at in _moments(state)]),
        (state.called_off, bool(state.login), owner, certified, state.differs, state.located),
        (state.rotation, len(state.given_up), state.broken, state.database is not None, tuple(state.filer)),
        (min(state.looks, 9), len(state.messages), sum(isinstance(one, Failed) for one in state.messages)),
    )


def _moments(state: RunState) -> tuple[datetime | None, ...]:
    taken = state.takeovers[-1][0] if state.takeovers else None
    return (
        state.released_at,
        state.stopped_at,
        state.captured_at,
        state.quiesced_at,
        state.login_refused_at,
        state.looked_at,
        taken,
    )


def require_written(one: Journal) -> None:
    """Whoever reads the journal must know what its owner knows. Violation: it would not."""
    live, disk = one.live, one.disk
    if live is disk:
        return
    for name in COMPARED:
        if getattr(live, name) != getattr(disk, name):
            raise Violation("one state", f"{name} is {getattr(live, name)}, and by the journal {getattr(disk, name)}")
    both = [*((mine, disk.vms[vm]) for vm, mine in live.vms.items()), *zip(live.given_up, disk.given_up, strict=True)]
    for mine, written in both:
        if mine is not written and any(getattr(mine, name) != getattr(written, name) for name in VM_COMPARED):
            raise Violation("one state", f"{mine.vm.label} is {mine}, and by the journal {written}")
