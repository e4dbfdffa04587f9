"""Runs on the simulated site whose calls take time, and what is read back from their journals."""

from __future__ import annotations

from pathlib import Path

from snapall.backup.journal import journals
from snapall.backup.steps import Capture, Quiesce, Release, Step
from snapall.operate.history import known_of
from snapall.operate.reading import history
from snapall.operate.run_history import RunHistory
from snapall.operate.status import JobStatus, job_status
from tests.backup.simulated import Stage

CREATE, CAPTURE, REMOVE = 3.0, 1.0, 5.0


def slow_stage(state: Path) -> Stage:
    """Each call takes its seconds, one after the other: the clock is one for all."""
    stage = Stage(state)

    def passes(step: Step) -> None:
        match step:
            case Quiesce():
                stage.clock.push(CREATE)
            case Capture():
                stage.clock.push(CAPTURE)
            case Release():
                stage.clock.push(REMOVE)
            case _:
                pass

    stage.site.after = passes
    return stage


def run_history_of(stage: Stage, which: int = -1) -> RunHistory:
    """The history of one of its runs, by default of the last one."""
    run = history(stage.store.read(journals(stage.store.folder)[which]))
    assert run is not None
    return run


def job_status_of(stage: Stage, hours: float = 1.0) -> JobStatus:
    """The status of its job so many hours from now."""
    stage.clock.push(hours * 3600)
    return job_status(stage.job, known_of(stage.store, stage.job.name), stage.clock.utc())
