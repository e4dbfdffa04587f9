"""Every answer that a command can get, and what it has done by then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from snapall.backup.actions import LookAtVms, ReadVolume
from snapall.backup.sight import DatabaseSilent, FilerSilent, Observation, VmsListed, VolumeListed
from snapall.backup.steps import Capture, Delete, Done, Outcome, Quiesce, Refusal, Release, Rename, Unknown
from tests.explore.quick import replace
from tests.explore.system import Look
from tests.explore.world import SentCommand, World, ssid_of, tried

CREATED = "creating snapshot..."


@dataclass(frozen=True, slots=True)
class Answer:
    """One way in which a command ends for whoever sent it. `faults`: how unusual it is."""

    faults: int
    label: str
    world: World
    outcome: Outcome


Make = Callable[[World, SentCommand], Iterator[Answer]]


def answers(world: World, one: SentCommand) -> Iterator[Answer]:
    """All of them; the first is that of a well-behaved world."""
    match one.step:
        case Quiesce():
            yield from _of_create(world, one)
        case Release():
            yield from _of_removal(world, one)
        case Capture() | Rename() | Delete():
            yield from _of_filer(world, one)


def _over(world: World, one: SentCommand, **changes: object) -> World:
    return world.with_command(replace(one, awaited=False, running=False, **changes))


def _acted(world: World, one: SentCommand) -> tuple[World, SentCommand, bool]:
    if one.acted:
        return world, one, True
    if not one.may_act(world.now):
        return world, one, False
    after, changed = tried(world, one)
    return after, replace(one, acted=True), changed


def _both(world: World, one: SentCommand) -> Iterator[tuple[str, World, SentCommand]]:
    """With the effect, and without it so far."""
    after, command, changed = _acted(world, one)
    if changed:
        yield "with its effect", after, command
    if not one.acted:
        yield "and nothing has happened so far", world, one


def _of_create(world: World, one: SentCommand) -> Iterator[Answer]:
    assert isinstance(one.step, Quiesce)
    run, vm = one.run, one.step.vm.id
    mine, settled = ssid_of(run, vm), world.now + int(world.scene.pace.settle)
    after, command, changed = _acted(world, one)
    if changed:
        early = "late" if ("at capture", run) in world.ledger else "early"
        known = after.entered("id", run, vm, value=early).entered("at id", run, vm, value=world.now)
        yield Answer(0, "done", _over(known, command), Done(f"SsId:{mine}", mine))
    else:
        yield Answer(0, "the VM is not known", _over(world, one, acted=True), Unknown("no such VM", failed=True))
    if not one.acted:
        yield Answer(1, "refused, nothing was sent", _over(world, one, acted=True), Refusal("no program"))
        lied = world.entered("lie", run, vm)
        yield Answer(1, "it prints an id and has done nothing", _over(lied, one, acted=True), Done("", mine))
        if not any(key[:2] == ("id", run) for key in world.ledger):
            login = Unknown("the login is refused", failed=True, login=True)
            yield Answer(1, "the login is refused", _over(world.entered("login", run), one, acted=True), login)
    for how, there, then in _both(world, one):
        output = there.entered("said", run, vm, value="failed")
        yield Answer(1, f"failed, {how}", _over(output, then, until=settled), Unknown("it failed", failed=True))
        yield Answer(1, f"no answer, {how}", _over(there, then, until=settled), Unknown("no answer"))
        yield Answer(1, f"no id printed, {how}", _over(there, then, until=settled), Unknown("no id", claimed=True))
        hung = there.with_command(replace(then, awaited=False))
        yield Answer(1, f"no answer, its program goes on, {how}", hung, Unknown("no answer"))
        for ssid in sorted({row.ssid for row in there.rows if row.ssid != mine}):
            wrong = _over(there.entered("wrong", run), then, until=settled)
            yield Answer(1, f"it prints {ssid}, {how}", wrong, Done(f"SsId:{ssid}", ssid))


def _of_removal(world: World, one: SentCommand) -> Iterator[Answer]:
    assert isinstance(one.step, Release)
    vm, ssid = one.step.vm.id, one.step.ssid
    settled = world.now + int(world.scene.pace.settle)
    seen = "seen" if world.database else "unseen"
    after, command, _ = _acted(world, one)
    removed = after.entered("removed", one.run, vm, value=seen)
    if vm in world.unregistered:
        yield Answer(0, "the VM is not known", _over(world, one, acted=True), Unknown("no such VM", failed=True))
    else:
        there = any(row.ssid == ssid for row in world.rows) or one.acted
        yield Answer(0, "done", _over(removed, command, acted=True), Done(already=not there))
    if not one.acted:
        unsent = world.entered("removal", ssid, value=False)
        yield Answer(1, "refused, nothing was sent", _over(unsent, one, acted=True), Refusal("no program"))
        busy = Unknown("another task", failed=True, busy=True)
        yield Answer(1, "another task is in the way", _over(world, one, acted=True), busy)
        lied = world.entered("removed", one.run, vm, value=seen).entered("false yes", one.run, vm)
        yield Answer(1, "it says yes and has done nothing", _over(lied, one, acted=True), Done())
    for how, there_, then in _both(world, one):
        failed = _over(there_, then, acted=True)
        yield Answer(1, f"failed, {how}", failed, Unknown("it failed", failed=True))
        yield Answer(1, f"no answer, {how}", _over(there_, then, until=settled), Unknown("no answer"))


def _of_filer(world: World, one: SentCommand) -> Iterator[Answer]:
    output = "" if isinstance(one.step, Rename) else CREATED
    after, command, changed = _acted(world, one)
    if changed:
        yield Answer(0, "done", _over(_worded(after, one, output), command, yes=True), Done(output))
        if output:
            yield Answer(1, "done, without a word", _over(after, command, yes=True), Done())
    else:
        no = Unknown("it failed", "No such snapshot.", failed=True)
        yield Answer(0, "it says that it cannot", _over(world, one, acted=True), no)
    if not one.acted:
        yield Answer(1, "refused, nothing was sent", _over(world, one, acted=True), Refusal("no connection"))
        lied = _over(_worded(world, one, CREATED), one, acted=True)
        yield Answer(1, "it says yes and has done nothing", lied, Done(CREATED))
    for how, there, then in _both(world, one):
        failed = Unknown("it failed", "Snapshot operation failed.", failed=True)
        yield Answer(1, f"failed, {how}", _over(there, then, acted=True), failed)
        yield Answer(1, f"no answer, {how}", _over(there, then), Unknown("no answer"))
        if not then.acted:
            yield Answer(1, "no word, which may be success", _over(there, then, yes=True), Done())


def _worded(world: World, one: SentCommand, output: str) -> World:
    if isinstance(one.step, Capture) and output:
        return world.entered("answered", one.run, one.step.volume)
    return world


# Looks


def seen(world: World, look: Look, at: World) -> Observation:
    """What a look shows that is answered now; `at` is the world as it was read."""
    match look.action:
        case LookAtVms(_, vms, ssids, programs):
            running = {one.n for one in at.commands if one.run == look.run and one.running}
            ended = tuple(n for n, child in programs if child is None or n not in running)
            asked = frozenset(vms)
            if not world.database:
                return DatabaseSilent(asked, look.version, "the database does not answer", ended=ended)
            rows = tuple(row for row in at.rows if row.vm in asked or row.ssid in ssids)
            registered = frozenset(vm for vm in vms if vm not in at.unregistered)
            return VmsListed(asked, rows, registered, look.version, ended)
        case ReadVolume(_, volume):
            if not world.filer:
                return FilerSilent(volume, look.version, "the filer does not answer")
            return VolumeListed(volume, at.volumes[volume], look.version)
