"""`snapall mount`, `unmount` and `restore`: do what was planned, and take it back."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from snapall.app.opening import store_of
from snapall.app.output import Output, publishing
from snapall.app.signals import signal_flag
from snapall.app.use_look import Order, luns_of, prepare
from snapall.backup.clock import Clock, SystemClock
from snapall.backup.context import guarded
from snapall.backup.facts import Failed, Warned
from snapall.backup.model import Job
from snapall.backup.private import arrange
from snapall.backup.record import Record
from snapall.config.settings import Config
from snapall.errors import ConfigError, Exit, Notify, Refused, coded, worst
from snapall.escaping import printable
from snapall.restore.checks import Objection
from snapall.restore.journal import Use, UseStore, sharing
from snapall.restore.record import UseBegan, UseRecord
from snapall.restore.state import UseState
from snapall.restore.uses import UseContext, begin, take_down
from snapall.views.mounts import plan_lines


@contextmanager
def working(settings: Config, job: Job, output: Output, clock: Clock | None = None) -> Iterator[UseContext]:
    """Open what a use needs; its steps and messages are shown on stderr, or its problems alone."""
    with publishing(settings, output, log=False) as (warn, listener), signal_flag(warn) as stopped:
        clock = clock or SystemClock()
        luns = luns_of(settings, job)
        arrange(settings.state, settings.readers)
        store = UseStore(store_of(settings, clock))

        def show(record: UseRecord) -> None:
            if record.message is not None:
                listener(Record(record.at, record.message))
            elif record.sent is not None and not output.quiet:
                _say(luns.command_line(record.sent))

        jobs = sharing(tuple(settings.jobs.values()), job.filer, job.volumes)
        yield UseContext(jobs, luns, store, clock, stopped, warn, show)


def _say(line: str) -> None:
    with suppress(OSError, ValueError):  # the terminal may have gone
        sys.stderr.write(f"{printable(line)}\n")


def perform(
    settings: Config, job: Job, order: Order, output: Output, clock: Clock | None = None
) -> tuple[UseState, Exit]:
    """Do it, after everything was looked at again under the lock. Refused: something stands against it.

    Of a restore the plan is shown first. What --force overrides is warned of before the first step, and stays in the
    journal.
    """
    role = "restore" if order.way else "mount"
    with working(settings, job, output, clock) as context, context.alone(role):
        ready = prepare(settings, job, order, context.store.runs.stamp())
        overridden = ready.require(force=order.force)
        for line in plan_lines(ready.header, ready.commands, ()) if order.way and not output.quiet else ():
            _say(line)
        warnings = [Warned(one.text, one.remedy, one.code) for one in ready.notes]
        warnings += [_overridden(one) for one in overridden]
        return begin(replace(context, luns=ready.luns), ready.header, warnings)


def _overridden(one: Objection) -> Warned:
    text = f"overridden by --force: {coded(one.code, one.text)}"
    return Warned(text, "without --force this is refused, and nothing is changed", "SA-1750")


def unmount(settings: Config, ids: Sequence[str], output: Output) -> Exit:
    """Take down these mounts, or all of them. ConfigError: there is no such mount."""
    store = UseStore(store_of(settings))
    standing = {one.state.header.stamp: one for one in store.mounts() if not one.open}
    if unknown := [one for one in ids if one not in standing]:
        known = ", ".join(standing) or "none"
        raise ConfigError(f"there is no mount {', '.join(unknown)}", f"the mounts that stand: {known}", "SA-1736")
    codes = []
    for one in ids or standing:
        use = standing[one]
        job = job_of(settings, use.state.header)
        with working(settings, job, output) as context, context.alone("unmount"):
            codes.append(take_down(context, use, "unmount", "the operator asked for it")[1])
    return worst(*codes)


def job_of(settings: Config, header: UseBegan) -> Job:
    """The job of a use. Refused: the configuration has neither it nor another one on its filer."""
    jobs = [one for one in settings.jobs.values() if settings.filers[one.filer].host == header.filer]
    found = sorted(jobs, key=lambda one: one.name != header.job)
    if not found:
        raise Refused(
            f"{header.kind} {header.stamp} is on filer {header.filer}, which no job uses any more",
            "add a job with that filer again until it is settled",
            "SA-1737",
        )
    return found[0]


def recover_uses(settings: Config, output: Output, only: Sequence[str] = ()) -> tuple[Exit, int]:
    """Take down what died half-way. The exit code, and how many there were."""
    store, unreadable = UseStore(store_of(settings)), list[Failed]()
    uses = store.uses(only_open=True, unreadable=lambda *parts: unreadable.append(Failed(*parts)))
    found = [one for one in uses if not only or one.state.header.job in only]
    codes = [_recovered(settings, use, output) for use in found]
    if unreadable:
        with publishing(settings, output, log=False) as (_, listener):
            for one in unreadable:
                listener(Record(SystemClock().utc(), one))
        codes.append(Exit.FAILED)
    return worst(*codes), len(found)


def _recovered(settings: Config, use: Use, output: Output) -> Exit:
    """Take down one of them; what prevents that is reported, and stops no other one."""
    codes: list[Exit] = []
    with publishing(settings, output, log=False) as (warn, _), guarded(lambda *parts: _failed(codes, warn, *parts)):
        job = job_of(settings, use.state.header)
        with (
            working(settings, job, output) as context,
            context.store.locked(context.jobs, "recover", context.stopped, context.warn),
        ):
            codes.append(take_down(context, use, "recover", "it had not finished")[1])
    return worst(*codes)


def _failed(codes: list[Exit], warn: Notify, *parts: str) -> None:
    codes.append(Exit.FAILED)
    warn(*parts)
