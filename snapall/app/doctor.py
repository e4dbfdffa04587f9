"""Puts an examination together: every link from the configuration to the filers, as a run needs them."""

from __future__ import annotations

from snapall.app.opening import store_of
from snapall.app.plan import outlook
from snapall.app.recover import orphans_of
from snapall.backup.model import Job, Vm
from snapall.config.settings import Config
from snapall.operate.doctor.filers import look_at_filer
from snapall.operate.doctor.here import look_here
from snapall.operate.doctor.jobs import look_at_datastores, look_at_orphans, look_at_plan
from snapall.operate.doctor.links import Result, Walk
from snapall.operate.doctor.vmware import look_at_database, look_at_vcbsnapshot


def examined(settings: Config, jobs: tuple[Job, ...]) -> tuple[Result, ...]:
    """Look at every link of these jobs. Nothing is changed, no lock is held, and no journal or log is written."""
    from snapall.site.virtualcenter import VirtualCenter  # noqa: PLC0415 - sqlalchemy

    walk = Walk()
    look_here(walk, settings, store_of(settings))
    database = VirtualCenter(settings.database)
    look_at_database(walk, database)
    vms: list[Vm] = []
    for job in jobs:
        vms += look_at_datastores(walk, job, database)
    look_at_vcbsnapshot(walk, settings, vms)
    for name in dict.fromkeys(job.filer for job in jobs):
        look_at_filer(walk, settings, settings.filers[name])
    for job in jobs:
        look_at_plan(walk, job, lambda job=job: outlook(settings, job).plan)  # type: ignore[misc]
        look_at_orphans(walk, job, lambda job=job: orphans_of(settings, job))  # type: ignore[misc]
    return tuple(walk.results)
