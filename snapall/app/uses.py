"""`snapall mount`, `unmount` and `restore`: do what was planned, and take it back."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace

from snapall.app.opening import shared_volumes, store_of
from snapall.app.output import Output, publishing
from snapall.app.signals import signal_flag
from snapall.app.terminal import is_terminal
from snapall.app.use_look import UseRequest, luns_on, prepare
from snapall.backup.clock import Clock, SystemClock
from snapall.backup.context import defect
from snapall.backup.facts import Failed, Warned
from snapall.backup.model import Job
from snapall.backup.private import arrange
from snapall.backup.record import Record
from snapall.config.settings import Config, Filer
from snapall.errors import ConfigError, Exit, Refused, SnapallError, coded, worst
from snapall.escaping import printable
from snapall.restore import uses
from snapall.restore.checks import Objection
from snapall.restore.journal import RecordedUse, SharedVolumes, UseStore
from snapall.restore.record import UseBegan, UseRecord
from snapall.restore.state import UseState
from snapall.restore.uses import UseContext, begin
from snapall.views.mounts import plan_lines


@contextmanager
def working(
    settings: Config, filer: Filer, shared: SharedVolumes, output: Output, clock: Clock | None = None
) -> Iterator[UseContext]:
    """Open what a use needs; its steps and messages are shown on stderr, or its problems alone."""
    with publishing(settings, output, log=False) as (warn, listener), signal_flag(warn) as stopped:
        clock = clock or SystemClock()
        luns = luns_on(filer)
        arrange(settings.state, settings.readers)
        store = UseStore(store_of(settings, clock))

        def show(record: UseRecord) -> None:
            if record.message is not None:
                listener(Record(record.at, record.message))
            elif record.sent is not None and not output.quiet:
                listener.bus.flush()  # what it overrides is named before it
                _say(luns.command_line(record.sent))

        yield UseContext(shared, luns, store, clock, stopped, warn, show)


def _say(line: str) -> None:
    with suppress(OSError, ValueError):  # the terminal may have gone
        sys.stderr.write(f"{printable(line)}\n")


def _columns() -> int:
    """The columns of the terminal that stderr is; 0: it is none."""
    with suppress(OSError, ValueError):
        return os.get_terminal_size(sys.stderr.fileno()).columns if is_terminal(sys.stderr) else 0
    return 0


def perform(
    settings: Config, job: Job, request: UseRequest, output: Output, clock: Clock | None = None
) -> tuple[UseState, Exit]:
    """Do it, after everything was looked at again under the lock. Refused: something stands against it.

    Of a restore the plan is shown first. What --force overrides is warned of before the first step, and stays in the
    journal.
    """
    role, filer = "restore" if request.way else "mount", settings.filers[job.filer]
    shared = shared_volumes(settings, filer.host, job.volumes, job.name)
    with working(settings, filer, shared, output, clock) as context, context.alone(role):
        ready = prepare(settings, job, request, context.store.runs.stamp())
        overridden = ready.require(force=request.force)
        for line in (
            plan_lines(ready.header, ready.commands, (), _columns()) if request.way and not output.quiet else ()
        ):
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
        with _working_on(settings, standing[one].state.header, output) as context, context.alone("unmount"):
            codes.append(uses.unmount(context, standing[one]))
    return worst(*codes)


def _working_on(settings: Config, header: UseBegan, output: Output) -> AbstractContextManager[UseContext]:
    """Open what settles a use: its own volumes, whatever their jobs are called now. Refused: its filer is unknown."""
    shared = shared_volumes(settings, header.filer, header.volumes, header.job)
    named = {settings.jobs[one].filer for one in shared.jobs if one in settings.jobs}
    filers = [one for one in settings.filers.values() if one.host == header.filer]
    if not filers:
        raise Refused(
            f"{header.label} is on filer {header.filer}, which the configuration no longer has",
            "add a [filers.NAME] table with that host again until it is settled",
            "SA-1737",
        )
    return working(settings, min(filers, key=lambda one: one.name not in named), shared, output)


def recover_uses(settings: Config, output: Output, *, wait: bool, only: Sequence[str] = ()) -> tuple[Exit, int]:
    """Take down what died half-way, and say what was left wrong. The exit code, and how many there were."""
    store, unreadable = UseStore(store_of(settings)), list[Failed]()
    known = store.uses(unreadable=lambda *parts: unreadable.append(Failed(*parts)))
    found = [one for one in known if one.unfinished and (not only or one.state.header.job in only)]
    codes = [code for use in found if (code := _recovered(settings, use, output, wait=wait)) is not None]
    if unreadable:
        with publishing(settings, output, log=False) as (_, listener):
            for one in unreadable:
                listener(Record(SystemClock().utc(), one))
        codes.append(Exit.FAILED)
    return worst(*codes), len(codes)


def accept(settings: Config, ids: Sequence[str], output: Output) -> None:
    """Say no more of what these uses left wrong. ConfigError: one left nothing, or is still to be settled."""
    known = {one.state.header.stamp: one for one in UseStore(store_of(settings)).uses() if one.left and not one.open}
    if unknown := [one for one in ids if one not in known]:
        raise ConfigError(
            f"there is nothing to accept of {', '.join(unknown)}",
            f"run `snapall recover` first, which settles what it can; to be accepted: {', '.join(known) or 'nothing'}",
            "SA-1755",
        )
    for one in ids:
        with (
            _working_on(settings, known[one].state.header, output) as context,
            context.settling(wait=True, yielding=False),
        ):
            uses.accept(context, known[one])


def _recovered(settings: Config, use: RecordedUse, output: Output, *, wait: bool) -> Exit | None:
    """Take down one of them, unless it has ended by itself; what prevents that is reported, and stops no other one."""
    try:
        with _working_on(settings, use.state.header, output) as context:
            return uses.settle(context, use, wait=wait)
    except SnapallError as error:
        code, parts = error.exit, error.parts
    except Exception:  # noqa: BLE001 - it must not stop the others
        code, parts = Exit.FAILED, defect()
    with publishing(settings, output, log=False) as (_, listener):
        listener(Record(SystemClock().utc(), Failed(*parts)))
    return code
