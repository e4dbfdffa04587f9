"""Gathers what an audit holds side by side: the state folder, the database, each job's filer."""

from __future__ import annotations

from snapall.asking import memory_of
from snapall.backup.debts import Debts, owed
from snapall.backup.memory import Memory
from snapall.backup.model import FilerSnapshot, Job
from snapall.errors import JournalError, SnapallError
from snapall.operate.audit import Audit, audit
from snapall.operate.findings import Finding, JobSources, Kind, VmSources
from snapall.operate.history import at_work, known_of, require_listed
from snapall.settings import Config
from snapall.site import OpenSite


def audited(settings: Config) -> Audit:
    """Ask all three sources of every job; one that does not answer is a finding, and the others are told all the same.

    Nothing is changed, and no lock is held. JournalError: there is nothing to hold beside the others.
    """
    memory = memory_of(settings)
    require_listed(memory.folder)
    troubles: list[Finding] = []
    vms, stores = _database(settings, troubles)
    jobs = [_job(settings, job, stores, memory, troubles) for job in settings.jobs.values()]
    return audit(jobs, vms, troubles, _of_no_job(settings, memory, troubles))


def _database(settings: Config, troubles: list[Finding]) -> tuple[VmSources | None, dict[str, tuple[int, ...]]]:
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
        troubles.append(Finding(Kind.UNASKED, "", error.message, error.hint))
        return None, plain
    ids = dict(plain)
    for job in settings.jobs.values():
        try:
            ids[job.name] = ids_of(job.datastores, inventory)
        except SnapallError as error:
            troubles.append(Finding(Kind.UNASKED, job.name, error.message, error.hint))
    vms = [(one.vm, one.datastores) for one in placed]
    return VmSources(vms, {one.id: one.name for one in inventory}, rows), ids


def _job(
    settings: Config, job: Job, stores: dict[str, tuple[int, ...]], memory: Memory, troubles: list[Finding]
) -> JobSources:
    listings: dict[str, tuple[FilerSnapshot, ...]] = {}
    site = OpenSite(job, settings)
    for volume in job.volumes:
        try:
            listings[volume] = site.listing(volume)
        except SnapallError as error:
            troubles.append(Finding(Kind.UNASKED, job.name, error.message, error.hint))
    owing = _owed(memory, job.name, troubles)
    return JobSources(
        job, stores[job.name], listings, memory.known(job.name), owing, at_work=bool(at_work(memory, job.name))
    )


def _owed(memory: Memory, job: str, troubles: list[Finding]) -> tuple[Debts, ...]:
    try:
        unreadable = known_of(memory, job).unreadable
    except JournalError as error:
        troubles.append(Finding(Kind.UNREADABLE, job, error.message, error.hint))
        return ()
    remedy = "what it may owe is not known: look into it by hand"
    troubles += [Finding(Kind.UNREADABLE, job, text, remedy) for text in unreadable]
    found: list[Debts] = []
    for path in memory.open_runs(job):
        try:
            found.append(owed(memory.open(path).facts))
        except JournalError:
            continue  # told above
    return tuple(found)


def _of_no_job(settings: Config, memory: Memory, troubles: list[Finding]) -> dict[str, tuple[Debts, ...]]:
    """What is owed by open runs of jobs that the configuration does not name any more."""
    found: dict[str, tuple[Debts, ...]] = {}
    for name in (name for name in memory.jobs() if name not in settings.jobs):
        text = f"job {name} is not in the configuration, and a run of it is not settled"
        troubles.append(Finding(Kind.OWED, name, text, _RECOVER))
        found[name] = _owed(memory, name, troubles)
    return found


_RECOVER = "`snapall recover` settles it by what its journal says; it may need the job's filer in the configuration"
