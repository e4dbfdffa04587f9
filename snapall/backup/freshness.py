"""How old a job's backups are: whether another one is due, comes too soon, or begins without its past. Pure."""

from __future__ import annotations

from datetime import datetime

from snapall.backup.facts import Warned
from snapall.backup.model import Job, Order, time_of
from snapall.backup.origins import Provenance
from snapall.backup.outcome import Origin
from snapall.backup.rotation import Listings

SOON = 0.25
"""A run warns when the newest retained backup is younger than this part of the job's `max_age`."""


def not_due(job: Job, past: Provenance, limit: float, now: datetime) -> str:
    """Why no backup is due: the newest good one, published or pending, is younger than `limit` seconds.

    "" when one is due. A backup dated in the future proves nothing: a clock was wrong then, or is now.
    """
    whole = [one for one in past.origins if not one.kept and one.grade >= job.publish and _everywhere(job, past, one)]
    newest = max(whole, key=lambda one: one.run, default=None)
    age = _age(newest, now)
    if newest is None or age is None or not 0 <= age < limit:
        return ""
    return f"the backup of run {newest.run} is {_hours(age)} old, younger than {_hours(limit)}"


def _everywhere(job: Job, past: Provenance, one: Origin) -> bool:
    """Whether every volume of the job lists the backup, under a retained or a temporary name."""
    listed = {other.volume for other in past.origins if other.run == one.run and not other.doomed}
    return (one.name in job.chain or one.temporary) and listed.issuperset(job.volumes)


def too_soon(job: Job, past: Provenance, now: datetime | None) -> list[Warned]:
    """Warn of a run that follows the last one so soon that a few like it push out every older backup."""
    retained = [one for one in past.origins if one.name in job.chain]
    newest = max(retained, key=lambda one: one.run, default=None)
    age = _age(newest, now) if now is not None else None
    if newest is None or age is None or not 0 <= age < SOON * job.max_age:
        return []
    text = f"{newest.name} is only {_hours(age)} old: {len(job.chain)} runs in a row push out all older backups"
    remedy = (
        "take a backup outside the rotation with `snapall run --keep NAME`; in a scheduler that may start twice, use "
        "`snapall run --if-older-than 20h`"
    )
    return [Warned(text, remedy, "SA-1421")]


def unremembered(job: Job, listings: Listings, state: str) -> list[Warned]:
    """Warn of retained backups that the state folder knows nothing of: the batch made them, or it was moved.

    `state`: the folder, if no earlier run of the job is on record there, otherwise "". Not in paper order, whose log
    has the batch's own lines alone, from the first run on.
    """
    if job.order is Order.PAPER:
        return []
    found = [name for name in job.chain if any(row.name == name for volume in job.volumes for row in listings[volume])]
    if not state or not found:
        return []
    names = found[0] if len(found) == 1 else f"{found[0]} to {found[-1]}"
    text = f"no earlier run of job {job.name} is on record in {state}, but {', '.join(job.volumes)} already has {names}"
    remedy = "if the old batch made them, do nothing; if snapall did, set `state` to the folder that it used then"
    return [Warned(text, remedy, "SA-1422")]


def _age(one: Origin | None, now: datetime) -> float | None:
    taken = time_of(one.run) if one is not None else None
    return (now - taken).total_seconds() if taken is not None else None


def _hours(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f}".removesuffix(".0") + " h"
