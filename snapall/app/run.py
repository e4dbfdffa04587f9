"""`snapall run`: the jobs one after the other, each with its guardian, hooks, metrics and notification."""

from __future__ import annotations

from collections.abc import Sequence

from snapall.app.jobrun import JobRun
from snapall.app.notify import notify_of_run
from snapall.app.opening import pace_of, warn_of_writers
from snapall.app.output import Output, publishing
from snapall.app.signals import signal_flag
from snapall.backup.clock import Clock, SystemClock
from snapall.backup.model import Job
from snapall.backup.record import Record
from snapall.config.settings import Config
from snapall.errors import Exit, worst
from snapall.operate.launcher import GuardianLauncher


def run(  # noqa: PLR0913 - the last three have defaults
    settings: Config,
    jobs: Sequence[Job],
    output: Output,
    keep: str = "",
    *,
    launcher: GuardianLauncher | None = None,
    clock: Clock | None = None,
    if_older_than: float | None = None,
) -> Exit:
    """Back up the jobs one after the other, and return the worst exit code. `launcher` starts the guardians.

    `if_older_than`: seconds; a job whose newest good backup is younger is left out.
    """
    codes: list[Exit] = []
    launcher = GuardianLauncher(settings) if launcher is None else launcher
    for job in jobs:
        heard: list[Record] = []
        with publishing(settings, output, log=True, heard=heard) as (warn, listener), signal_flag(warn) as stopped:
            if job is jobs[0]:
                warn_of_writers(settings, warn)
            pace, time = pace_of(settings, job), clock or SystemClock()
            one = JobRun(settings, job, pace, time, listener, stopped, launcher, keep, if_older_than)
            codes.append(one.run())
            notify_of_run(settings, job, codes[-1], heard, listener)
            if stopped():
                codes.append(Exit.STOPPED if job is not jobs[-1] else codes[-1])
                break
    return worst(*codes)
