"""The loop of a restore: decide, write the intent, send, write the answer, look, decide anew. One thing at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from snapall.backup.clock import Clock
from snapall.backup.context import defect
from snapall.backup.facts import Answered, Ended, Failed, StopAsked
from snapall.backup.sight import JournalBroken
from snapall.backup.steps import Outcome, Refusal, Unknown
from snapall.errors import Exit, JournalError, Refused, SiteError
from snapall.restore.decide import decide
from snapall.restore.ending import nothing_left
from snapall.restore.journal import UseJournal
from snapall.restore.model import LunView
from snapall.restore.record import Looked, LookFailed, StepIntent, UseFact, UseObservation, UseRecord
from snapall.restore.state import UseState, apply, fold
from snapall.restore.steps import LunStep

Show = Callable[[UseRecord], None]
"""Receives every record; it decides nothing."""


class LunSystem(Protocol):
    """What the loop needs of a filer."""

    def perform(self, step: LunStep) -> Outcome:
        """Send one changing command. Refused: it cannot be sent."""

    def view(self, volume: str) -> LunView:
        """Look at a volume. SiteError: it cannot be looked at."""


@dataclass(slots=True)
class UseCase:
    """A mount, a restore or a take-down at work: its journal, its filer, and the state of its records."""

    journal: UseJournal
    luns: LunSystem
    clock: Clock
    stopped: Callable[[], bool] = lambda: False
    show: Show = lambda _: None
    patient: Callable[[], bool] = lambda: True
    """Whether it goes on waiting for what may still act; asked again and again meanwhile."""
    due: datetime | None = None  # until when it would have waited
    state: UseState = field(default_factory=UseState)

    def __post_init__(self) -> None:
        self.state = fold(self.journal.records)

    def record(self, *facts: UseFact) -> None:
        """Record what has happened, in memory if it cannot be written."""
        for record in self.journal.remember(facts):
            self._take(record)
        if self.journal.broken and not self.state.broken:
            self.observe(JournalBroken(self.journal.broken))

    def observe(self, what: UseObservation) -> None:
        """Apply what a look showed; it goes to no journal."""
        self._take(UseRecord(self.clock.utc(), what))

    def drive(self) -> None:
        """Work until nothing is left to do, or nothing more can be done now."""
        while self._turn():
            pass

    def close(self, code: Exit, text: str) -> None:
        """Write the report, and leave the journal."""
        length = self.journal.size if nothing_left(self.state) else 0
        self.record(Ended(int(code), self.state.outstanding, text, length=length))
        self.journal.leave()

    def _turn(self) -> bool:
        if self.stopped() and not self.state.stopped:
            self.record(StopAsked())
        self.journal.beat()
        decision = decide(self.state, self.clock.utc())
        if decision.records:
            self.record(*decision.records)
        elif decision.send is not None:
            self._send(decision.send)
        elif decision.look:
            self._look(decision.look)
        elif decision.wake is not None:
            return self._waited(decision.wake)
        return not decision.done

    def _waited(self, until: datetime) -> bool:
        """Wait; False: it is not the time for that."""
        known = self.state.stopped
        seconds = (until - self.clock.utc()).total_seconds()
        self.clock.wait(max(0.0, seconds), lambda: (self.stopped() and not known) or not self.patient())
        self.due = None if self.patient() else until
        return self.due is None

    def _send(self, intent: StepIntent) -> None:
        """A step forward needs a durable intent; one that takes something back does not."""
        try:
            if intent.undoes:
                self.record(intent)
            else:
                for record in self.journal.append([intent]):
                    self._take(record)
        except JournalError as error:
            self.observe(JournalBroken(error.message))
            return
        began = self.clock.monotonic()
        outcome = self._performed(intent.step)
        self.record(Answered(intent.n, outcome, self.clock.monotonic() - began))

    def _performed(self, step: LunStep) -> Outcome:
        try:
            return self.luns.perform(step)
        except Refused as error:
            return Refusal(error.message)
        except Exception:  # noqa: BLE001 - what it did is unknown, and a look settles it
            text, *rest = defect()
            self.record(Failed(text, *rest))
            return Unknown("a defect of snapall")

    def _look(self, volume: str) -> None:
        version, began = self.state.version, self.clock.utc()
        try:
            looked = Looked(self.luns.view(volume), version)
        except SiteError as error:
            self.observe(LookFailed(volume, *error.parts))
        else:
            self._take(UseRecord(began, looked))

    def _take(self, record: UseRecord) -> None:
        self.state = apply(self.state, record)
        self.show(record)
