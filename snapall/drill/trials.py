"""`snapall drill`: a configuration's own jobs, on a pretended site, killed everywhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from snapall.backup.model import Job
from snapall.config import Config
from snapall.drill import NotHere, report
from snapall.drill.cells import Extent, Transport, cells_of
from snapall.drill.play import Played
from snapall.drill.stage import Subject
from snapall.drill.workers import calls_of, ground, played

_WORKERS = 3  # for each processor: most of a cell's time is waiting


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


def drill(trials: Sequence[Trial]) -> list[Played]:
    """Play all cells of all trials, with a bar while a person waits. SnapallError: not on this system."""
    if sys.platform == "win32":
        raise NotHere
    return [one for trial in trials for one in _shown(_played(trial))]


def _played(trial: Trial) -> Iterator[tuple[Played, int]]:
    with ground(Subject(trial.job, trial.parallel)) as made:
        calls = calls_of(made, trial.transport)
        cells = cells_of(trial.job, trial.transport, calls, trial.extent)
        workers = _WORKERS * (os.cpu_count() or 1)
        for one in played(made, cells, workers):
            yield one, len(cells)


def _shown(results: Iterator[tuple[Played, int]]) -> list[Played]:
    """Collect them, with a bar while a person waits."""
    done: list[Played] = []
    seen = sys.stderr.isatty()
    for one, of in results:
        done.append(one)
        if seen:
            width = 30 * len(done) // of
            broken = sum(bool(cell.findings) for cell in done)
            line = f"\r{report.group(one)[0]}: [{'#' * width:<30}] {len(done)}/{of}, {broken} broken "
            sys.stderr.write(line)
            sys.stderr.flush()
    if seen:
        sys.stderr.write("\r" + " " * 78 + "\r")
    return done
