"""Settles what earlier runs left, whoever made them; finishes interrupted rotations; adopts strays on request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from snapall import __version__
from snapall.backup.debts import owed
from snapall.backup.events import DebtFound, Failed, Happening, Warned
from snapall.backup.facts import Began, TakenUp
from snapall.backup.journal import Journal
from snapall.backup.lock import hold
from snapall.backup.means import Means, guarded
from snapall.backup.memory import Memory
from snapall.backup.model import Job, Pace, Vm, VmSnapshot
from snapall.backup.plan import Stage
from snapall.backup.provenance import recall
from snapall.backup.publish import Publisher
from snapall.backup.settle import Settlement
from snapall.backup.steps import Done, Release
from snapall.errors import Exit, JournalError, SiteError, SnapallError, worst


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
        told: set[Path] = set()
        for name in self.memory.jobs():
            self._free(name, told)
        codes = [self._job(name, configured.get(name), told) for name in sorted({*configured, *self.memory.jobs()})]
        return worst(*codes, *([Exit.STOPPED] if self.stopped() else []))

    def _free(self, name: str, told: set[Path]) -> None:
        """Release at once what can be released, of all jobs, before anything is waited for; failures are told later."""
        with suppress(SnapallError), self._hold(name, lambda: True):
            for path in self.memory.open_runs(name):
                with suppress(Exception):
                    journal = self.memory.open(path)
                    settlement = Settlement(journal, self.means_for(journal.began.job), wait=False)
                    if owed(journal.facts).vms and settlement.reaches_vms:
                        self._take_up(journal)
                        told.add(path)
                        settlement.vms.sweep()

    def _take_up(self, journal: Journal) -> None:
        """Say in the journal, too, that it is no longer the run itself that writes."""
        self._tell_debts(journal)
        journal.note(TakenUp("recover", "the run had left it open"))

    def _tell_debts(self, journal: Journal) -> None:
        for debt in owed(journal.facts).vms:
            self.tell(DebtFound(debt.vm, debt.name, journal.began.stamp))

    def _job(self, name: str, job: Job | None, told: set[Path]) -> Exit:
        """One job; what stops it stops no other."""
        codes: list[Exit] = []
        try:
            if self.memory.open_runs(name) or (job is not None and self._temporaries(job)):
                with self._hold(name, self.stopped):
                    self._held(self.memory.open_runs(name), job, told, codes, self._take_up)
        except SnapallError as error:
            self.tell(Failed(error.message, error.hint))
            codes.append(Exit.DEBTS if isinstance(error, JournalError) else error.exit)
        return worst(*codes)

    def _hold(self, name: str, stopped: Callable[[], bool]) -> AbstractContextManager[None]:
        memory = self.memory
        return hold(memory.state, name, "recover", memory.clock, stopped, self._warn, processes=memory.processes)

    def _warn(self, text: str) -> None:
        self.tell(Warned(text))

    def finish(self, path: Path, job: Job) -> Exit:
        """Settle one run, and let what it proved enter the chain. The caller holds the lock, and has taken it up."""
        codes: list[Exit] = []
        try:
            self._held([path], job, set(), codes, self._tell_debts)
        except SnapallError as error:
            self.tell(Failed(error.message, error.hint))
            codes.append(error.exit)
        return worst(*codes)

    def _held(
        self,
        paths: Sequence[Path],
        job: Job | None,
        told: set[Path],
        codes: list[Exit],
        take_up: Callable[[Journal], None],
    ) -> None:
        settled: list[Journal] = []

        def failed(text: str, hint: str) -> None:
            self.tell(Failed(text, hint))
            codes.append(Exit.DEBTS)

        for path in paths:
            with guarded(failed):
                journal = self.memory.open(path)
                if path not in told:
                    take_up(journal)
                codes.append(self._settle(journal))
                settled.append(journal)
        if job is not None:
            codes.append(self._finish_rotation(job, settled))

    def _temporaries(self, job: Job) -> bool:
        return any(one.temporary for one in self.memory.known(job.name))

    def _settle(self, journal: Journal) -> Exit:
        """Settle one run, with the job as its own header describes it."""
        means = self.means_for(journal.began.job)
        settlement = Settlement(journal, means, self.wait, patient=self.wait)
        debts = settlement.settle()
        code = Exit.OK
        if debts.filer:
            code = Exit.FAILED if debts.captures or debts.partial or debts.renames else Exit.PARTIAL
        if debts.lost:
            code = worst(code, Exit.DEBTS)
        if debts.vms:
            sure = not settlement.vms.unreachable or not all(debt.released is not None for debt in debts.vms)
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
        if any(owed(one.facts).flights for one in settled):
            return Exit.PARTIAL  # a name that moves now could be hit by what was sent for it before
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
    owing = [debts for name in {job.name, *memory.jobs()} for debts in memory.owing(name)]
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
    with hold(memory.state, job.name, "recover", means.clock, means.stopped, processes=memory.processes):
        header = Began(job, memory.stamp(), means.site.vcenter, means.site.filer, pace, __version__)
        journal = memory.begin(header)
        codes = [_removed(one, means, journal) for one in found]
        memory.close(journal, worst(*codes), "adopted")
        return worst(*codes)


def _removed(one: Stray, means: Means, journal: Journal) -> Exit:
    """Remove one stray. What is not answered well is settled by looking."""
    outcome = means.act(journal, Stage.SETTLE, Release(one.vm, one.snapshot.ssid))
    if isinstance(outcome, Done):
        return Exit.OK
    try:
        if one.snapshot.ssid not in {row.ssid for row in means.site.vm_snapshots([one.vm.id])}:
            return Exit.OK
        why = outcome.why
    except SiteError as error:
        why = f"{outcome.why}; {error.message}"
    means.tell(Failed(f"{one.vm.label}: {one.snapshot.ssid} was not removed: {why}", "`snapall recover --adopt` again"))
    return Exit.DEBTS
