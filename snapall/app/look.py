"""`snapall list` and `snapall datastores`: what is on the filer and in VirtualCenter."""

from __future__ import annotations

from snapall.app.opening import store_of
from snapall.backup.model import Job
from snapall.backup.origins import Provenance
from snapall.config.settings import Config
from snapall.errors import Refused, SiteError
from snapall.operate.ages import age_of
from snapall.operate.history import require_listed
from snapall.site import OpenSite
from snapall.views.reports import Retained, Taken


def retained(settings: Config, job: Job) -> tuple[list[Retained], list[SiteError]]:
    """Every snapshot of the job's volumes, newest first, with grade, age and space; and why a volume was not listed.

    JournalError: the state folder cannot be read, and all of them would look like strangers.
    """
    store = store_of(settings)
    require_listed(store.folder)
    site = OpenSite(job, settings)
    past = Provenance(store.known(job.name))
    now = store.clock.utc()
    found, troubles = [], []
    for volume in job.volumes:
        try:
            rows, shares = site.listing_with_shares(volume)
        except SiteError as error:
            troubles.append(error)
            continue
        for row in rows:
            origin = past.of(volume, row.name, row.date)
            grade, made = (origin.label, origin.run) if origin is not None else ("unknown", "")
            age = age_of(made, row.date, now, None)
            found.append(Retained(volume, row.name, row.date, row.tags, grade, made, age, shares.get(row.name)))
    return found, troubles


def datastores(settings: Config) -> tuple[tuple[Taken, ...], tuple[str, ...]]:
    """Every datastore with the jobs that take it; and what is wrong with the datastores that jobs name."""
    from snapall.site.datastores import ids_of  # noqa: PLC0415 - with the next line's
    from snapall.site.virtualcenter import VirtualCenter  # noqa: PLC0415 - sqlalchemy

    found = VirtualCenter(settings.database).inventory()
    known = {one.id for one in found}
    wanted: dict[str, tuple[int, ...]] = {}
    faults = []
    for job in settings.jobs.values():
        try:
            wanted[job.name] = ids_of(job.datastores, found)
        except Refused as error:
            faults.append(f"job {job.name}: {error.message}")
            continue
        absent = [str(one) for one in wanted[job.name] if one not in known]
        faults += [f"job {job.name}: there is no datastore with the id {one}" for one in absent]
    rows = tuple(Taken(one, tuple(job for job, ids in wanted.items() if one.id in ids)) for one in found)
    return rows, tuple(faults)
