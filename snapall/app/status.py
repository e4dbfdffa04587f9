"""`snapall status`, `snapall show` and the metrics: the state of the jobs according to their journals alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from snapall.app.opening import relations_of, store_of
from snapall.app.proofs import unproved
from snapall.backup.clock import SystemClock
from snapall.backup.context import guarded
from snapall.backup.facts import Warned
from snapall.backup.model import Job
from snapall.backup.record import What
from snapall.backup.store import JournalStore
from snapall.config.settings import Config
from snapall.errors import JournalError, Notify
from snapall.operate.history import known_of, run_named
from snapall.operate.run_history import RunHistory
from snapall.operate.status import (
    JobStatus,
    Known,
    Level,
    Replica,
    StatusFinding,
    Unreadable,
    job_status,
    removed_job_status,
    with_replicas,
)
from snapall.restore.journal import UseStore
from snapall.restore.mounted import Mount


def run_of(settings: Config, name: str) -> RunHistory:
    """Return a past run. ConfigError: no run, or no single one, has this name. JournalError: it cannot be read."""
    return run_named(store_of(settings), name, tuple(settings.jobs))


def job_statuses(settings: Config, jobs: Sequence[Job]) -> tuple[JobStatus, ...]:
    """Return the state of the jobs from the state folder alone. JournalError: it cannot be read.

    With all jobs come those that were removed from the configuration: their VMs may still be quiesced.
    """
    store = store_of(settings)
    now = store.clock.utc()
    proved = [job_status(job, _known_with_proofs(settings, store, job.name), now) for job in jobs]
    found = [_with_replicas(settings, one, now) for one in proved]
    removed = [name for name in store.jobs() if name not in settings.jobs] if len(jobs) == len(settings.jobs) else []
    statuses = (removed_job_status(name, known_of(store, name), now) for name in removed)
    uses, now = UseStore(store), store.clock.utc()
    used = (_with_restores(settings, _with_mounts(one, uses, now), uses) for one in found)
    return (*used, *(one for one in statuses if one is not None))


def _with_restores(settings: Config, one: JobStatus, uses: UseStore) -> JobStatus:
    """Warn that the newest backup is gone since a volume was restored as a whole, until there is a newer one."""
    captured = one.backup.captured if one.backup is not None else None
    if captured is None or one.job.filer not in settings.filers:
        return one
    host = settings.filers[one.job.filer].host
    findings = tuple(
        StatusFinding(
            Level.WARNING,
            f"{state.header.label} put {', '.join(state.header.volumes)} back to {state.header.snapshot}: newer "
            "backups are gone; run `snapall list` to see what is left, then `snapall run`",
            "SA-1756",
        )
        for state in uses.rewound(host, one.job.volumes, captured)
    )
    return replace(one, findings=(*one.findings, *findings))


def _with_mounts(one: JobStatus, uses: UseStore, now: datetime) -> JobStatus:
    """Remind of mounts that are over, and of those that died half-way; an unreadable journal is one more finding."""
    texts: list[tuple[str, str]] = []
    mounts = uses.standing(one.job.name, lambda text, hint, code: texts.append((f"{text}; {hint}", code)))
    for each in mounts:
        label = f"{each.kind} {each.id} of {each.snapshot}"
        if each.half:
            texts.append((f"{label} is half-way: run `snapall recover`", "SA-1747"))
        elif each.left:
            remedy = f"correct that, then run `snapall recover --accept {each.id}`"
            texts.append((f"{label} was broken off: {'; '.join(each.left)}; {remedy}", "SA-1754"))
        elif each.is_over(now):
            texts.append((f"{label} was wanted until {each.until}: unmount it", "SA-1748"))
    due = sum(each.half or bool(each.left) or each.is_over(now) for each in mounts)
    findings = (*one.findings, *(StatusFinding(Level.WARNING, *parts) for parts in texts))
    return replace(one, findings=findings, mounts=len(mounts), mounts_due=due)


def mounts_of(settings: Config, jobs: Sequence[Job], unreadable: Notify = lambda *_: None) -> tuple[Mount, ...]:
    """Return the mounts of these jobs that stand, by their journals alone; `unreadable` is told of damaged ones."""
    names = {job.name for job in jobs}
    return tuple(one for one in UseStore(store_of(settings)).standing(unreadable=unreadable) if one.job in names)


def _known_with_proofs(settings: Config, store: JournalStore, job: str) -> Known:
    """What the journals and the proofs say of a job; unreadable proofs are one more finding."""
    known = known_of(store, job)
    try:
        vms = unproved(settings, store, job, known.nights)
    except JournalError as error:
        return replace(known, unreadable=(*known.unreadable, Unreadable(*error.parts, open=False)))
    return replace(known, unproved=tuple(vm.label for vm in vms) if vms is not None else None)


def _with_replicas(settings: Config, found: JobStatus, now: datetime) -> JobStatus:
    if not (replicas := replicas_of(settings, found.job.name, now)):
        return found
    return with_replicas(found, replicas, settings.job_tables[found.job.name].replicate.max_lag * 3600)


def replicas_of(settings: Config, job: str, now: datetime) -> tuple[Replica, ...]:
    """Return the destinations of a job's backups as the journals last saw them."""
    if not (relations := relations_of(settings, job)):
        return ()
    from snapall.restore.mirror.journal import last_seen  # noqa: PLC0415 - only where something is replicated

    return tuple(
        Replica(
            one.relation.destination, one.behind(now), f"{one.failure.text}; {one.failure.hint}" if one.failure else ""
        )
        for one in last_seen(settings.state, job, relations)
    )


def update_metrics(settings: Config, publish: Callable[[What], None]) -> None:
    """Rewrite the metrics file, if one is configured. A failure to do so is only a warning."""
    if settings.metrics is None:
        return
    from snapall.views.prometheus import metrics_text, write_metrics  # noqa: PLC0415 - only if configured

    with guarded(lambda *parts: publish(Warned(*parts))):
        found = job_statuses(settings, tuple(settings.jobs.values()))
        write_metrics(settings.metrics, metrics_text(found, SystemClock().utc()))
