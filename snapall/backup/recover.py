"""Settles what earlier runs left, whoever made them; finishes interrupted rotations; adopts strays on request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from snapall import __version__
from snapall.backup.debts import owed
from snapall.backup.events import DebtFound, Failed, Happening
from snapall.backup.facts import Began
from snapall.backup.journal import Journal, hold
from snapall.backup.means import Means
from snapall.backup.memory import Memory
from snapall.backup.model import Job, Pace, Vm, VmSnapshot, stamp_of
from snapall.backup.plan import Stage
from snapall.backup.provenance import recall
from snapall.backup.publish import Publisher
from snapall.backup.settle import Settlement
from snapall.backup.steps import Done, Release
from snapall.errors import Exit, SnapallError, worst


@dataclass(frozen=True, slots=True)
class Recovery:
    """One call of recover over a state folder. `wait`: stay until nothing can appear any more."""

    memory: Memory
    means_for: Callable[[Job], Means]  # the site as a job saw it, present configuration or not
    tell: Callable[[Happening], None]
    stopped: Callable[[], bool]
    wait: bool

    def recover(self, jobs: Sequence[Job]) -> Exit:
        """Settle every open journal, and let the configured jobs' pending backups enter their chains."""
        configured = {job.name: job for job in jobs}
        codes = [self._guarded(name, configured.get(name)) for name in sorted({*configured, *self.memory.jobs()})]
        return worst(*codes, *([Exit.STOPPED] if self.stopped() else []))

    def _guarded(self, name: str, job: Job | None) -> Exit:
        """One job; what stops it stops no other."""
        try:
            return self._job(name, job)
        except SnapallError as error:
            self.tell(Failed(error.message, error.hint))
            return error.exit

    def _job(self, name: str, job: Job | None) -> Exit:
        if not self.memory.open_runs(name) and (job is None or not self._temporaries(job)):
            return Exit.OK
        with hold(self.memory.state, name, "recover", self.memory.clock, self.stopped):
            codes, settled = [], []
            for path in self.memory.open_runs(name):
                try:
                    journal = self.memory.open(path)
                    codes.append(self._settle(journal))
                    settled.append(journal)
                except SnapallError as error:
                    self.tell(Failed(error.message, error.hint))
                    codes.append(Exit.DEBTS)
            if job is not None:
                codes.append(self._finish_rotation(job, settled))
            return worst(*codes)

    def _temporaries(self, job: Job) -> bool:
        return any(one.temporary for one in self.memory.known(job.name))

    def _settle(self, journal: Journal) -> Exit:
        """Settle one run, with the job as its own header describes it."""
        means = self.means_for(journal.began.job)
        for debt in owed(journal.facts).vms:
            means.tell(DebtFound(debt.vm, debt.name, journal.began.stamp))
        settlement = Settlement(journal, means, self.wait)
        debts = settlement.settle()
        code = Exit.OK
        if debts.captures or debts.partial or debts.renames:
            code = Exit.FAILED
        if debts.vms:
            sure = not settlement.unreachable or not all(debt.released is not None for debt in debts.vms)
            code = worst(code, Exit.DEBTS if sure else Exit.PARTIAL)
            for debt in debts.vms:
                why = _why(debt.ssid, not sure)
                means.tell(Failed(f"{debt.vm.label} {why}: {debt.name}", "run `snapall recover` again"))
        self.memory.close(journal, code, "recovered" if not debts else "not settled yet")
        return code

    def _finish_rotation(self, job: Job, settled: Sequence[Journal]) -> Exit:
        """Publish what is proven and good enough, in the newest journal, which knows the filer's snapshots."""
        known = self.memory.known(job.name, settled)
        newest = self.memory.newest(job.name)
        if newest is None or not any(one.temporary for one in known):
            return Exit.OK
        means = self.means_for(job)
        publisher = Publisher(job, newest, means)
        past = recall(job, known, publisher.listings())
        ready = [one for one in past.pending if one.grade >= job.publish]
        if not ready:
            return Exit.OK
        done = publisher.publish(past.pending, None, 0)
        self.memory.close(newest, Exit.OK if done.whole else Exit.PARTIAL, "rotation finished by recover")
        return Exit.OK if done.whole else Exit.PARTIAL


def _why(ssid: str, released: bool) -> str:
    if released:
        return "was released, but the database could not be asked whether that took effect"
    return "is still quiesced" if ssid else "may still be quiesced: no answer tells yet"


@dataclass(frozen=True, slots=True)
class Stray:
    """A VM snapshot that is called like a job's own, but that no journal knows."""

    job: str
    vm: Vm
    snapshot: VmSnapshot


def strays(job: Job, means: Means, memory: Memory) -> tuple[Stray, ...]:
    """The snapshots called Quiesce or Quiesce-UTC of the job's VMs, older than its max_quiesced, that no run owes."""
    survey = means.site.survey()
    owing = memory.owing(job.name)
    ours = {row.ssid for debts in owing for debt in debts.vms for row in debt.ours(survey.vm_snapshots)}
    vms = {vm.id: vm for vm in survey.vms}
    latest = means.clock.utc() - timedelta(seconds=job.max_quiesced)
    return tuple(
        Stray(job.name, vms[row.vm], row)
        for row in survey.vm_snapshots
        if job.names_vm_snapshot(row.name) and row.ssid not in ours and row.created is not None and row.created < latest
    )


def adopt(job: Job, pace: Pace, means: Means, memory: Memory, found: Sequence[Stray]) -> Exit:
    """Remove strays that the operator has agreed to, each by its id, in a journal of its own."""
    with hold(memory.state, job.name, "recover", means.clock, means.stopped):
        moment = means.clock.utc()
        while not memory.fresh(job.name, stamp_of(moment)):
            moment += timedelta(seconds=1)
        header = Began(job, stamp_of(moment), means.site.vcenter, means.site.filer, pace, __version__)
        journal = memory.begin(header)
        code = Exit.OK
        for one in found:
            outcome = means.act(journal, Stage.SETTLE, Release(one.vm, one.snapshot.ssid))
            if not isinstance(outcome, Done):
                means.tell(Failed(f"{one.vm.label}: {one.snapshot.ssid} was not removed: {outcome.why}"))
                code = Exit.DEBTS
        memory.close(journal, code, "adopted")
        return code
