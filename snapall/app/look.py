"""`snapall list` and `snapall datastores`: the snapshots on the filer, the datastores in VirtualCenter."""

from __future__ import annotations

from snapall.app.opening import relations_of, store_of
from snapall.app.proofs import proof_log
from snapall.app.replicate import mirrors_on, source_of
from snapall.backup.model import Job, volume_at
from snapall.backup.origins import Provenance
from snapall.config.settings import Config
from snapall.errors import Refused, SiteError
from snapall.operate.ages import age_of
from snapall.operate.history import require_listed
from snapall.restore.vmx.generations import copies_by_run
from snapall.site import OpenSite
from snapall.views.reports import Retained, Taken


def retained(settings: Config, job: Job, *, kept: bool = False) -> tuple[list[Retained], list[SiteError]]:
    """List the snapshots of the job's volumes, newest first, and the errors of volumes that cannot be listed.

    `kept`: only those that `run --keep` made. JournalError: the state folder cannot be read, so no snapshot could
    be told from a foreign one.
    """
    store = store_of(settings)
    require_listed(store.folder)
    site = OpenSite(job, settings)
    past = Provenance(store.known(job.name))
    now, copies, checks = (
        store.clock.utc(),
        copies_by_run(settings.vmx.get(job.name), job.name),
        proof_log(store, job.name),
    )
    found, errors = [], []
    for volume in job.volumes:
        try:
            rows, shares = site.listing_with_shares(volume)
        except SiteError as error:
            errors.append(error)
            continue
        for row in rows:
            origin = past.of(volume, row.name, row.date)
            own = origin is not None and origin.kept
            if kept and not own:
                continue
            grade, made = (origin.label, origin.run) if origin is not None else ("unknown", "")
            age = age_of(made, row.date, now, None)
            share, proofs = shares.get(row.name), checks.of_backup(made) if made else ()
            copy = None if copies is None else copies[made].label if made in copies else ""
            found.append(Retained(volume, row.name, row.date, row.tags, grade, made, age, share, own, copy, proofs))
    return found, errors


def copies(settings: Config, job: Job) -> tuple[list[Retained], list[SiteError]]:
    """List the snapshots at the job's destinations, newest first, and the errors of those that cannot be listed.

    A mirror carries the names and dates of its source, so they have their grades; a vault's copies have names of its
    own.
    """
    store = store_of(settings)
    require_listed(store.folder)
    past, now = Provenance(store.known(job.name)), store.clock.utc()
    found: list[Retained] = []
    errors: list[SiteError] = []
    for relation in {volume_at(one.destination): one for one in relations_of(settings, job.name)}.values():
        place, source = f"{relation.filer}:{volume_at(relation.destination)}", source_of(relation, job)
        try:
            rows = mirrors_on(settings, relation.filer).copies(volume_at(relation.destination))
        except SiteError as error:
            errors.append(error)
            continue
        for row in rows:
            origin = past.of(source, row.name, row.date) if source else None
            grade, made = (origin.label, origin.run) if origin is not None else ("unknown", "")
            age = age_of(made, row.date, now, None)
            found.append(Retained(place, row.name, row.date, row.tags, grade, made, age))
    return found, errors


def datastores(settings: Config) -> tuple[tuple[Taken, ...], tuple[str, ...]]:
    """List the datastores with the jobs that back them up, and the jobs' errors in naming them."""
    from snapall.site.datastores import ids_of  # noqa: PLC0415 - with the next line's
    from snapall.site.virtualcenter import VirtualCenter  # noqa: PLC0415 - sqlalchemy

    found = VirtualCenter(settings.database).inventory()
    known = {one.id: one.name for one in found}
    wanted: dict[str, tuple[int, ...]] = {}
    faults = []
    for job in settings.jobs.values():
        try:
            wanted[job.name] = ids_of(job.datastores, known)
        except Refused as error:
            faults.append(f"job {job.name}: {error.message}")
            continue
        faults += [
            f"job {job.name}: there is no datastore with the id {one}" for one in wanted[job.name] if one not in known
        ]
    rows = tuple(Taken(one, tuple(job for job, ids in wanted.items() if one.id in ids)) for one in found)
    return rows, tuple(faults)
