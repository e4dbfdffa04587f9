"""Replication after a backup, its settling by `recover`, and what `plan`, `status` and `list` show of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from snapall.app.opening import relations_of, shared_volumes, store_of
from snapall.backup.bus import Listener
from snapall.backup.clock import Clock
from snapall.backup.context import guarded
from snapall.backup.facts import Failed, Warned
from snapall.backup.model import Job, stamp_of, volume_at
from snapall.backup.outcome import Report
from snapall.backup.record import Record, RunEnded, What
from snapall.config.settings import Config, Filer
from snapall.errors import Exit, SiteError, SnapallError, worst
from snapall.restore.journal import UseStore
from snapall.restore.mirror.client import Mirrors
from snapall.restore.mirror.decide import MirrorPolicy
from snapall.restore.mirror.journal import ReplicationJournal, alone, jobs_of, open_ones, prune
from snapall.restore.mirror.relations import Kind, Relation, steps_of
from snapall.restore.mirror.replicate import Clones, Replication, ReplicationContext
from snapall.restore.mirror.replication import ReplicationBegan
from snapall.site import OpenSite, transport_to
from snapall.site.filer import Transport

Connect = Callable[[Filer], Transport]
"""Makes the way to a filer; nothing is contacted yet."""


def mirrors_on(settings: Config, name: str, connect: Connect = transport_to) -> Mirrors:
    """Return the destination side on a filer. SiteError: it is not configured any more."""
    filer = settings.filers.get(name)
    if filer is None:
        raise SiteError(
            f"the filer {name} of a replication is not in the configuration",
            "add its [filers.NAME] again until the replication is settled",
            "SA-1926",
        )
    return Mirrors(connect(filer), filer.name, filer.host)


def commands_of(settings: Config, job: Job) -> tuple[str, ...]:
    """Return what is sent after a backup of the wanted grade, in order, as a person would type it."""
    steps = steps_of(relations_of(settings, job.name))
    return tuple(mirrors_on(settings, one.filer).command_line(one) for one in steps)


@dataclass(frozen=True, slots=True)
class Replicator:
    """Sends backups on, and settles what died half-way. No method raises a SnapallError."""

    settings: Config
    clock: Clock
    publish: Callable[[What], None]
    stopped: Callable[[], bool]
    connect: Connect = transport_to

    @classmethod
    def of(cls, settings: Config, clock: Clock, listener: Listener, stopped: Callable[[], bool]) -> Self:
        """One that publishes to a listener."""
        return cls(settings, clock, lambda what: listener(Record(clock.utc(), what)), stopped)

    def after(self, job: Job, heard: Sequence[Record]) -> Exit:
        """Send on what a run backed up, by all that it published; the VMs were released long before.

        Return the exit code: this can only make the run partial.
        """
        report = next((one.what.report for one in reversed(heard) if isinstance(one.what, RunEnded)), None)
        if report is None:
            return Exit.OK
        codes = [Exit.PARTIAL]
        with guarded(lambda *parts: self.publish(Failed(*parts))):
            codes = [self.replicate(job, report)]
        return worst(*codes)

    def replicate(self, job: Job, report: Report) -> Exit:
        """Update the relations of a job after its backup, and return the exit code."""
        relations = relations_of(self.settings, job.name)
        if not relations or not self._is_wanted(job, report):
            return Exit.OK
        try:
            with alone(self.settings.state, job.name) as mine:
                if mine:
                    return self._begin(job, report, relations)
            text = f"job {job.name} is not replicated: an earlier replication is at work"
            remedy = "it ends by itself; give the job a shorter `wait` in `replicate`, or run it less often"
            self.publish(Failed(text, remedy, "SA-1924"))
        except SnapallError as error:
            self.publish(Failed(*error.parts))
        return Exit.PARTIAL

    def settle(self, jobs: Sequence[str], *, wait: bool) -> Exit:
        """Settle the replications that died half-way: what was started is looked at, and nothing is sent.

        `jobs`: whose, configured or not; none: all.
        """
        codes = []
        for job in jobs or jobs_of(self.settings.state):
            try:
                if not open_ones(self.settings.state, job):
                    continue
                with alone(self.settings.state, job) as mine:
                    codes += self._settle(job, wait=wait) if mine else []
            except SnapallError as error:
                self.publish(Failed(*error.parts))
                codes.append(Exit.PARTIAL)
        return worst(*codes)

    def _is_wanted(self, job: Job, report: Report) -> bool:
        """Whether the backup is published and good enough."""
        wanted = self.settings.job_tables[job.name].replicated_from
        if report.grade is None or (report.published and report.grade >= wanted):
            return report.grade is not None
        why = f"it is {report.grade.name.lower().replace('_', '-')}" if report.published else "it is not published"
        text = f"the backup of job {job.name} is not replicated: {why}"
        remedy = "the next backup of the wanted `grade` is replicated, with all that is missing"
        self.publish(Warned(text, remedy, "SA-1920"))
        return False

    def _begin(self, job: Job, report: Report, relations: tuple[Relation, ...]) -> Exit:
        state = self.settings.state
        earlier = self._settle(job.name, wait=False)
        wait = self.settings.job_tables[job.name].replicate.wait
        began = ReplicationBegan(job.name, stamp_of(self.clock.utc()), report.name, job.volumes, relations, wait)
        code = self._work(ReplicationJournal.create(state, began, self.clock), MirrorPolicy(), wait=True)
        prune(state, job.name, self.settings.keep_journals)
        return worst(code, *earlier)

    def _settle(self, job: str, *, wait: bool) -> list[Exit]:
        journals = [ReplicationJournal.open(path, self.clock) for path in open_ones(self.settings.state, job)]
        return [self._work(one, MirrorPolicy(send=False), wait=wait) for one in journals]

    def _work(self, journal: ReplicationJournal, policy: MirrorPolicy, *, wait: bool) -> Exit:
        began = journal.state.began
        try:
            if began is None:
                return Exit.OK
            context = ReplicationContext(
                _Filers(self.settings, self.connect),
                self.clock,
                self.publish,
                self.stopped,
                lambda: self._locks(began.job),
                lambda: clones_in(self.settings, self.settings.jobs[began.job], self.connect),
            )
            state = Replication(journal, context, policy).run(wait=wait)
            if not state.ended:
                text = f"the replication of job {began.job} has not ended: its transfers go on without snapall"
                self.publish(Failed(text, "run `snapall recover` later to see how they ended", "SA-1927"))
            return Exit.OK if state.ended and not state.failures else Exit.PARTIAL
        finally:
            journal.leave()

    @contextmanager
    def _locks(self, name: str) -> Iterator[None]:
        """Hold the locks of all jobs with a volume of this one, in the order of their names: no mount begins."""
        job, store = self.settings.jobs[name], UseStore(store_of(self.settings, self.clock))
        shared = shared_volumes(self.settings, self.settings.filers[job.filer].host, job.volumes, name)
        with store.locked(shared.jobs, "replication", self.stopped, self._warn, yielding=True):
            yield

    def _warn(self, *parts: str) -> None:
        self.publish(Warned(*parts))


class _Filers(Mapping[str, Mirrors]):
    """The destinations, each opened when it is first needed."""

    def __init__(self, settings: Config, connect: Connect) -> None:
        self._settings = settings
        self._connect = connect
        self._opened: dict[str, Mirrors] = {}

    def __getitem__(self, name: str) -> Mirrors:
        if name not in self._opened:
            self._opened[name] = mirrors_on(self._settings, name, self._connect)
        return self._opened[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._settings.filers)

    def __len__(self) -> int:
        return len(self._settings.filers)


def clones_in(settings: Config, job: Job, connect: Connect = transport_to) -> Clones:
    """Return the snapshots of the job's volumes that a LUN clone rests on, by the filer's tag. SiteError."""
    site = OpenSite(job, settings, connect)
    listings = {volume: site.listing(volume) for volume in job.volumes}
    return {
        volume: tuple(row.name for row in rows if "luns" in map(str.lower, row.tags))
        for volume, rows in listings.items()
    }


def source_of(relation: Relation, job: Job) -> str:
    """Return the volume whose names a mirror carries; "" for a vault, which has names of its own."""
    source = volume_at(relation.source)
    return source if relation.kind is Kind.MIRROR and source in job.volumes else ""
