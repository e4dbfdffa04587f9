"""Opens the state folder and the site, as a configuration names them."""

from __future__ import annotations

from snapall.backup.clock import Clock, SystemClock
from snapall.backup.context import RunContext
from snapall.backup.model import Job, Pace
from snapall.backup.store import JournalStore
from snapall.config.settings import Config
from snapall.site import OpenSite, process


def store_of(settings: Config, clock: Clock | None = None) -> JournalStore:
    """The state folder; nothing is written by asking."""
    return JournalStore(settings.state, clock or SystemClock(), process)


def pace_of(settings: Config, job: Job) -> Pace:
    """How fast the site may be asked, as one job sees it."""
    vcenter, filer = settings.vcenter, settings.filers.get(job.filer)
    timeout = filer.timeout if filer is not None else Pace().filer_timeout
    return Pace(vcenter.parallel, vcenter.timeout, vcenter.settle, timeout)


def quiet_context(settings: Config, job: Job, clock: Clock) -> RunContext:
    """What a look works with: nobody listens, and no signal stops it."""
    return RunContext(OpenSite(job, settings), clock, lambda _: None, lambda: False)
