"""What replication does next: pure. It looks for Idle, sends each step once, and believes only a newer base.

`Transfer started.` is acceptance, and `Idle with restart checkpoint` an interrupted transfer: neither is done.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from snapall.backup.facts import Failed
from snapall.backup.model import volume_at
from snapall.restore.mirror.relations import CopiesView, KeepCopy, Kind, MirrorStep, Relation, RelationView, Update
from snapall.restore.mirror.replication import MirrorSettled, ReplicationState, ReplicationTask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class MirrorPolicy:
    """How replication goes on, in seconds. `send` False: what was started is only looked at (recover)."""

    every: float = 10  # between two looks
    quiet: float = 300  # an accepted command that starts nothing for so long has done nothing
    slack: float = 120  # between this machine's time and the filer's lag
    send: bool = True


@dataclass(frozen=True, slots=True)
class LookAt:
    """Ask for the status of the step's relation, or for the copies."""

    step: MirrorStep


@dataclass(frozen=True, slots=True)
class SendMirrorStep:
    """Journal the intent, then send the step."""

    step: MirrorStep


MirrorAction = LookAt | SendMirrorStep | MirrorSettled


def decide_mirror(
    state: ReplicationState,
    now: datetime,
    policy: MirrorPolicy,
    clones: Mapping[str, tuple[str, ...]],
    *,
    looked: bool = False,
) -> tuple[MirrorAction, ...]:
    """The actions that may begin now; none: wait `every` seconds, or, if every task is settled, the end.

    `clones`: the snapshots of each source volume that a LUN clone rests on now. `looked`: the looks that were due have
    been made; they count, however long a slow filer took for all of them.
    """
    due = None if looked else policy.every
    found = (_next(state, one, now, policy, clones, due) for one in state.tasks.values() if one.settled is None)
    return tuple(one for one in found if one is not None)


def _next(
    state: ReplicationState,
    task: ReplicationTask,
    now: datetime,
    policy: MirrorPolicy,
    clones: Mapping[str, tuple[str, ...]],
    due: float | None,
) -> MirrorAction | None:
    """`due`: seconds after which another look is; None: only where there was none."""
    if task.asked_at is None and not policy.send:
        return _failed(task, *_unsent(task))
    if task.refused:
        return _failed(task, *_not_sent(task))
    if isinstance(task.step, KeepCopy) and task.asked_at is None:
        updates = [one for one in state.tasks.values() if isinstance(one.step, Update) and _is_in(one.step, task.step)]
        if any(one.settled is None for one in updates):
            return None
        if not all(one.done for one in updates):
            return _failed(task, *_not_kept(task.step))
    last, asked = task.looked_at, task.asked_at
    if last is None or (due is not None and (now - last).total_seconds() >= due):
        return LookAt(task.step)
    left = state.began.wait - (now - state.began_at).total_seconds() if state.began and state.began_at else 0.0
    return _before(state, task, left, clones) if asked is None else _after(task, now, left, policy)


def _before(
    state: ReplicationState, task: ReplicationTask, left: float, clones: Mapping[str, tuple[str, ...]]
) -> MirrorAction | None:
    """Whether the step may be sent, by what the look shows."""
    step, look = task.step, task.now
    if look is not None and not isinstance(look, RelationView | CopiesView):
        return not_begun(step, look)  # it could not be looked at
    if isinstance(step, KeepCopy) or not isinstance(look, RelationView):
        return SendMirrorStep(step)
    volumes = state.began.volumes if state.began is not None else ()
    if (why := unfit(step.relation, look, volumes)) is not None:
        return MirrorSettled(step, why)
    if held := clones.get(volume_at(look.source or step.relation.source), ()):
        return _failed(task, *_held_by_clones(step.relation, held))
    if look.idle or look.interrupted:
        return SendMirrorStep(step)
    return None if left > 0 else _failed(task, *_busy(step.relation, look))


def _after(task: ReplicationTask, now: datetime, left: float, policy: MirrorPolicy) -> MirrorAction | None:
    """How the step ended, by what the look shows; the answer only says why it failed."""
    step, look = task.step, task.now
    since = (now - task.asked_at).total_seconds() if task.asked_at is not None else 0.0
    match step, look, task.before:
        case KeepCopy(), CopiesView(rows), CopiesView(earlier):
            if rows and rows != earlier:
                return MirrorSettled(step)
            return None if since < policy.quiet and left > 0 else _failed(task, *_no_copy(step, task.complaint))
        case Update(relation), RelationView(), RelationView() as before if look.idle:
            if look.error:
                return _failed(task, *_broke_off(relation, look.error))
            if look.base == before.base and (look.base or not _is_recent(look, since, policy)):
                quiet = since >= policy.quiet or bool(task.complaint) or left <= 0
                return _failed(task, *_nothing_sent(relation, task.complaint)) if quiet else None
            return MirrorSettled(step) if _is_recent(look, since, policy) else _failed(task, *_older(relation))
        case Update(relation), RelationView(), _ if look.interrupted and since >= policy.every:
            return _failed(task, *_broke_off(relation, look.error or task.complaint or "interrupted"))
    return None if left > 0 else _failed(task, *_late(step, look))


def _is_recent(look: RelationView, since: float, policy: MirrorPolicy) -> bool:
    """Whether the base was made after the update began: a resumed transfer brings an older one."""
    return look.lag is not None and look.lag <= since + policy.slack


def _is_in(update: Update, kept: KeepCopy) -> bool:
    one = update.relation
    return (one.filer, volume_at(one.destination), one.keep_name) == (kept.filer, kept.volume, kept.name)


def _failed(task: ReplicationTask, text: str, hint: str, code: str) -> MirrorSettled:
    return MirrorSettled(task.step, Failed(text, hint, code))


def not_begun(step: MirrorStep, why: Failed) -> MirrorSettled:
    """The end of a step that was not sent, since something could not be looked at beforehand."""
    return MirrorSettled(step, replace(why, text=f"{_label(step)} was not sent: {why.text}"))


def _label(step: MirrorStep) -> str:
    return step.relation.label if isinstance(step, Update) else f"retained copy {step.name} of {step.volume}"


def unfit(one: Relation, look: RelationView, volumes: tuple[str, ...]) -> Failed | None:
    """Why this relation cannot be updated, whatever it is waited for."""
    place, program = one.destination, one.kind
    source = volume_at(look.source or one.source)
    if source not in volumes:
        return Failed(
            f"the source of {one.label} is {source}, which is no volume of this job",
            "correct `replicate` of the job: each relation starts at one of its `volumes`",
            "SA-1907",
        )
    match look.state.lower():
        case "uninitialized":
            start = f"snapmirror initialize -S {one.source} {place}" if one.kind is Kind.MIRROR else "snapvault start"
            return Failed(f"{one.label} has never been initialized", f"run `{start}` on {one.filer}", "SA-1904")
        case "broken-off":
            remedy = f"if the copy is not in use, run `{program} resync` on {one.filer}: see first with `resync -n`"
            return Failed(f"{one.label} is broken off: its copy is writable, and nothing is sent", remedy, "SA-1905")
        case "quiesced":
            return Failed(f"{one.label} is quiesced", f"run `{program} resume {place}` on {one.filer}", "SA-1906")
        case "snapmirrored" | "snapvaulted":
            return None
        case _:
            remedy = f"check `{program} status -l {place}` on {one.filer}"
            return Failed(f"{one.label} is in the state {look.state}", remedy, "SA-1909")


def _unsent(task: ReplicationTask) -> tuple[str, str, str]:
    label = _label(task.step)
    return f"{label} was not sent: the run died before", "the next backup sends it", "SA-1918"


def _not_sent(task: ReplicationTask) -> tuple[str, str, str]:
    label = _label(task.step)
    return f"{label} was not sent: {task.refused}", "check that the destination's filer can be reached", "SA-1917"


def _not_kept(step: KeepCopy) -> tuple[str, str, str]:
    text = f"no retained copy {step.name} was made on {step.volume}: not all of its qtrees were updated"
    return text, "fix what the update reports; the next backup makes the copy", "SA-1915"


def _held_by_clones(one: Relation, clones: tuple[str, ...]) -> tuple[str, str, str]:
    text = (
        f"{one.label} was not updated: a LUN clone in its source rests on {', '.join(clones)}, and would be transferred"
    )
    return (
        text,
        "take mounts down, and destroy other clones, which `lun show -v` lists; then the next backup is sent",
        "SA-1908",
    )


def _busy(one: Relation, look: RelationView) -> tuple[str, str, str]:
    text = f"{one.label} was not updated: it was {look.status} until `wait` was over"
    return text, "give the relation another schedule, or a longer `wait` in `replicate`", "SA-1916"


def _no_copy(step: KeepCopy, complaint: str) -> tuple[str, str, str]:
    text = f"no new copy {step.name} appeared on {step.volume}: {complaint or 'the filer did not say why'}"
    return text, "the name must stand in `snapvault snap sched` of that volume", "SA-1914"


def _broke_off(one: Relation, error: str) -> tuple[str, str, str]:
    if "cannot connect" in error.lower() or "denied" in error.lower() or ".access" in error.lower():
        remedy = f"on the source filer, add this one: `options {one.kind}.access host={one.filer}`"
        return f"{one.label}: the source filer refused the transfer: {error}", remedy, "SA-1910"
    return f"{one.label}: the transfer failed: {error}", f"see `{one.kind} status -l` on {one.filer}", "SA-1911"


def _nothing_sent(one: Relation, complaint: str) -> tuple[str, str, str]:
    if complaint:
        return _broke_off(one, complaint)
    text = f"{one.label}: the filer accepted the update and transferred nothing"
    return text, f"see the log /etc/log/{one.kind} on {one.filer}", "SA-1912"


def _older(one: Relation) -> tuple[str, str, str]:
    text = f"{one.label}: an earlier transfer was completed, and its base is older than this backup"
    return text, "the next backup sends what is missing; `snapall status` shows the lag", "SA-1919"


def _late(step: MirrorStep, look: object) -> tuple[str, str, str]:
    shown = look.status if isinstance(look, RelationView) else "not known"
    text = f"{_label(step)}: the transfer had not ended when `wait` was over ({shown})"
    return text, "it goes on by itself: `snapall status` shows the lag; give `replicate` a longer `wait`", "SA-1913"
