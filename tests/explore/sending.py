"""The promises that every command must keep at the moment when it is sent, checked against the model's world."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from snapall.backup.model import Job, Order
from snapall.backup.steps import Capture, Delete, Quiesce, Release, Rename, Step
from tests.explore.quick import replace
from tests.explore.world import SentCommand, Violation, World


def job_of(world: World, volume: str) -> Job:
    """The job of a volume."""
    return next(job for job in world.scene.jobs if volume in job.volumes)


def shown(world: World) -> Collection[str]:
    """The ids in the last look at the database."""
    found = world.ledger.get(("shown",), frozenset())
    assert isinstance(found, frozenset)
    return found


def sent(world: World, command: SentCommand) -> World:
    """The world with a command under way. Violation: it must not be sent now."""
    run, step = command.run, command.step
    match step:
        case Quiesce(vm):
            _require_free(world, run, vm.id)
            world = world.entered("create", run, vm.id).entered("at create", run, value=_first(world, "at create", run))
        case Release(vm, ssid):
            world = _release_sent(world, command, vm.id, ssid)
        case Capture(volume):
            if (times := world.count("capture", run, volume)) >= 2:
                raise Violation("5 three outcomes", f"snap create is sent for the {times + 1}rd time on {volume}")
            world = world.entered("capture", run, volume, value=times + 1)
            world = world.entered("at capture", run, value=_first(world, "at capture", run))
        case Rename() | Delete():
            command = replace(command, aim=_require_movable(world, run, step))
    return replace(world, commands=(*world.commands, command))


def _first(world: World, *entry: object) -> object:
    return world.ledger.get(entry, world.now)


def _require_free(world: World, run: int, vm: int) -> None:
    if world.ledger.get(("create", run, vm)):
        raise Violation("5 three outcomes", f"the create of vm-{vm} is sent twice")
    if world.ledger.get(("login", run)):
        raise Violation("12 a refused login is not tried again", f"vm-{vm} is asked for after the login was refused")
    if ("at capture", run) in world.ledger:
        raise Violation("1 no VM stays quiesced", f"vm-{vm} is asked for after the capture was sent")
    others = {one for one in (*world.ours(), *world.may_appear()) if one[1] == vm and one[0] != run}
    if others:
        raise Violation("5 jobs know each other", f"vm-{vm} is asked for while run {min(others)[0]} may have left it")


def _release_sent(world: World, command: SentCommand, vm: int, ssid: str) -> World:
    run = command.run
    listed = any(row.ssid == ssid for row in world.rows) or ssid in shown(world)
    asked = world.database and not world.ledger.get(("silent",))  # when it was asked the last time
    if world.ledger.get(("removal", ssid)) and asked and not listed:
        raise Violation("5 three outcomes", f"the removal of {ssid} is sent again though it is not listed")
    surveyed = any(row.ssid == ssid for row in world.scene.foreign)
    if not ssid.startswith("ours-") and not world.database and not surveyed:
        world = world.entered("unasked", run, command.n)  # nothing could contradict the id
    if ("release", run, vm) not in world.ledger:
        made = [key[2] for key in world.ledger if key[:2] == ("capture", run)]
        safe = all(world.ledger.get(("answered", run, volume)) for volume in made)
        world = world.entered("release", run, vm, value=safe)
        world = world.entered("at release", run, value=_first(world, "at release", run))
    return world.entered("removal", ssid)


def _require_movable(world: World, run: int, step: Rename | Delete) -> str:
    """The date of what is to move. Violation: it must stay where it is."""
    job = job_of(world, step.volume)
    names = (step.old, step.new) if isinstance(step, Rename) else (step.name,)
    ours = {*job.chain, *(job.temporary(world.scene.stamp(one)) for one in range(9))}
    if not ours.issuperset(names):
        raise Violation("3 it touches only its own", f"{step} names what is not the job's")
    for one in world.commands:
        if _mentions(one.step, step.volume, names) and one.may_act(world.now) and not one.yes and not world.meddled:
            raise Violation("2 no backup is lost", f"{step} is sent while {one.step} may act yet")
    row = world.row(step.volume, names[0])
    if row is None:
        return ""
    tagged = world.ledger.get(("tagged", step.volume), ())
    assert isinstance(tagged, tuple)
    if row.date in tagged and row.tags:
        raise Violation("3 it touches only its own", f"{step} although the filer was seen to hold it")
    if not world.meddled:
        _require_captured(world, job, step)
    return row.date


def _mentions(step: Step, volume: str, names: Sequence[str]) -> bool:
    match step:
        case Rename(there, old, new):
            return there == volume and (old in names or new in names)
        case Delete(there, name) | Capture(there, name):
            return there == volume and name in names
        case Quiesce() | Release():
            return False


def _require_captured(world: World, job: Job, step: Rename | Delete) -> None:
    """In safe order nothing retained moves before a new backup was read back; what is deleted is the oldest."""
    new = [
        row for row in world.volumes[step.volume] if row.name not in job.chain and _listed(world, step.volume, row.date)
    ]
    if job.order is Order.SAFE and not new:
        raise Violation("2 no backup is lost", f"{step} is sent before a new backup was read back")
    row = world.row(step.volume, step.name) if isinstance(step, Delete) else None
    if not isinstance(step, Delete) or row is None or _part(world, job, row.date):
        return
    if step.name in job.chain:
        full = all(world.row(step.volume, name) is not None for name in job.chain)
        if step.name != job.chain[-1] or not full:
            raise Violation("2 no backup is lost", f"{step} is not the oldest of a full chain")
    elif not [other for other in new if other.date > row.date]:
        raise Violation("2 no backup is lost", f"{step} deletes a whole backup, and there is no newer one")


def _part(world: World, job: Job, date: str) -> bool:
    """Whether it is a run's capture that is missing on another volume of the job."""
    run = date.rpartition(" command ")[0]
    made = [volume for volume in job.volumes if any(row.date.startswith(f"{run} ") for row in world.volumes[volume])]
    return bool(run) and len(made) < len(job.volumes)


def _listed(world: World, volume: str, date: str) -> bool:
    return bool(world.ledger.get(("listed", volume, date)))
