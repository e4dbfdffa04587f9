"""Gathers what an audit compares: the state folder, the database, each job's filer."""

from __future__ import annotations

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
    """Ask all three sources of every job; one that does not answer is a finding, and the others are still compared.

    Nothing is changed, and no lock is held. JournalError: the state folder cannot be read.
    """
    store = store_of(settings)
    require_listed(store.folder)
    problems: list[AuditFinding] = []
    vms, stores = _database(settings, problems)
    jobs = [_job(settings, job, stores, store, problems) for job in settings.jobs.values()]
    return audit(jobs, vms, problems, _of_no_job(settings, store, problems))


def _database(settings: Config, problems: list[AuditFinding]) -> tuple[VmSources | None, dict[str, tuple[int, ...]]]:
    """What the database says, and each job's datastores by id."""
    from snapall.site.datastores import ids_of  # noqa: PLC0415 - with the next line's
    from snapall.site.virtualcenter import VirtualCenter  # noqa: PLC0415 - sqlalchemy

    plain = {job.name: tuple(one for one in job.datastores if isinstance(one, int)) for job in settings.jobs.values()}
    try:
        database = VirtualCenter(settings.database)
        inventory = database.inventory()
        placed = database.placements()
        rows = database.snapshots([one.vm.id for one in placed])
    except SnapallError as error:
        problems.append(AuditFinding(FindingKind.UNASKED, "", error.message, error.hint))
        return None, plain
    ids = dict(plain)
    for job in settings.jobs.values():
        try:
            ids[job.name] = ids_of(job.datastores, inventory)
        except SnapallError as error:
            problems.append(AuditFinding(FindingKind.UNASKED, job.name, error.message, error.hint))
    vms = [(one.vm, one.datastores) for one in placed]
    return VmSources(vms, {one.id: one.name for one in inventory}, rows), ids


def _job(
    settings: Config, job: Job, stores: dict[str, tuple[int, ...]], store: JournalStore, problems: list[AuditFinding]
) -> JobSources:
    listings: dict[str, tuple[FilerSnapshot, ...]] = {}
    site = OpenSite(job, settings)
    for volume in job.volumes:
        try:
            listings[volume] = site.listing(volume)
        except SnapallError as error:
            problems.append(AuditFinding(FindingKind.UNASKED, job.name, error.message, error.hint))
    runs = _open_runs(store, job.name, problems)
    return JobSources(
        job, stores[job.name], listings, store.known(job.name), runs, at_work=bool(at_work(store, job.name))
    )


def _open_runs(store: JournalStore, job: str, problems: list[AuditFinding]) -> tuple[RunState, ...]:
    try:
        unreadable = known_of(store, job).unreadable
    except JournalError as error:
        problems.append(AuditFinding(FindingKind.UNREADABLE, job, error.message, error.hint))
        return ()
    problems += [AuditFinding(FindingKind.UNREADABLE, job, one.text, one.remedy) for one in unreadable]
    found: list[RunState] = []
    for path in store.open_runs(job):
        try:
            found.append(store.read(path))
        except JournalError:
            continue  # it is among the unreadable ones
    return tuple(found)


def _of_no_job(settings: Config, store: JournalStore, problems: list[AuditFinding]) -> dict[str, tuple[RunState, ...]]:
    """The open runs of jobs that the configuration does not name any more."""
    found: dict[str, tuple[RunState, ...]] = {}
    for name in (name for name in store.jobs() if name not in settings.jobs):
        found[name] = _open_runs(store, name, problems)
        if found[name]:
            text = f"job {name} is not in the configuration, and a run of it is not settled"
            problems.append(AuditFinding(FindingKind.OUTSTANDING, name, text, _RECOVER))
    return found


_RECOVER = "run `snapall recover`, which goes by the journal; the job's filer may have to be in the configuration"
