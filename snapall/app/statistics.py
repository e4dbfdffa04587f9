"""`snapall stats`, and the history by which a run orders its calls."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from snapall.app.opening import store_of
from snapall.backup.model import Job
from snapall.backup.outcome import QUIESCED
from snapall.backup.schedule import Durations, History
from snapall.config.settings import Config
from snapall.errors import JournalError
from snapall.operate.history import past
from snapall.operate.statistics import Statistics, statistics


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
    took = [(run.ended - run.began).total_seconds() for run in runs if run.ended is not None and run.captures]
    expected = found.expected
    return History(usual, missed, expected.usual if expected is not None else None, median(took) if took else None)
