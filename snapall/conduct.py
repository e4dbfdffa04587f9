"""Puts a command together: configuration, site, store, listeners and signals. The deciding is done below it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from snapall.asking import history_of, measure, store_of
from snapall.backup.adopt import Orphan, adopt, orphans
from snapall.backup.bus import EventBus, Listener
from snapall.backup.clock import Clock, SystemClock
from snapall.backup.context import RunContext
from snapall.backup.model import Job, Pace
from snapall.backup.origins import recall
from snapall.backup.plan import Look, Plan, PlanContext, Planned, build, settling
from snapall.backup.private import arrange
from snapall.backup.record import Failed, Record, Warned, What
from snapall.backup.recover import Recovery
from snapall.backup.steps import Step
from snapall.errors import Exit, JournalError, Refused, SnapallError, worst
from snapall.escaping import printable
from snapall.jobrun import JobRun
from snapall.operate.history import require_listed
from snapall.operate.post import Post
from snapall.settings import Config, Hooks
from snapall.signals import heeded
from snapall.site import OpenSite
from snapall.views.reports import Taken

_NO_STAMP = (
    "00000000T000000Z-0000"  # stands in a plan, shaped as a stamp, since names are checked before they are shown
)


@dataclass(frozen=True, slots=True)
class Telling:
    """How a command speaks: `json` makes stdout one event a line, `quiet` leaves only trouble on stderr."""

    json: bool = False
    quiet: bool = False
    svg: Path | None = None  # where the console's picture is saved


def pace_of(settings: Config, job: Job) -> Pace:
    """How fast the site may be asked, as one job sees it."""
    vcenter, filer = settings.vcenter, settings.filers.get(job.filer)
    timeout = filer.timeout if filer is not None else Pace().filer_timeout
    return Pace(vcenter.parallel, vcenter.timeout, vcenter.settle, timeout)


def run(
    settings: Config,
    jobs: Sequence[Job],
    telling: Telling,
    keep: str = "",
    post: Post | None = None,
    clock: Clock | None = None,
) -> Exit:
    """Back the jobs up, one after the other; the worst code of all. `post` starts the guardians."""
    codes = []
    post = Post(settings) if post is None else post
    for job in jobs:
        with _told(settings, telling, log=True) as (tell, listener), heeded(tell) as stopped:
            pace, time = pace_of(settings, job), clock or SystemClock()
            codes.append(JobRun(settings, job, pace, time, listener, stopped, post, keep).run())
            if stopped():
                codes.append(Exit.STOPPED if job is not jobs[-1] else codes[-1])
                break
    return worst(*codes)


def recover(settings: Config, telling: Telling, wait: bool) -> Exit:
    """Settle every open journal, and finish interrupted rotations."""
    with _told(settings, telling, log=False) as (tell, listener), heeded(tell) as stopped:
        clock = SystemClock()

        def context_for(job: Job) -> RunContext:
            return RunContext(OpenSite(job, settings), clock, listener, stopped)

        def say(what: What) -> None:
            listener(Record(clock.utc(), what))

        store = store_of(settings, clock)
        try:
            require_listed(store.folder)
            if settings.state.exists():
                arrange(settings.state, settings.readers)
        except JournalError as error:  # whatever they owe stays owed
            say(Failed(error.message, error.hint))
            return Exit.DEBTS
        recovery = Recovery(store, context_for, say, stopped, wait)
        code = recovery.recover(list(settings.jobs.values()))
        measure(settings, say)
        return code


def find_orphans(settings: Config) -> tuple[tuple[Job, Orphan], ...]:
    """The VM snapshots of all jobs that `recover --adopt` would remove."""
    return tuple((job, one) for job in settings.jobs.values() for one in orphans_of(settings, job))


def orphans_of(settings: Config, job: Job) -> tuple[Orphan, ...]:
    """Those of one job. JournalError: what runs owe cannot be seen, and would look like nobody's."""
    clock = SystemClock()
    store = store_of(settings, clock)
    require_listed(store.folder)
    return orphans(job, _quiet_context(settings, job, clock), store)


def remove_orphans(settings: Config, found: Sequence[tuple[Job, Orphan]], telling: Telling) -> Exit:
    """Remove them, job by job."""
    codes = []
    for job in dict.fromkeys(job for job, _ in found):
        with _told(settings, telling, log=False) as (tell, listener), heeded(tell) as stopped:
            context = RunContext(OpenSite(job, settings), SystemClock(), listener, stopped)
            mine = [one for owner, one in found if owner is job]
            codes.append(adopt(job, pace_of(settings, job), context, store_of(settings, context.clock), mine))
    return worst(*codes)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a run of a job would do now: the debts it would settle first, then its plan."""

    first: tuple[Planned, ...]
    plan: Plan
    site: OpenSite

    def command(self, action: Step | Look) -> str:
        """The command line, passwords masked, with `<UTC>` where only the run knows its stamp."""
        return self.site.command(action).replace(_NO_STAMP, "<UTC>")


def plan(settings: Config, job: Job, keep: str = "") -> Outlook:
    """Look, and build the plan that `run` would build; nothing is changed and no lock is held."""
    store = store_of(settings)
    require_listed(store.folder)
    site = OpenSite(job, settings)
    mine = (store.read(path) for path in store.open_runs(job.name))
    first = [state for state in mine if state.header.vcenter == settings.vcenter.host]
    here = (state for state in store.states() if state.header.vcenter == settings.vcenter.host)
    others = tuple(state for state in here if state.header.job.name != job.name)
    known = store.known(job.name)
    survey = site.survey()
    found = history_of(settings, job)
    context = PlanContext(others, tuple(first), found.usual, found.missed, settings.vcenter.parallel)
    built = build(job, survey, recall(job, known, survey.listings), context, _NO_STAMP, keep=keep)
    actions = tuple(replace(one, reason=one.reason.replace(_NO_STAMP, "<UTC>")) for one in built.actions)
    return Outlook(settling(first), replace(built, actions=actions), site)


def hooks_of(settings: Config, job: Job) -> tuple[tuple[str, str], ...]:
    """When each of a job's hooks would run, and its command line."""
    hooks = settings.hooks.get(job.name, Hooks())
    found = (
        ("before the run", hooks.before),
        ("after the run", hooks.after),
        ("when it does not exit with 0", hooks.on_failure),
    )
    return tuple((when, shlex.join(argv)) for when, argv in found if argv)


def datastores(settings: Config) -> tuple[tuple[Taken, ...], tuple[str, ...]]:
    """Every datastore with the jobs that take it; and what is wrong with the datastores that jobs name."""
    from snapall.site.datastores import ids_of  # noqa: PLC0415 - with the next line's
    from snapall.site.virtualcenter import VirtualCenter  # noqa: PLC0415 - sqlalchemy

    found = VirtualCenter(settings.database).inventory()
    known = {one.id for one in found}
    wanted: dict[str, tuple[int, ...]] = {}
    faults = []
    for job in settings.jobs.values():
        try:
            wanted[job.name] = ids_of(job.datastores, found)
        except Refused as error:
            faults.append(f"job {job.name}: {error.message}")
            continue
        absent = [str(one) for one in wanted[job.name] if one not in known]
        faults += [f"job {job.name}: there is no datastore with the id {one}" for one in absent]
    rows = tuple(Taken(one, tuple(job for job, ids in wanted.items() if one.id in ids)) for one in found)
    return rows, tuple(faults)


def _quiet_context(settings: Config, job: Job, clock: Clock) -> RunContext:
    return RunContext(OpenSite(job, settings), clock, lambda _: None, lambda: False)


@contextmanager
def _told(settings: Config, telling: Telling, *, log: bool) -> Iterator[tuple[Callable[[str], None], Listener]]:
    """Open the listeners of one run, and let them finish before it ends."""
    with ExitStack() as open_:
        listeners, trouble = listeners_of(settings, telling, log, open_)
        bus = EventBus(*listeners)
        open_.callback(_dismissed, bus)
        open_.callback(bus.close)
        for error in trouble:
            bus(Record(datetime.now(UTC), Warned(error.message, error.hint)))
        yield lambda text: bus(Record(datetime.now(UTC), Warned(text))), bus


def _dismissed(bus: EventBus) -> None:
    """Say which listener failed on its way (a full disk under the log); one whose reader left is no news."""
    for error in bus.dismissed:
        if not isinstance(error, BrokenPipeError | SystemExit):
            with suppress(OSError, ValueError):
                text = printable(f"snapall: a part of what happened was not told: {type(error).__name__}: {error}")
                sys.stderr.write(f"{text}\n")


def listeners_of(
    settings: Config, telling: Telling, log: bool, open_: ExitStack
) -> tuple[list[Listener], list[SnapallError]]:
    """The console or plain lines, the JSON lines, the log; and what could not be opened, which stops no backup."""
    from snapall.views import jsonlines, plain  # noqa: PLC0415 - each command loads the views that it shows

    listeners: list[Listener] = []
    trouble: list[SnapallError] = []
    if telling.json:
        listeners.append(jsonlines.JsonLines(sys.stdout))
    if sys.stderr.isatty() and not telling.quiet and not telling.json:
        from snapall.views.console import ConsoleView  # noqa: PLC0415 - rich

        listeners.append(open_.enter_context(ConsoleView()))
    else:
        listeners.append(plain.PlainLines(sys.stderr, quiet=telling.quiet or telling.json))
    if telling.svg is not None:
        from snapall.views.console import Picture  # noqa: PLC0415 - rich

        listeners.append(Picture(telling.svg))
    if log:
        from snapall.views.logfile import LogFile  # noqa: PLC0415

        try:
            listeners.append(LogFile.open(settings.log, settings.log_time))
        except SnapallError as error:
            trouble.append(error)
    return listeners, trouble
