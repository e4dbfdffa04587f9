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

_NIGHTS = 14  # that the medians are taken from
_ENOUGH = 3  # values for a median that one unusual night cannot spoil


def statistics_of(settings: Config, jobs: Sequence[Job], last: int) -> tuple[Statistics, ...]:
    """Return the statistics of the jobs' last nights."""
    store = store_of(settings)
    parallel = settings.vcenter.parallel
    recent = ((job.name, past(store, job.name, last)) for job in jobs)
    return tuple(statistics(name, found.runs[::-1], parallel, found.unreadable) for name, found in recent)


def history_of(settings: Config, job: Job) -> History:
    """Return what the job's calls took on the last nights; nothing if there are too few, or they cannot be read."""
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
    missed = frozenset(one.vm.id for one in runs[0].targets if one.state != QUIESCED) if runs else frozenset()
    took = [(run.ended - run.began).total_seconds() for run in runs if run.ended is not None and run.captures]
    expected = found.expected
    return History(usual, missed, expected.usual if expected is not None else None, median(took) if took else None)
