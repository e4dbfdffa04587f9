"""`snapall drill`: a configuration's own jobs on a simulated site, struck at every call."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from snapall.backup.model import Job
from snapall.config.settings import Config
from snapall.drill import NotOnWindows
from snapall.drill.cellrun import CellResult
from snapall.drill.cells import Extent, Transport, cells_of
from snapall.drill.pool import building, calls_of, run_cells

_WORKERS = 6  # for each processor: a cell mostly waits
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


def drill(trials: Sequence[Trial]) -> Generator[CellResult]:
    """Run all cells of all trials; the results as they come, with a progress bar on a terminal.

    Raises SnapallError: not on this system, or the run that is not struck failed.
    """
    if sys.platform == "win32":
        raise NotOnWindows
    for trial in trials:
        yield from _with_bar(_results(trial))


def _results(trial: Trial) -> Generator[tuple[CellResult, int]]:
    """Each result, and the number of cells."""
    with building(trial.job, trial.parallel) as site:
        calls = calls_of(site, trial.transport)
        cells = cells_of(trial.job, trial.transport, calls, trial.extent)
        workers = min(_MOST_WORKERS, _WORKERS * (os.cpu_count() or 1))
        for one in run_cells(site, cells, workers):
            yield one, len(cells)


def _with_bar(results: Generator[tuple[CellResult, int]]) -> Iterator[CellResult]:
    terminal = sys.stderr.isatty()
    broken = 0
    with closing(results):
        for number, (one, count) in enumerate(results, 1):
            broken += bool(one.findings)
            if terminal:
                bar = f"[{'#' * (30 * number // count):<30}] {number}/{count}, {broken} broken"
                sys.stderr.write(f"\r{one.cell.site}: {bar} ")
                sys.stderr.flush()
            yield one
    if terminal:
        sys.stderr.write("\r\x1b[K")
