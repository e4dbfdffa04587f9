"""`snapall audit`: gathers what is compared: the state folder, the database, each job's filer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from snapall.app.opening import store_of
from snapall.app.proofs import unproved
from snapall.backup.model import FilerSnapshot, Job, Vm
from snapall.backup.runstate import RunState
from snapall.backup.store import JournalStore
from snapall.backup.whereabouts import Place, most_used, same_storage
from snapall.config.settings import Config
from snapall.errors import JournalError, SnapallError
from snapall.operate.audit import Audit, audit
from snapall.operate.findings import AuditFinding, FindingKind, JobSources, VmSources
from snapall.operate.history import at_work, known_of, require_listed
from snapall.site import OpenSite

if TYPE_CHECKING:
    from snapall.site.virtualcenter import VirtualCenter


def run_audit(settings: Config) -> Audit:
    """Ask all sources of every job and compare them; a source that does not answer is itself a finding.

    Changes nothing and takes no lock. JournalError: the state folder cannot be read.
    """
    store = store_of(settings)
    require_listed(store.folder)
    problems: list[AuditFinding] = []
    vms, scopes = _database(settings, problems)
    jobs = [_job(settings, job, scopes[job.name], store, problems) for job in settings.jobs.values()]
    return audit(jobs, vms, problems, _removed_jobs(settings, store, problems))


@contextmanager
def _asking(problems: list[AuditFinding], job: str = "") -> Iterator[None]:
    """Record a source that does not answer as a finding."""
    try:
        yield
    except SnapallError as error:
        problems.append(AuditFinding(FindingKind.UNASKED, job, *error.parts))


@dataclass(frozen=True, slots=True)
class _Scope:
    """What a job takes, by the database: its datastores, the VMs of its query, the datastores on its volumes."""

    datastores: tuple[int, ...]
    queried: frozenset[int] = frozenset()
    captured: frozenset[int] = frozenset()


def _database(settings: Config, problems: list[AuditFinding]) -> tuple[VmSources | None, dict[str, _Scope]]:
    """Ask the database; return what it lists, and what each job takes."""
    from snapall.site.virtualcenter import VirtualCenter  # noqa: PLC0415 - sqlalchemy

    jobs = settings.jobs.values()
    scopes = {job.name: _Scope(tuple(one for one in job.datastores if isinstance(one, int))) for job in jobs}
    sources: VmSources | None = None
    with _asking(problems):
        database = VirtualCenter(settings.database)
        names = {one.id: one.name for one in database.inventory()}
        placed = database.placements()
        rows = database.snapshots([one.vm.id for one in placed])
        vms = [(one.vm, one.datastores) for one in placed]
        by_disks = frozenset(one.vm.id for one in placed if one.whole)
        sources = VmSources(vms, names, rows, by_disks, database.storage())
        for job in jobs:
            with _asking(problems, job.name):
                scopes[job.name] = _scope(job, jobs, database, sources)
    return sources, scopes


def _scope(job: Job, jobs: Iterable[Job], database: VirtualCenter, sources: VmSources) -> _Scope:
    from snapall.site.datastores import home_of, ids_of  # noqa: PLC0415 - for who asks the database

    own = ids_of(job.datastores, sources.datastores)
    queried = database.queried(job.query, allow_empty=job.allow_empty) if job.query else frozenset[int]()
    places = [Place(stores) for vm, stores in sources.vms if vm.id in queried]
    home = home_of(job, own, jobs, sources.datastores) or most_used(places, len(job.volumes))
    return _Scope(own, queried, frozenset({*home, *same_storage(sources.storage, home)}))


def _job(settings: Config, job: Job, scope: _Scope, store: JournalStore, problems: list[AuditFinding]) -> JobSources:
    listings: dict[str, tuple[FilerSnapshot, ...]] = {}
    site = OpenSite(job, settings)
    for volume in job.volumes:
        with _asking(problems, job.name):
            listings[volume] = site.listing(volume)
    runs, busy = _open_runs(store, job.name, problems), bool(at_work(store, job.name))
    known = store.known(job.name)
    missing: tuple[Vm, ...] | None = None
    with _asking(problems, job.name):
        missing = unproved(settings, store, job.name, known_of(store, job.name).nights)
    sources = (job, scope.datastores, listings, known, runs, busy, scope.queried, scope.captured)
    return JobSources(*sources, missing or ())


def _open_runs(store: JournalStore, job: str, problems: list[AuditFinding]) -> tuple[RunState, ...]:
    try:
        unreadable = known_of(store, job).unreadable
    except JournalError as error:
        problems.append(AuditFinding(FindingKind.UNREADABLE, job, *error.parts))
        return ()
    problems += [AuditFinding(FindingKind.UNREADABLE, job, one.text, one.remedy, one.code) for one in unreadable]
    found: list[RunState] = []
    for path in store.open_runs(job):
        with suppress(JournalError):  # `unreadable` has it
            found.append(store.read(path))
    return tuple(found)


def _removed_jobs(
    settings: Config, store: JournalStore, problems: list[AuditFinding]
) -> dict[str, tuple[RunState, ...]]:
    """Return the open runs of jobs that are no longer in the configuration."""
    found: dict[str, tuple[RunState, ...]] = {}
    for name in (name for name in store.jobs() if name not in settings.jobs):
        found[name] = _open_runs(store, name, problems)
        if found[name]:
            text = f"job {name} is no longer in the configuration, but one of its runs is unfinished"
            problems.append(AuditFinding(FindingKind.OUTSTANDING, name, text, _RECOVER, "SA-5408"))
    return found


_RECOVER = "run `snapall recover`, which works from the journal; the configuration may need the job's filer again"
