"""Performs a plan: quiesce, capture, prove, release whatever happened, rotate; then says what it came to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from snapall.backup.certificate import certify
from snapall.backup.crew import Crew
from snapall.backup.debts import owed, standing
from snapall.backup.events import Failed
from snapall.backup.facts import Answered, Certified, Intent, Noted, Proven, Releasing, Surveyed
from snapall.backup.journal import Journal
from snapall.backup.means import Means, guarded
from snapall.backup.model import Grade, Policy
from snapall.backup.plan import Plan, Stage
from snapall.backup.prove import Proving
from snapall.backup.publish import Publisher
from snapall.backup.rotation import Pending, after
from snapall.backup.settle_filer import settle_filer
from snapall.backup.settle_vms import VmSettlement
from snapall.backup.steps import Delete, Quiesce, Release, Rename
from snapall.errors import Exit, SiteError

_STRAGGLERS = 30.0  # seconds to wait for a quiesce that is still under way, when all else is done or it is a must


@dataclass(frozen=True, slots=True)
class Execution:
    """What became of a plan. `exit` does not yet speak of debts; `window` in seconds."""

    exit: Exit
    certified: Certified
    proven: bool
    name: str  # what the backup is called now; "" when there is none
    published: bool
    window: float
    unreachable: bool  # the database could not be asked at the last look


class Engine:
    """One run of a plan. Whatever happens in between, `execute` ends with the release."""

    def __init__(self, plan: Plan, earlier: tuple[Pending, ...], journal: Journal, means: Means) -> None:
        self.plan = plan
        self.job = plan.job
        self.earlier = earlier
        self.journal = journal
        self.means = means
        self.vms = VmSettlement(journal, means, wait=False)
        self.publisher = Publisher(self.job, journal, means, self._meanwhile)
        self._failed = False
        self._releasing = False
        self._gate = threading.Lock()
        self._quiescing: Crew[Quiesce] = Crew([], lambda _: None, 1)
        self._capturing: Crew[None] = Crew([], lambda _: None, 1)
        self._locating: Crew[None] = Crew([], lambda _: None, 1)

    def execute(self) -> Execution:
        """Perform the plan; nothing raises but what no program can bear, and that not before the release."""
        try:
            with guarded(self._fail):
                self._forward()
        finally:
            with guarded(self._fail):
                self._release()
        with guarded(self._fail):
            self._free_late()
        with guarded(self._fail):
            self._finish_capture()
        certified = certify(self.plan, self.journal.facts)
        self.journal.note(certified)
        published = False
        if self._proven():
            with guarded(self._fail):
                published = self._publish(certified)
        with guarded(self._fail):
            self.vms.settle()
        proven = self._proven()
        name = "" if not proven else self.job.newest if published and not self.journal.began.keep else self.plan.capture
        code = self._exit(certified, published)
        window = _window(self.journal.facts)
        return Execution(code, certified, proven, name, published, window, self.vms.unreachable)

    # Up to the proof

    def _forward(self) -> None:
        if self.plan.capture == self.job.newest:
            with self.means.stage(Stage.ROTATE):
                self._make_room()
        with self.means.stage(Stage.QUIESCE):
            self._quiesce()
        if not self.means.stopped():
            self._check_musts()
            self._capture()

    def _make_room(self) -> None:
        """Rotate before the capture, as the batch does; what fails here is renamed back at the end."""
        steps = [step for step in self.plan.of(Stage.ROTATE) if isinstance(step, Rename | Delete)]
        for step in steps:
            if self.means.stopped():
                return
            if not self.publisher.move(step):
                raise SiteError(f"{self.means.site.command(step)} failed, so nothing was captured")
        surveyed = next(noted.fact for noted in self.journal.facts if isinstance(noted.fact, Surveyed))
        before = {one.volume: one.rows for one in surveyed.listings}
        if not self.publisher.stands(
            after(before, steps), steps
        ):  # else an old one could be taken for the proof of the new
            raise SiteError("the chain is not as it was to be made, so nothing was captured")

    def _quiesce(self) -> None:
        """Ask for every VM, a few at a time, until the signal or the deadline."""
        clock, end = self.means.clock, self.means.clock.monotonic() + self.job.max_quiesced

        def over() -> bool:
            return self._over() or clock.monotonic() >= end

        steps = [step for step in self.plan.of(Stage.QUIESCE) if isinstance(step, Quiesce)]
        self._quiescing = Crew(
            steps,
            lambda step: self._hold(step, last=step is steps[-1]),
            self.journal.began.pace.parallel,
            lambda: not over(),
            threads=self.means.threads,
        )
        ended = self._quiescing.wait(over)
        for error in self._quiescing.errors[:1]:
            raise error
        if not ended and not self.means.stopped():
            self._fail(
                f"{self.job.max_quiesced:g} s since the first quiesce: the capture is taken with the VMs that hold",
                "see max_quiesced, and why vcbsnapshot takes so long",
            )

    def _hold(self, step: Quiesce, last: bool) -> None:
        if last:
            self.means.approach()
        self.means.act(self.journal, Stage.QUIESCE, step)

    def _over(self) -> bool:
        """Whether nothing new may be begun: the release has its turn, or a signal came."""
        return self._releasing or self.means.stopped()

    def _check_musts(self) -> None:
        """No capture without a VM that must be in it. SiteError: one of them does not hold."""
        musts = [vm for vm in self.plan.asked if self.job.policies.of(vm) is Policy.MUST]
        if not musts:
            return
        debts = {debt.vm.id: debt for debt in owed(self.journal.facts).vms}
        if any(vm.id in debts and not debts[vm.id].ssid for vm in musts):
            # One of them has no answer yet: it may hold all the same. A longer look would delay the release beyond
            # what the guardian grants.
            late = self._patience(min(_STRAGGLERS, self.journal.began.pace.filer_timeout))
            looking = Crew([None], lambda _: self._look(), 1, threads=self.means.threads)
            looking.wait(lambda: self.means.stopped() or late())
            debts = {debt.vm.id: debt for debt in owed(self.journal.facts).vms}
        missing = [vm.label for vm in musts if vm.id not in debts or not debts[vm.id].ssid]
        if missing:
            raise SiteError(
                f"{', '.join(missing)} must be quiesced and is not: nothing was captured",
                'see why vcbsnapshot failed for it, or take "must" from it in `vms`',
            )

    def _capture(self) -> None:
        """Capture and prove on a thread of its own: the release waits for it one filer time-out at most."""
        late = self._patience(self.journal.began.pace.filer_timeout)
        proving = Proving(self.plan, self.journal, self.means, self._gate, self._over)
        self._capturing = Crew([None], lambda _: proving.perform(), 1, threads=self.means.threads)
        self._locating = Crew([None], lambda _: self._look(), 1, threads=self.means.threads)
        ended = self._capturing.wait(lambda: self.means.stopped() or late())
        for error in self._capturing.errors[:1]:
            raise error
        if not ended and not self.means.stopped():
            self._fail(
                "the filer did not answer in time: the VMs are released without waiting for it any longer",
                "see whether the filer answers `snap list`; `timeout` of the filer is this limit",
            )

    # From the release on

    def _look(self) -> None:
        """Ask the database for the ids of what was made: the cross-check, and the fallback where none was printed."""
        with self.means.stage(Stage.LOCATE):
            VmSettlement(self.journal, self.means, wait=False).look(owed(self.journal.facts).vms)

    def _release(self) -> None:
        """Free every VM: those with a printed id at once, then what the database tells of the others."""
        with self._gate:
            self._releasing = True
        debts = owed(self.journal.facts).vms
        if not debts:
            return
        with self.means.stage(Stage.UNQUIESCE):
            known = [(debt, debt.ssid) for debt in debts if debt.ssid]
            if not known:  # the guardian must see that the run is not stuck before its release
                self.journal.note(Releasing())
            self.vms.release(known)
            self._locating.wait(self._patience(self.journal.began.pace.filer_timeout))
            self.vms.sweep()

    def _free_late(self) -> None:
        """Wait a little for quiesces still under way, and release what has appeared."""
        self._quiescing.wait(self._patience(min(_STRAGGLERS, self.journal.began.pace.create_timeout)))
        self.vms.sweep()

    def _meanwhile(self) -> None:
        """What may be tried again on VMs while the rotation waits for the filer."""
        with guarded(self._fail):
            self.vms.sweep()

    def _finish_capture(self) -> None:
        """Give a capture that is still under way its time, then find out what it came to."""
        pace = self.journal.began.pace
        longest = min(_STRAGGLERS, pace.filer_timeout) if self.means.stopped() else pace.filer_timeout
        if self._capturing.wait(self._patience(longest)):
            settle_filer(self.journal, self.means)

    def _publish(self, certified: Certified) -> bool:
        """Let the new backup into the chain if it is good enough; answers whether the chain holds it now."""
        if self.plan.capture in (self.journal.began.keep, self.job.newest):
            return True
        if self._called_off():
            return False
        good = certified.grade >= self.job.publish
        expected = self.plan.rotation.moves if good else None
        pending = [*self.earlier, Pending(self.plan.capture, certified.grade)]
        with self.means.stage(Stage.ROTATE):
            done = self.publisher.publish(pending, expected, self.job.busy_wait)
        if not good:
            self._fail(
                f"{self.plan.capture} is kept outside the chain: fewer VMs were quiesced than `publish` asks for",
                "see why; the next good backup takes its place",
            )
        if not done.whole:
            self._failed = True
        return self.plan.capture in done.names

    # What it came to

    def _proven(self) -> bool:
        return {volume for volume, _ in standing(self.journal.facts)} == set(self.job.volumes)

    def _called_off(self) -> bool:
        """Whether a signal came before the proof."""
        late = any(isinstance(noted.fact, Proven) and noted.fact.late for noted in self.journal.facts)
        return self.means.stopped() and (late or not self._proven())

    def _exit(self, certified: Certified, published: bool) -> Exit:
        if self._called_off():
            return Exit.STOPPED
        if not self._proven():
            return Exit.FAILED
        settled = not owed(self.journal.facts).vms
        whole = certified.grade is Grade.WHOLE and published and not self._failed and settled
        return Exit.OK if whole else Exit.PARTIAL

    def _fail(self, text: str, hint: str) -> None:
        self._failed = True
        self.means.tell(Failed(text, hint))

    def _patience(self, seconds: float) -> Callable[[], bool]:
        end = self.means.clock.monotonic() + seconds
        return lambda: self.means.clock.monotonic() >= end


def _window(facts: Sequence[Noted]) -> float:
    """Seconds from the first quiesce sent to the last removal answered; 0 when nothing was quiesced."""
    steps = {noted.fact.n: noted.fact.step for noted in facts if isinstance(noted.fact, Intent)}
    began = [noted.at for noted in facts if isinstance(noted.fact, Intent) and isinstance(noted.fact.step, Quiesce)]
    ended = [
        noted.at for noted in facts if isinstance(noted.fact, Answered) and isinstance(steps.get(noted.fact.n), Release)
    ]
    return (ended[-1] - began[0]).total_seconds() if began and ended else 0.0
