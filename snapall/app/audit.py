"""`snapall audit`: gathers what is compared: the state folder, the database, each job's filer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from snapall.app.opening import store_of
from snapall.backup.model import FilerSnapshot, Job
from snapall.backup.runstate import RunState
from snapall.backup.store import JournalStore
from snapall.config.settings import Config
from snapall.errors import JournalError, SnapallError
from snapall.operate.audit import Audit, audit
from snapall.operate.findings import AuditFinding, FindingKind, JobSources, VmSources
from snapall.operate.history import at_work, known_of, require_listed
from snapall.site import OpenSite


def run_audit(settings: Config) -> Audit:
    """Ask all sources of every job and compare them; a source that does not answer is itself a finding.

    Changes nothing and takes no lock. JournalError: the state folder cannot be read.
    """
    store = store_of(settings)
    require_listed(store.folder)
    problems: list[AuditFinding] = []
    vms, stores = _database(settings, problems)
    jobs = [_job(settings, job, stores[job.name], store, problems) for job in settings.jobs.values()]
    return audit(jobs, vms, problems, _removed_jobs(settings, store, problems))


@contextmanager
def _asking(problems: list[AuditFinding], job: str = "") -> Iterator[None]:
    """Record a source that does not answer as a finding."""
    try:
        yield
    except SnapallError as error:
        problems.append(AuditFinding(FindingKind.UNASKED, job, *error.parts))


def _database(settings: Config, problems: list[AuditFinding]) -> tuple[VmSources | None, dict[str, tuple[int, ...]]]:
    """Ask the database; return what it lists, and each job's datastores by id."""
    from snapall.site.datastores import ids_of  # noqa: PLC0415 - with the next line's
    from snapall.site.virtualcenter import VirtualCenter  # noqa: PLC0415 - sqlalchemy

    jobs = settings.jobs.values()
    ids = {job.name: tuple(one for one in job.datastores if isinstance(one, int)) for job in jobs}
    sources: VmSources | None = None
    with _asking(problems):
        database = VirtualCenter(settings.database)
        names = {one.id: one.name for one in database.inventory()}
        placed = database.placements()
        rows = database.snapshots([one.vm.id for one in placed])
        vms = [(one.vm, one.datastores) for one in placed]
        sources = VmSources(vms, names, rows)
        for job in jobs:
            with _asking(problems, job.name):
                ids[job.name] = ids_of(job.datastores, names)
    return sources, ids


def _job(
    settings: Config, job: Job, datastores: tuple[int, ...], store: JournalStore, problems: list[AuditFinding]
) -> JobSources:
    listings: dict[str, tuple[FilerSnapshot, ...]] = {}
    site = OpenSite(job, settings)
    for volume in job.volumes:
        with _asking(problems, job.name):
            listings[volume] = site.listing(volume)
    runs = _open_runs(store, job.name, problems)
    return JobSources(job, datastores, listings, store.known(job.name), runs, at_work=bool(at_work(store, job.name)))


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
