"""`snapall run`: the jobs one after the other, each with its guardian, hooks and metrics."""

from __future__ import annotations

from collections.abc import Sequence

from snapall.app.jobrun import JobRun
from snapall.app.opening import pace_of
from snapall.app.output import Output, publishing
from snapall.app.signals import signal_flag
from snapall.backup.clock import Clock, SystemClock
from snapall.backup.model import Job
from snapall.config.settings import Config
from snapall.errors import Exit, worst
from snapall.operate.launcher import GuardianLauncher
from snapall.operate.secrets import exposed


def run(
    settings: Config,
    jobs: Sequence[Job],
    output: Output,
    keep: str = "",
    launcher: GuardianLauncher | None = None,
    clock: Clock | None = None,
) -> Exit:
    """Back up the jobs one after the other, and return the worst exit code. `launcher` starts the guardians."""
    codes = []
    launcher = GuardianLauncher(settings) if launcher is None else launcher
    for job in jobs:
        with publishing(settings, output, log=True) as (warn, listener), signal_flag(warn) as stopped:
            for note in exposed(settings) if job is jobs[0] else ():
                warn(*note)
            pace, time = pace_of(settings, job), clock or SystemClock()
            codes.append(JobRun(settings, job, pace, time, listener, stopped, launcher, keep).run())
            if stopped():
                codes.append(Exit.STOPPED if job is not jobs[-1] else codes[-1])
                break
    return worst(*codes)
