"""Opens the state folder and the site that a configuration names."""

from __future__ import annotations

from collections.abc import Sequence

from snapall.backup.clock import Clock, SystemClock
from snapall.backup.context import RunContext, guarded
from snapall.backup.model import Job, Pace
from snapall.backup.store import JournalStore
from snapall.config.believed import findings
from snapall.config.replicate import Replicate
from snapall.config.settings import Config
from snapall.errors import Notify
from snapall.restore.journal import SharedVolumes
from snapall.restore.mirror.relations import Kind, Relation
from snapall.site import OpenSite, process


def store_of(settings: Config, clock: Clock | None = None) -> JournalStore:
    """Return the store of the state folder; opening it writes nothing."""
    return JournalStore(settings.state, clock or SystemClock(), process)


def pace_of(settings: Config, job: Job) -> Pace:
    """Return how many calls at a time the site takes from a job, and for how long it may keep each waiting."""
    vcenter, filer = settings.vcenter, settings.filers.get(job.filer)
    timeout = filer.timeout if filer is not None else Pace().filer_timeout
    return Pace(vcenter.parallel, vcenter.timeout, vcenter.settle, timeout)


def warn_of_writers(settings: Config, warn: Notify) -> None:
    """Warn of files that somebody else could have written, or could read; whatever happens, that stops nothing."""
    with guarded(warn):
        for one in findings(settings):
            warn(one.text, one.hint, one.code)


def quiet_context(settings: Config, job: Job, clock: Clock) -> RunContext:
    """Return a context for commands that only look: nothing is published, and no signal stops them."""
    return RunContext(OpenSite(job, settings), clock, lambda _: None, lambda: False)


def shared_volumes(settings: Config, filer: str, volumes: Sequence[str], job: str) -> SharedVolumes:
    """Return the volumes of the filer at this host with the jobs that guard them: `job`, and all that back them up."""
    hosts = {name: one.host for name, one in settings.filers.items()}
    on_it = [one for one in settings.jobs.values() if hosts.get(one.filer) == filer]
    sharing = {one.name for one in on_it if not set(one.volumes).isdisjoint(volumes)}
    return SharedVolumes(filer, tuple(volumes), tuple(sorted({job, *sharing})))


def relations_of(settings: Config, job: str) -> tuple[Relation, ...]:
    """Return the relations of a job, configured or not any more."""
    table = settings.job_tables[job].replicate if job in settings.job_tables else Replicate()
    mirrors = (Relation(Kind.MIRROR, one.filer, one.destination, one.source) for one in table.mirrors)
    vaults = (Relation(Kind.VAULT, one.filer, one.destination, keep_name=one.keep_name or "") for one in table.vaults)
    return (*mirrors, *vaults)
