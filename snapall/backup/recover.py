"""Settles what earlier runs left, of any job; finishes interrupted rotations."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from snapall.backup.actions import Policy
from snapall.backup.case import Case
from snapall.backup.context import RunContext, defect
from snapall.backup.engine import Engine
from snapall.backup.facts import Failed, TakenOver, Warned
from snapall.backup.journal import Journal
from snapall.backup.model import Job
from snapall.backup.publishing import publish_due
from snapall.backup.record import What
from snapall.backup.report import stands
from snapall.backup.settling import announce, close, reach, settled_code
from snapall.backup.store import JournalStore
from snapall.errors import Exit, JournalError, SnapallError, Stopped, worst

_LOST = "its journal is lost: once the snapshot is older than max_quiesced, `snapall recover --adopt` lists it"


@dataclass(slots=True)
class _Call:
    """What one call of recover has come to so far."""

    configured: Mapping[str, Job]
    codes: list[Exit] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)  # the jobs whose lock another process has
    yielded: set[str] = field(default_factory=set)  # those left to a run


@dataclass(frozen=True, slots=True)
class Recovery:
    """One call of recover over a state folder. `wait`: stay until no snapshot can appear any more."""

    store: JournalStore
    context_for: Callable[[Job], RunContext]  # the site as a job saw it, even if the configuration has changed
    publish: Callable[[What], None]
    stopped: Callable[[], bool]
    wait: bool

    def recover(self, jobs: Sequence[Job], only: Collection[str] = ()) -> Exit:
        """Settle all open journals at once, and publish the pending backups of the configured jobs.

        `only`: the names of the jobs to work on, configured or not; by default all.

        Jobs that a guardian or another recover has locked come last, so that no other VM waits for them. A job that
        only waits makes way for a run, and is taken up again after it.
        """
        call = _Call({job.name: job for job in jobs})
        every = {*call.configured, *self.store.jobs()}
        names = [name for name in sorted(every.intersection(only or every)) if self._has_work(name, call)]
        while names:
            names = self._together(names, call)
        while call.busy:
            call.busy[:1] = self._together(call.busy[:1], call, queueing=True)
        return worst(*call.codes, *([Exit.STOPPED] if self.stopped() else []))

    def _has_work(self, name: str, call: _Call) -> bool:
        job = call.configured.get(name)
        return bool(self.store.open_runs(name)) or (job is not None and self._temporaries(job))

    def _together(self, names: Sequence[str], call: _Call, *, queueing: bool = False) -> list[str]:
        """Settle these jobs at once, and queue for a lock only if `queueing`. The jobs that it left to a run."""
        with ExitStack() as locks:
            locked = [name for name in names if self._lock(name, locks, call, queueing=queueing)]
            cases = [case for name in locked for case in self._opened(self.store.open_runs(name), call.codes)]
            for case in cases:
                locks.callback(case.journal.leave)
                case.wanted = lambda: any(self.store.wanted(name) for name in locked)
            self._drive(cases, call.codes)
            yielded = sorted({case.state.header.job.name for case in cases if case.yielded})
            for name in locked:
                if name in call.configured and name not in yielded:
                    mine = [case for case in cases if case.state.header.job.name == name]
                    with self._reported(call.codes, Exit.PARTIAL):
                        call.codes.append(self._finish_rotation(call.configured[name], mine))
        call.yielded.update(yielded)
        return yielded

    def _lock(self, name: str, locks: ExitStack, call: _Call, *, queueing: bool) -> bool:
        """Take the job's lock; a failure stops no other job."""
        stopped = self.stopped if queueing else lambda: True
        before = len(call.codes)
        with self._reported(call.codes):
            try:
                yielding = name in call.yielded
                locks.enter_context(
                    self.store.lock(
                        name, "recover", stopped, lambda *parts: self.publish(Warned(*parts)), yielding=yielding
                    )
                )
            except Stopped:
                if queueing or self.stopped():
                    raise
                call.busy.append(name)
                return False
        return len(call.codes) == before

    @contextmanager
    def _reported(
        self, codes: list[Exit], of_a_defect: Exit = Exit.OUTSTANDING, *, settling: bool = False
    ) -> Iterator[None]:
        """Report what ends this part of the work. While `settling`, any error leaves the outstanding work unknown."""
        try:
            yield
        except SnapallError as error:
            self.publish(Failed(*error.parts))
            codes.append(Exit.OUTSTANDING if settling or isinstance(error, JournalError) else error.exit)
        except Exception:  # noqa: BLE001 - it must not stop the other jobs
            self.publish(Failed(*defect()))
            codes.append(of_a_defect)

    def finish(self, journal: Journal, job: Job, taken_over: TakenOver, *, alone: bool) -> Exit | None:
        """Settle one run, and publish its backup. None: it is left to a run that wants the lock.

        `alone`: the caller has the lock, so no other process renames snapshots. Otherwise only release VMs.
        """
        codes: list[Exit] = []
        with self._reported(codes, settling=True), ExitStack() as left:
            case = self._case(journal, taken_over)
            left.callback(journal.leave)
            case.policy = replace(case.policy, filer=case.policy.filer and alone)
            case.wanted = lambda: alone and self.store.wanted(job.name)
            self._drive([case], codes)
            if case.yielded:
                return None
            if alone:
                with self._reported(codes, Exit.PARTIAL):
                    codes.append(self._finish_rotation(job, [case]))
        return worst(*codes)

    def _opened(self, paths: Sequence[Path], codes: list[Exit]) -> list[Case]:
        cases: list[Case] = []
        for path in paths:
            with self._reported(codes, settling=True):
                case = self._case(self.store.open(path), TakenOver("recover", "the run had left it open"))
                older = [one for one in cases if one.state.header.job.name == case.state.header.job.name]
                case.after = older[-1] if older else None
                cases.append(case)
        return cases

    def _case(self, journal: Journal, taken_over: TakenOver) -> Case:
        context = self.context_for(journal.began.job)
        policy = reach(journal.began, context, Policy(wait=self.wait, patient=self.wait))
        case = Case(journal, context, policy)
        announce(case)
        case.record(taken_over)
        return case

    def _drive(self, cases: Sequence[Case], codes: list[Exit]) -> None:
        if cases:
            with self._reported(codes, settling=True):
                Engine(*cases).drive()
        codes += [self._settled(case) for case in cases if not case.yielded]

    def _settled(self, case: Case) -> Exit:
        """Report what is left of one run, and write it down."""
        state, code = case.state, Exit.OK
        if state.filer_outstanding:
            code = Exit.FAILED if state.unsure or state.parts or state.room else Exit.PARTIAL
        if state.filer and state.filer_outstanding:
            for silent in state.filer.values():
                text = f"cannot finish an earlier run's work on volume {silent.volume}: {silent.why}"
                self.publish(Failed(text, silent.hint, "SA-1404"))
        for message in stands(state, _LOST) if case.journal.lost else stands(state):
            case.context.publish(message)
        incomplete = case.journal.broken and not case.journal.lost
        code = worst(code, settled_code(state), Exit.PARTIAL if incomplete else Exit.OK)
        close(case, code, "unfinished" if state.open else "recovered")
        return code

    def _temporaries(self, job: Job) -> bool:
        return any(one.temporary for one in self.store.known(job.name))

    def _finish_rotation(self, job: Job, settled: Sequence[Case]) -> Exit:
        return publish_due(job, self.store, self.context_for, settled, "recover", wait=self.wait)
