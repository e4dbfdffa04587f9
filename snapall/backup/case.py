"""A run at work: its journal, the state of its records, and its owner's policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from snapall.backup.actions import Decision, Policy
from snapall.backup.context import Claims, RunContext, unclaimed
from snapall.backup.facts import Fact
from snapall.backup.journal import Journal
from snapall.backup.looks import conclude
from snapall.backup.record import Record, Waiting
from snapall.backup.replacing import replace
from snapall.backup.runstate import RunState
from snapall.backup.sight import JournalBroken, Observation
from snapall.backup.state import apply, fold


class Case:
    """A run at work: its journal, the state of its records, and its owner's policy.

    `wanted`: whether a run waits for the lock under which the owner works.
    """

    def __init__(self, journal: Journal, context: RunContext, policy: Policy, claims: Claims = unclaimed) -> None:
        self.journal = journal
        self.context = context
        self.policy = policy
        self.claims = claims
        self.state: RunState = fold(journal.records)
        self.after: Case | None = None  # an older run of the same job, which goes first on the filer
        self.finished = False
        self.wanted: Callable[[], bool] = lambda: False
        self.yielded = False  # left to a run, although something may still act
        self._waiting = ""

    @property
    def owner_policy(self) -> Policy:
        """The policy; without the filer while an older run has work left there."""
        return self.policy if self._has_filer else replace(self.policy, filer=False)

    @property
    def _has_filer(self) -> bool:
        older = self.after
        return older is None or (older._has_filer and (older.finished or not older.state.filer_outstanding))

    def write(self, *facts: Fact) -> None:
        """Write facts that later commands rest on. JournalError: they are not written."""
        self._take(self.journal.append(facts))

    def record(self, *facts: Fact) -> None:
        """Record facts, in memory if they cannot be written: a full disk does not undo what has happened."""
        records = self.journal.remember(facts)
        self._take(records)
        if self.journal.broken and not self.state.broken:
            self.observe(JournalBroken(self.journal.broken))

    def observe(self, look: Observation, began: datetime | None = None) -> None:
        """Apply a look, and record what follows from it. The look shows nothing later than when it `began`.

        The state dates it by that, too. Otherwise a look that began before a deadline could count as one after it.
        """
        at = began or self.context.clock.utc()
        self.state = apply(self.state, Record(at, look))
        if facts := conclude(self.state, look, at):
            self.record(*facts)

    def look_again(self) -> None:
        """Treat every earlier look at the VMs as out of date."""
        vms = {vm: replace(one, looked=-1) for vm, one in self.state.vms.items()}
        self.state = replace(self.state, vms=vms, database=None, looks=0, looked_at=None)
        self.finished = False

    def give_way(self) -> bool:
        """Stop waiting if a run wants the lock; whether that is so."""
        if not self.yielded and not self.finished and self.wanted():
            self.yielded = True
            self.policy = replace(self.policy, wait=False, linger=False, patient=False)
            return True
        return False

    def show_waiting(self, decision: Decision) -> None:
        """Publish what the owner waits for, once for each reason."""
        if decision.why and decision.wake is not None and decision.why != self._waiting:
            self.context.publish(Waiting(decision.wake, decision.why))
        self._waiting = decision.why

    def _take(self, records: Sequence[Record]) -> None:
        for record in records:
            self.state = apply(self.state, record)
            self.context.forward(replace(record, run=self.journal.began.stamp))
