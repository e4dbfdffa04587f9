"""One run that is worked on: its journal, the state of its records, and its owner's policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from snapall.backup.actions import Decision, Policy
from snapall.backup.context import Claims, RunContext, unclaimed
from snapall.backup.facts import Fact
from snapall.backup.journal import Journal
from snapall.backup.looks import conclude
from snapall.backup.record import Record, Waiting
from snapall.backup.runstate import RunState
from snapall.backup.sight import JournalBroken, Observation
from snapall.backup.state import apply, fold


class Case:
    """One run that is worked on: its journal, the state that its records fold into, and its owner's policy.

    `wanted` answers whether a run wants the lock under which the owner works.
    """

    def __init__(self, journal: Journal, context: RunContext, policy: Policy, claims: Claims = unclaimed) -> None:
        self.journal = journal
        self.context = context
        self.policy = policy
        self.claims = claims
        self.state: RunState = fold(journal.records)
        self.after: Case | None = None  # an older run of the same job: its work on the filer goes first
        self.finished = False
        self.wanted: Callable[[], bool] = lambda: False
        self.yielded = False  # left to a run, with work that may act yet
        self._waiting = ""

    @property
    def owner_policy(self) -> Policy:
        """The policy, as long as no older run has anything left on the filer."""
        return self.policy if self._has_filer else replace(self.policy, filer=False)

    @property
    def _has_filer(self) -> bool:
        older = self.after
        return older is None or (older._has_filer and (older.finished or not older.state.filer_outstanding))

    def write(self, *facts: Fact) -> None:
        """Write facts that later commands rely on. JournalError: they are not written."""
        self._take(self.journal.append(facts))

    def record(self, *facts: Fact) -> None:
        """Remember facts, written or not: what has happened is not undone by a full disk."""
        records = self.journal.remember(facts)
        self._take(records)
        if self.journal.broken and not self.state.broken:
            self.observe(JournalBroken(self.journal.broken))

    def observe(self, seen: Observation, asked: datetime | None = None) -> None:
        """Take in what a look shows, and note what follows; `asked`: when it began, for it knows of nothing later.

        The state dates it by that, too: else the last look before a moment would count as the first one after it.
        """
        at = asked or self.context.clock.utc()
        self.state = apply(self.state, Record(at, seen))
        if facts := conclude(self.state, seen, at):
            self.record(*facts)

    def look_again(self) -> None:
        """Take nothing that was seen so far for the present state of the VMs."""
        vms = {vm: replace(one, looked=-1) for vm, one in self.state.vms.items()}
        self.state = replace(self.state, vms=vms, database=None, looks=0, looked_at=None)
        self.finished = False

    def give_way(self) -> bool:
        """Wait for nothing more if a run wants the lock; answers whether that is so."""
        if not self.yielded and not self.finished and self.wanted():
            self.yielded = True
            self.policy = replace(self.policy, wait=False, linger=False, patient=False)
            return True
        return False

    def show_waiting(self, decision: Decision) -> None:
        """Tell what is being waited for, once for each reason."""
        if decision.why and decision.wake is not None and decision.why != self._waiting:
            self.context.publish(Waiting(decision.wake, decision.why))
        self._waiting = decision.why

    def _take(self, records: Sequence[Record]) -> None:
        for record in records:
            self.state = apply(self.state, record)
            self.context.forward(replace(record, run=self.journal.began.stamp))
