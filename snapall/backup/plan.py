"""The plan: every command in order, with its reason, complete before anything changes. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from snapall.backup import freshness
from snapall.backup.certificate import grade
from snapall.backup.facts import Warned
from snapall.backup.limits import MOST_VM_SNAPSHOTS, check, exceeded
from snapall.backup.looks import orphaned, ours
from snapall.backup.members import members
from snapall.backup.model import FilerSnapshot, Job, Order, Survey, Vm, VmPolicy
from snapall.backup.origins import Provenance
from snapall.backup.phases import VmState
from snapall.backup.queries import may_have_left
from snapall.backup.record import Stage
from snapall.backup.rotation import Pending, Rotation, make_room, rotate
from snapall.backup.runstate import RunState
from snapall.backup.schedule import Durations, Schedule, schedule
from snapall.backup.steps import Capture, Delete, Quiesce, Release, Rename, Step
from snapall.errors import Refused


@dataclass(frozen=True, slots=True)
class ListVolume:
    """Look: `snap list` of the volume."""

    volume: str


@dataclass(frozen=True, slots=True)
class FindVmSnapshots:
    """Look: the rows of VPX_SNAPSHOT of these VMs."""

    vms: tuple[Vm, ...]


@dataclass(frozen=True, slots=True)
class FindVms:
    """Look: the VMs of these datastores and of this query, without templates."""

    datastores: tuple[int | str, ...]
    query: str = ""


@dataclass(frozen=True, slots=True)
class AskVersion:
    """Look: the filer's `version`."""


Look = ListVolume | FindVmSnapshots | FindVms | AskVersion


@dataclass(frozen=True, slots=True)
class Planned:
    """One command and why it is sent."""

    stage: Stage
    action: Step | Look
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does. `targets` are quiesced; `left` cannot be, each with its reason; `skipped` are not wanted."""

    job: Job
    stamp: str
    capture: str  # the name under which every volume is captured
    actions: tuple[Planned, ...]
    targets: tuple[Vm, ...]
    left: tuple[tuple[Vm, str], ...]
    skipped: tuple[Vm, ...]
    rotation: Rotation
    warnings: tuple[Warned, ...]
    removals: tuple[int, ...] = ()  # VPX_VM.ID in the order of their removals; empty: as `targets`
    ordering: str = ""  # why they are in this order; "": it is the database's

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that have something to do, in order."""
        return tuple(dict.fromkeys(planned.stage for planned in self.actions))

    def of(self, stage: Stage) -> tuple[Step | Look, ...]:
        """The actions of one stage."""
        return tuple(planned.action for planned in self.actions if planned.stage is stage)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The changing commands alone."""
        return tuple(one.action for one in self.actions if not isinstance(one.action, Look))


@dataclass(frozen=True, slots=True)
class PlanContext:
    """What a plan rests on besides its survey: open runs, and the job's history.

    `open_runs`, of any job, keep their VMs from being quiesced again. The run settles `settled_first` before, so only
    their VMs that nobody can release yet are in the way. `new_state`: the state folder, if it has no run of the job.
    """

    open_runs: tuple[RunState, ...] = ()
    settled_first: tuple[RunState, ...] = ()
    usual: Mapping[int, Durations] = field(default_factory=dict)
    missed: frozenset[int] = frozenset()
    parallel: int = 4
    now: datetime | None = None
    new_state: str = ""


def build(job: Job, survey: Survey, past: Provenance, context: PlanContext, stamp: str, keep: str = "") -> Plan:
    """Make the plan of a run. Refused: a limit or a rule of the job forbids the backup."""
    survey, odd = members(job, survey)
    check(job, survey, keep)
    wanted, left, skipped = _choose(job, survey, context)
    ordered = _ordered(job, wanted, context)
    by_id = {vm.id: vm for vm in wanted}
    targets, released = (tuple(by_id[vm] for vm in ids) for ids in (ordered.creates, ordered.removals))
    rotation, capture = _first_rotation(job, survey, past, stamp, keep)
    room = [Planned(Stage.ROTATE, move.step, move.reason) for move in rotation.moves] if _before(job, keep) else []
    end = []
    if not keep and (job.order is Order.SAFE or capture != job.newest):
        rotation = _last_rotation(job, survey, past, capture, len(left), len(targets))
        end = _turn(job, rotation)
    actions = (*_survey(job, survey), *room, *_middle(job, stamp, capture, targets, released), *end)
    foreign = _foreign(job, survey, (*context.open_runs, *context.settled_first))
    unremembered = freshness.unremembered(job, survey.listings, context.new_state)
    soon = freshness.too_soon(job, past, context.now) if not keep else []
    of_site = (Warned(*one) for one in survey.notes)
    notes = (*unremembered, *soon, *past.warnings, *of_site, *odd, *exceeded(job, survey, targets), *foreign)
    order, why = ordered.removals, ordered.reason
    return Plan(job, stamp, capture, actions, targets, tuple(left), tuple(skipped), rotation, notes, order, why)


def _choose(job: Job, survey: Survey, context: PlanContext) -> tuple[list[Vm], list[tuple[Vm, str]], list[Vm]]:
    """The VMs to quiesce, those that cannot be quiesced, and those that are not wanted."""
    depth = Counter(row.vm for row in survey.vm_snapshots)
    open_ = {one.vm.id: may_have_left(state, one) for state, one in _in_the_way(survey, context)}
    targets, left, skipped = [], [], []
    for vm in survey.vms:
        policy = job.policies.of(vm)
        if policy is VmPolicy.SKIP:
            skipped.append(vm)
            continue
        why = ""
        if vm.id in open_:
            why = open_[vm.id]
        elif depth[vm.id] >= MOST_VM_SNAPSHOTS:
            why = f"it already has {depth[vm.id]} snapshots, and ESX supports 32"
        if not why:
            targets.append(vm)
        elif policy is VmPolicy.MUST:
            raise Refused(f"{vm.label} must be quiesced, but {why}", "run `snapall recover` first", "SA-1005")
        else:
            left.append((vm, why))
    return targets, left, skipped


def _in_the_way(survey: Survey, context: PlanContext) -> Iterator[tuple[RunState, VmState]]:
    """The VMs on which another run may have a snapshot when this one begins."""
    for state in context.open_runs:
        yield from ((state, one) for one in state.outstanding)
    for state in context.settled_first:
        for one in state.outstanding:
            if not one.ids and not ours(state, one, survey.vm_snapshots):
                yield state, one


def _ordered(job: Job, targets: Sequence[Vm], context: PlanContext) -> Schedule:
    ids = [vm.id for vm in targets]
    if job.order is Order.PAPER:
        return Schedule(tuple(ids), tuple(ids))
    must = [vm.id for vm in targets if job.policies.of(vm) is VmPolicy.MUST]
    return schedule(ids, context.usual, context.parallel, must, context.missed & set(ids))


def _before(job: Job, keep: str) -> bool:
    return job.order is Order.PAPER and not keep


def _first_rotation(job: Job, survey: Survey, past: Provenance, stamp: str, keep: str) -> tuple[Rotation, str]:
    """The rotation before the capture, and the capture's name: the newest of the chain only if that is vacant then."""
    if keep:
        return Rotation(), keep
    if job.order is Order.SAFE:
        return Rotation(), job.temporary(stamp)
    rotation = make_room(job, survey.listings, past.pending)
    if rotation.blocked is not None:
        return Rotation(), job.temporary(stamp)
    return rotation, job.newest


def _last_rotation(job: Job, survey: Survey, past: Provenance, capture: str, left: int, targets: int) -> Rotation:
    """The rotation after the confirmation, if every target can be quiesced."""
    listings = {volume: (FilerSnapshot(capture, ""), *listing) for volume, listing in survey.listings.items()}
    return rotate(job, listings, [*past.pending, Pending(capture, grade(targets, targets + left))])


def _survey(job: Job, survey: Survey) -> list[Planned]:
    """The looks on which this plan rests; a run takes them first."""
    return [
        Planned(Stage.SURVEY, FindVms(job.datastores, job.query), "which VMs are backed up"),
        *([Planned(Stage.SURVEY, FindVmSnapshots(survey.vms), "which snapshots they have")] if survey.vms else []),
        Planned(Stage.SURVEY, AskVersion(), "is it a filer in 7-Mode?"),
        *(Planned(Stage.SURVEY, ListVolume(volume), "which backups are retained") for volume in job.volumes),
    ]


def _turn(job: Job, rotation: Rotation) -> list[Planned]:
    """The rotation after the confirmation, between a fresh look and one that reads the names back."""
    return [
        *(Planned(Stage.ROTATE, ListVolume(volume), "planned again if it has changed") for volume in job.volumes),
        *(Planned(Stage.ROTATE, move.step, move.reason) for move in rotation.moves),
        *(Planned(Stage.ROTATE, ListVolume(volume), "read the names back") for volume in job.volumes),
    ]


def _middle(job: Job, stamp: str, capture: str, targets: tuple[Vm, ...], released: tuple[Vm, ...]) -> list[Planned]:
    """From the first quiesce to the last release: the same in both orders."""
    quiesces = [Quiesce(vm, job.vm_snapshot_of(stamp)) for vm in targets]
    releases = [Release(vm, f"<ssid of {vm.moref}>") for vm in released]
    return [
        *(Planned(Stage.QUIESCE, step, f"quiesce {step.vm.label}{_on(step.vm)}") for step in quiesces),
        *(Planned(Stage.CAPTURE, Capture(volume, capture), "the backup itself") for volume in job.volumes),
        *(Planned(Stage.CONFIRM, ListVolume(volume), f"read {capture} back") for volume in job.volumes),
        *([Planned(Stage.LOCATE, FindVmSnapshots(targets), "compare the ids with those printed")] if targets else []),
        *(Planned(Stage.RELEASE, step, f"release {step.vm.label}") for step in releases),
        *([Planned(Stage.RELEASE, FindVmSnapshots(targets), "check that none is left")] if targets else []),
    ]


def _on(vm: Vm) -> str:
    return f" on {vm.host}" if vm.host is not None else ""


def _foreign(job: Job, survey: Survey, runs: Sequence[RunState]) -> list[Warned]:
    """Warnings of orphaned VM snapshots, which are never removed unless the operator agrees."""
    labels = {vm.id: vm.label for vm in survey.vms}
    return [
        Warned(
            f"{labels[row.vm]} has a snapshot {row.name} ({row.ssid}) that no journal knows: snapall leaves it alone",
            "`snapall recover --adopt` lists such snapshots; with `--yes` it removes them",
            "SA-1124",
        )
        for row in orphaned(job, survey.vm_snapshots, runs)
        if row.vm in labels
    ]


def settling(runs: Sequence[RunState]) -> tuple[Planned, ...]:
    """What a run settles first, as far as the journals show."""
    found: list[Planned] = []
    for state in runs:
        for one in state.outstanding:
            why = f"run {state.header.stamp} may have left {one.name} on {one.vm.label}"
            looks: list[Step | Look] = [Release(one.vm, ssid) for ssid in one.ids] or [FindVmSnapshots((one.vm,))]
            found += [Planned(Stage.SETTLE, action, why) for action in looks]
        found += [Planned(Stage.SETTLE, action, why) for action, why in _settling_filer(state)]
    return tuple(found)


def _settling_filer(state: RunState) -> list[tuple[Step | Look, str]]:
    found: list[tuple[Step | Look, str]] = []
    found += [(ListVolume(one.volume), f"was {one.name} created?") for one in state.unsure]
    found += [(ListVolume(one.volume), f"is {one.name} created a second time?") for one in state.doubled]
    found += [(ListVolume(one.step.volume), "a command got no answer") for one in state.unsettled]
    found += [(Delete(one.volume, one.name), "captured on some volumes only: not a backup") for one in state.parts]
    back = [Rename(one.volume, one.new, one.old) for one in state.room]
    return found + [(step, "it made room for a capture that failed") for step in back]
