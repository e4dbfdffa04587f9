"""`snapall drill`: a configuration's own jobs, on a pretended site, killed everywhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from snapall.backup.model import Job
from snapall.config.settings import Config
from snapall.drill import NotHere
from snapall.drill.cells import Extent, Transport, cells_of
from snapall.drill.play import Played
from snapall.drill.pool import calls_of, ground, played
from snapall.drill.stage import Subject

_WORKERS = 6  # for each processor: most of a cell's time is waiting
_MOST_WORKERS = 24  # each has a site and a server of its own


@dataclass(frozen=True, slots=True)
class Trial:
    """One site on which a job is tried, and how much."""

    job: Job
    parallel: int
    transport: Transport
    extent: Extent


def trials_of(settings: Config, jobs: Sequence[Job], extent: Extent) -> list[Trial]:
    """Each job as it is configured: its names, retention, order, rules, and calls at a time."""
    return [Trial(job, settings.vcenter.parallel, settings.filers[job.filer].transport, extent) for job in jobs]


def drill(trials: Sequence[Trial], enough: Callable[[Played], bool] = lambda _: False) -> list[Played]:
    """Play all cells of all trials, or as far as the first that is `enough`, with a bar while a person waits.

    SnapallError: not on this system, or a run on the drill's own site did not go well.
    """
    if sys.platform == "win32":
        raise NotHere
    done: list[Played] = []
    for trial in trials:
        for one in _shown(_played(trial)):
            done.append(one)
            if enough(one):
                return done
    return done


def _played(trial: Trial) -> Generator[tuple[Played, int]]:
    with ground(Subject(trial.job, trial.parallel)) as made:
        calls = calls_of(made, trial.transport)
        cells = cells_of(trial.job, trial.transport, calls, trial.extent)
        workers = min(_MOST_WORKERS, _WORKERS * (os.cpu_count() or 1))
        for one in played(made, cells, workers):
            yield one, len(cells)


def _shown(results: Generator[tuple[Played, int]]) -> Iterator[Played]:
    """Pass them on, with a bar while a person waits."""
    seen = sys.stderr.isatty()
    broken = 0
    with closing(results):
        for number, (one, of) in enumerate(results, 1):
            broken += bool(one.findings)
            if seen:
                bar = f"[{'#' * (30 * number // of):<30}] {number}/{of}, {broken} broken"
                sys.stderr.write(f"\r{one.cell.site}: {bar} ")
                sys.stderr.flush()
            yield one
    if seen:
        sys.stderr.write("\r\x1b[K")
