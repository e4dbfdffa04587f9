"""`snapall run`: the jobs one after the other, each with its guardian, hooks, metrics and notification; replication."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from snapall.app.jobrun import JobRun
from snapall.app.notify import notify_of_run
from snapall.app.opening import pace_of, relations_of, warn_of_writers
from snapall.app.output import Output, publishing
from snapall.app.replicate import Replicator
from snapall.app.signals import signal_flag
from snapall.app.status import update_metrics
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
    """Back up the jobs one after the other, replicate, and return the worst exit code. `launcher` starts the guardians.

    `if_older_than`: seconds; a job whose newest good backup is younger is left out.
    """
    codes: list[Exit] = []
    later: list[_Ended] = []
    cut = False
    time = clock or SystemClock()
    settings = settings.started_at(time.utc())
    launcher = GuardianLauncher(settings) if launcher is None else launcher
    for job in jobs:
        heard: list[Record] = []
        with publishing(settings, output, log=True, heard=heard) as (warn, listener), signal_flag(warn) as stopped:
            if job is jobs[0]:
                warn_of_writers(settings, warn)
            pace = pace_of(settings, job)
            one = JobRun(settings, job, pace, time, listener, stopped, launcher, keep, if_older_than)
            codes.append(one.run())
            if relations_of(settings, job.name):
                later.append(_Ended(job, codes[-1], heard))
            else:
                notify_of_run(settings, job, codes[-1], heard, listener)
            cut = stopped()
        if cut:
            codes.append(Exit.STOPPED if job is not jobs[-1] else codes[-1])
            break
    return worst(*codes, *_sent_on(settings, later, replace(output, svg=None), time, cut=cut))


@dataclass(frozen=True, slots=True)
class _Ended:
    """A job whose backup is to be replicated, its exit code so far, and what it published."""

    job: Job
    code: Exit
    heard: list[Record]


def _sent_on(settings: Config, ended: Sequence[_Ended], output: Output, clock: Clock, *, cut: bool) -> Iterator[Exit]:
    """Replicate when all jobs have their backups: a transfer may take an hour. After a signal (`cut`), only notify."""
    for one in ended:
        code = Exit.STOPPED if cut else one.code
        with publishing(settings, output, log=True, heard=one.heard) as (warn, listener), signal_flag(warn) as stopped:
            if not cut:
                sender = Replicator.of(settings, clock, listener, stopped)
                code = worst(code, sender.after(one.job, one.heard))
                update_metrics(settings, sender.publish)
                cut = stopped()
            notify_of_run(settings, one.job, worst(one.code, code), one.heard, listener)
        yield code
