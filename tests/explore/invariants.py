"""The promises, checked against the model's world and its ledger; never against what snapall believes.

Only what it *reports* is compared with the truth: exit codes, reports and certificates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from snapall.backup.model import Order
from snapall.backup.outcome import NOT_QUIESCED, QUIESCED, Verdict
from snapall.backup.steps import Quiesce, Release
from tests.explore.sending import shown
from tests.explore.world import Violation, World, ssid_of

PATIENCE = 5  # seconds that VMs without an answer are looked for before the capture


# After each decision


@dataclass(frozen=True, slots=True)
class DecidedTurn:
    """What an owner has just decided about: its runs, whether it looks for VMs, and how many places it has."""

    runs: tuple[int, ...]
    looking: bool
    backup: bool


def decided(world: World, turn: DecidedTurn) -> None:
    """Whatever can be released is released at once, and nothing waits longer than it may. Violation: it does not."""
    pace = world.scene.pace
    for run in turn.runs:
        captured, created = (world.ledger.get((what, run)) for what in ("at capture", "at create"))
        began = world.ledger.get(("at release", run))
        over = isinstance(captured, int) and world.now >= captured + pace.filer_timeout
        if (began is not None or over or not turn.backup) and not turn.looking:
            _require_released(world, run, began)
        if turn.backup and isinstance(created, int) and captured is None and began is None and not turn.looking:
            job = world.scene.jobs[world.count("job", run)]
            late = world.now > created + job.max_quiesced + PATIENCE
            if late and not any(not isinstance(one.step, Quiesce | Release) for one in world.commands if one.awaited):
                raise Violation(
                    "1 no VM stays quiesced", "max_quiesced is over, and neither capture nor release begins"
                )


def _require_released(world: World, run: int, began: object) -> None:
    if any(key[:2] == ("login", run) for key in world.ledger):
        return  # one at a time, with pauses
    there = {vm for one, vm in world.ours() if one == run}
    under_way = [one for one in world.commands if isinstance(one.step, Release) and one.awaited]
    for vm in there - world.unregistered:
        if ("release", run, vm) in world.ledger or ("id", run, vm) not in world.ledger:
            continue
        at = world.ledger.get(("at id", run, vm))
        late = isinstance(began, int) and isinstance(at, int) and at > began
        if late or len(under_way) < world.scene.pace.parallel:
            raise Violation("1 no VM stays quiesced", f"vm-{vm} can be released, and waits")


# Reports


def certified(world: World, run: int, verdicts: Sequence[Verdict], both: bool) -> None:
    """Hold a certificate against what was there at the captures; `both`: it must not be too modest either."""
    volumes = world.scene.jobs[world.count("job", run)].volumes
    at = [
        vms
        for key, vms in world.ledger.items()
        if key[0] == "quiesced at" and str(key[2]).startswith(f"run {run} ") and key[1] in volumes
        if world.ledger.get(("listed", *key[1:]))
    ]
    proved = _answered_at_once(world, run)
    for one in verdicts:
        vm = one.vm.id
        there = all(isinstance(vms, frozenset) and vm in vms for vms in at)
        lied = any((lie, run, vm) in world.ledger for lie in ("false yes", "lie"))  # what nobody has seen, nobody knows
        if one.state == QUIESCED and not there and not lied:
            raise Violation("4 the certificate is true", f"vm-{vm} is certified, and had no snapshot at the capture")
        if one.state == NOT_QUIESCED and both and proved and there and _was_quiesced(world, run, vm, bool(at)):
            raise Violation("13 the certificate is true", f"vm-{vm} was quiesced, and is reported so: {one.why}")


def _was_quiesced(world: World, run: int, vm: int, captured: bool) -> bool:
    ledger = world.ledger
    if ledger.get(("id", run, vm)) != "early" or ("taken", run, vm) in ledger or vm in world.unregistered:
        return False
    if ("wrong", run) in ledger or ("lie", run, vm) in ledger:
        return False
    if ("removed", run, vm) not in ledger and ssid_of(run, vm) not in shown(world):
        return False  # nothing but vcbsnapshot's answer tells of it
    sent = captured or any(key[:2] == ("capture", run) for key in ledger)
    return not sent or ledger.get(("release", run, vm), True) is True


def _answered_at_once(world: World, run: int) -> bool:
    """Whether each capture was asked for once, and nobody renamed it: else the certificate may be too modest."""
    times = [value for key, value in world.ledger.items() if key[:2] == ("capture", run)]
    return not world.meddled and all(value == 1 for value in times)


@dataclass(frozen=True, slots=True)
class OwnerReport:
    """The final report of an owner: its exit code, and of each run it worked on whether the journal was closed."""

    code: int
    closed: tuple[tuple[int, bool], ...]
    mine: int = -1  # the run that was to make a backup


def at_rest(world: World, output: OwnerReport) -> None:
    """What is left of ours, or may appear yet, is said, and stays written down. Violation: it is not."""
    for run, closed in output.closed:
        left = {vm for one, vm in (*world.ours(), *world.may_appear()) if one == run}
        for vm in sorted(left):
            if closed and not (output.code == 5 and ambiguous(world, vm)):
                raise Violation("1 no VM stays quiesced", f"vm-{vm} may be left quiesced, and the journal is closed")
            if output.code != 5 and not _excused(world, run, vm, output.code):
                raise Violation(
                    "1 no VM stays quiesced", f"vm-{vm} may be left quiesced, and the exit code is {output.code}"
                )

    if output.mine >= 0 and output.code in {0, 3}:
        for volume in world.scene.jobs[world.count("job", output.mine)].volumes:
            if not any(key[:2] == ("listed", volume) and _of(key[2], output.mine) for key in world.ledger):
                raise Violation("6 it fails loudly", f"exit {output.code}, and there is no backup of {volume}")


def ambiguous(world: World, vm: int) -> bool:
    """Whether, in paper order, somebody else's snapshot of the same name hides which one is ours: that is exit 5."""
    return ("ambiguous", vm) in world.ledger and any(job.order is Order.PAPER for job in world.scene.jobs)


def _of(date: object, run: int) -> bool:
    return str(date).startswith(f"run {run} ")


def _excused(world: World, run: int, vm: int, code: int) -> bool:
    """A create that was said to have failed is only watched; with the database down a removal's answer counts."""
    failed = world.ledger.get(("said", run, vm)) == "failed" and ssid_of(run, vm) not in shown(world)
    released = world.ledger.get(("removed", run, vm)) == "unseen"
    return code != 0 and (failed or released)


def chain_stands(world: World) -> None:
    """At the end, where no run has captured anything, the chain is as it was. Violation: its newest name is missing."""
    if world.meddled:
        return
    for job in world.scene.jobs:
        for volume in job.volumes:
            captured = any(key[0] == "quiesced at" and key[1] == volume for key in world.ledger)
            if not captured and world.row(volume, job.newest) is None:
                raise Violation("2 no backup is lost", f"{job.newest} is missing on {volume}, and nothing was captured")
