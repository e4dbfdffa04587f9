"""`snapall doctor`: the checks in the order in which a run needs what they check."""

from __future__ import annotations

from snapall.app.doctor_restore import check_books, check_destinations, check_restore_login
from snapall.app.notify import check_channels, check_source, require_channels
from snapall.app.opening import store_of
from snapall.app.plan import outlook
from snapall.app.recover import orphans_of
from snapall.app.schedule import check_scheduled
from snapall.app.vmx import check_consoles
from snapall.backup.model import Job
from snapall.config.settings import Config
from snapall.operate.doctor.checklist import Checklist, CheckResult
from snapall.operate.doctor.filers import check_filer
from snapall.operate.doctor.jobs import check_datastores, check_orphans, check_plan
from snapall.operate.doctor.machine import check_machine
from snapall.operate.doctor.vmware import check_database, check_vcbsnapshot


def run_checks(settings: Config, jobs: tuple[Job, ...], *, notify: bool = False) -> tuple[CheckResult, ...]:
    """Check all that these jobs need. Changes nothing, takes no lock, and writes neither journal nor log.

    `notify`: also send a test message by each channel of [notify]. ConfigError: there is none.
    """
    from snapall.site.virtualcenter import VirtualCenter  # noqa: PLC0415 - sqlalchemy

    if notify:
        require_channels(settings)
    checks = Checklist()
    check_machine(checks, settings, store_of(settings))
    check_scheduled(checks, settings)
    check_source(checks, settings)
    database = VirtualCenter(settings.database)
    check_database(checks, database)
    vms_of = {job.name: check_datastores(checks, job, database) for job in jobs}
    check_vcbsnapshot(checks, settings, [vm for found in vms_of.values() for vm in found])
    for name in dict.fromkeys(job.filer for job in jobs):
        check_filer(checks, settings, settings.filers[name])
        check_restore_login(checks, settings, settings.filers[name])
    for job in jobs:
        check_plan(checks, job, lambda job=job: outlook(settings, job, timely=False).plan)  # type: ignore[misc]
        check_orphans(checks, job, lambda job=job: orphans_of(settings, job))  # type: ignore[misc]
        check_books(checks, settings, job)
        check_destinations(checks, settings, job)
        check_consoles(checks, settings, job, vms_of[job.name], database)
    if notify:
        check_channels(checks, settings)
    return tuple(checks.results)
