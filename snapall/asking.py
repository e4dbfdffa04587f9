"""Puts a question together: configuration, state folder and site, for the commands that look at more than a plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from snapall.backup.clock import Clock, SystemClock
from snapall.backup.context import guarded
from snapall.backup.model import Job
from snapall.backup.origins import Past
from snapall.backup.outcome import QUIESCED
from snapall.backup.record import Warned, What
from snapall.backup.schedule import Durations, History
from snapall.backup.store import JournalStore
from snapall.errors import JournalError, SiteError
from snapall.operate.ages import age_of
from snapall.operate.course import Course
from snapall.operate.history import known_of, past, require_listed, run_named
from snapall.operate.statistics import Statistics, statistics
from snapall.operate.status import Standing, forgotten, standing
from snapall.settings import Config
from snapall.site import OpenSite, process
from snapall.views.reports import Retained


def store_of(settings: Config, clock: Clock | None = None) -> JournalStore:
    """The state folder; nothing is written by asking."""
    return JournalStore(settings.state, clock or SystemClock(), process)


def run_of(settings: Config, wanted: str) -> Course:
    """One run of the past. ConfigError: none is called so. JournalError: its journal cannot be read."""
    return run_named(store_of(settings), wanted, tuple(settings.jobs))


def standings(settings: Config, jobs: Sequence[Job]) -> tuple[Standing, ...]:
    """How the jobs stand, by the state folder alone. JournalError: it cannot be read.

    When all are asked for, so are those that the configuration has lost: their VMs may be quiesced all the same.
    """
    store = store_of(settings)
    now = store.clock.utc()
    found = [standing(job, known_of(store, job.name), now) for job in jobs]
    lost = [name for name in store.jobs() if name not in settings.jobs] if len(jobs) == len(settings.jobs) else []
    found += [one for one in (forgotten(name, known_of(store, name), now) for name in lost) if one is not None]
    return tuple(found)


def measure(settings: Config, publish: Callable[[What], None]) -> None:
    """Write the metrics anew, if any are wanted. What keeps them from being written is a warning, no failure."""
    if settings.metrics is None:
        return
    from snapall.views.prometheus import metrics_text, write_metrics  # noqa: PLC0415 - only where it is wanted

    with guarded(lambda text, hint: publish(Warned(text, hint))):
        found = standings(settings, tuple(settings.jobs.values()))
        write_metrics(settings.metrics, metrics_text(found, SystemClock().utc()))


def statistics_of(settings: Config, jobs: Sequence[Job], last: int) -> tuple[Statistics, ...]:
    """The statistics of the jobs' last nights."""
    store = store_of(settings)
    found = []
    for job in jobs:
        seen = past(store, job.name, last)
        found.append(statistics(job.name, seen.runs[::-1], settings.vcenter.parallel, seen.unreadable))
    return tuple(found)


_NIGHTS = 14  # of which the medians are taken
_ENOUGH = 3  # from which on a median is worth believing: one night that was off spoils nothing


def history_of(settings: Config, job: Job) -> History:
    """What the job's last nights show of its calls; nothing when there are too few, or when they cannot be read."""
    try:
        runs = past(store_of(settings), job.name, _NIGHTS).runs
    except JournalError:
        return History()
    found = statistics(job.name, runs[::-1], settings.vcenter.parallel)
    usual = {
        one.vm.id: Durations(
            *(each.median if len(each.known) >= _ENOUGH else None for each in (one.create, one.remove))
        )
        for one in found.vms
    }
    missed = frozenset(one.vm.id for one in runs[0].asked if one.state != QUIESCED) if runs else frozenset()
    return History(usual, missed)


def retained(settings: Config, job: Job) -> tuple[list[Retained], list[SiteError]]:
    """Every snapshot of the job's volumes, newest first, with grade, age and space; and why a volume was not listed.

    JournalError: the state folder cannot be read, and all of them would look like strangers.
    """
    store = store_of(settings)
    require_listed(store.folder)
    site = OpenSite(job, settings)
    past = Past(store.known(job.name))
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
