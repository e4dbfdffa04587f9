"""The only clean-up of the filer: settles what a run owes there, by looking first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from snapall.backup.debts import owed
from snapall.backup.events import CaptureProven, Failed, Waiting, Warned
from snapall.backup.facts import Absent, Landed, Proven, RolledBack, TakenBack
from snapall.backup.journal import Journal
from snapall.backup.means import Means
from snapall.backup.model import FilerSnapshot
from snapall.backup.plan import Stage
from snapall.backup.steps import Capture, Delete, Done, Rename, happened
from snapall.errors import SiteError

_PAUSE = 5.0  # seconds between two looks for what a command without an answer did


def settle_filer(journal: Journal, means: Means, *, patient: bool = True) -> None:
    """Settle a run's captures and names. Not `patient`: what may still act is left for the next look."""
    _Settlement(journal, means, patient).settle()


@dataclass(frozen=True, slots=True)
class _Settlement:
    journal: Journal
    means: Means
    patient: bool

    def settle(self) -> None:
        """Find out which captures exist; take back what is no whole backup, and the room made for it."""
        if not self._landed():
            return
        for capture in owed(self.journal.facts).captures:
            self._settle_capture(capture.volume, capture.name)
        debts = owed(self.journal.facts)
        if debts.captures:
            return
        for delete in debts.partial:
            self._delete(delete)
        if owed(self.journal.facts).partial == () and debts.renames:
            self._roll_back(debts.renames)
        self._landed()

    def _landed(self) -> bool:
        """Wait until no command without an answer can act any more, for it goes by names, and those move.

        A deletion that acts late would hit whatever has come to bear the name meanwhile. Whether it is so now.
        """
        flights = owed(self.journal.facts).flights
        if not flights:
            return True
        clock, timeout = self.means.clock, self.journal.began.pace.filer_timeout
        gone = max(0.0, (clock.utc() - max(flight.since for flight in flights)).total_seconds())
        end = clock.monotonic() + timeout - gone  # a clock that was set back makes nobody wait for longer
        while not all(self._has_acted(flight.step) for flight in flights):
            left = end - clock.monotonic()
            if left <= 0:
                break
            if not self.patient or self.means.stopped():
                return False
            commands = ", ".join(self.means.site.command(flight.step) for flight in flights)
            self.means.tell(Waiting(clock.utc() + timedelta(seconds=left), f"{commands}: unanswered, and may act yet"))
            clock.wait(min(_PAUSE, left), self.means.stopped)
        self.journal.note(Landed())
        return True

    def _has_acted(self, step: Capture | Rename | Delete) -> bool:
        """Whether the list shows that it did; then it cannot act again."""
        try:
            return happened(step, self.means.site.listing(step.volume))
        except SiteError:
            return False

    def _list(self, volume: str) -> tuple[FilerSnapshot, ...] | None:
        try:
            return self.means.site.listing(volume)
        except SiteError as error:
            self.means.tell(Failed(f"cannot settle volume {volume}: {error.message}", error.hint))
            return None

    def _settle_capture(self, volume: str, name: str) -> None:
        rows = self._list(volume)
        if rows is None:
            return
        found = next((row for row in rows if row.name == name), None)
        if found is None:
            self.journal.note(Absent(volume, name))
            return
        self.journal.note(Proven(volume, name, found.date, late=True))
        self.means.tell(CaptureProven(volume, name, found.date, late=True))

    def _delete(self, delete: Delete) -> None:
        """Delete a part of a backup, known by name and date: in paper order a later run may have the same name."""
        rows = self._list(delete.volume)
        if rows is None:
            return
        proofs = [noted.fact for noted in self.journal.facts if isinstance(noted.fact, Proven)]
        born = {one.date for one in proofs if (one.volume, one.name) == (delete.volume, delete.name)}
        row = next((row for row in rows if row.name == delete.name and row.date in born), None)
        if row is None:
            self.journal.note(Absent(delete.volume, delete.name))
            return
        if row.tags:
            why = f"the filer holds it ({', '.join(row.tags)})"
        else:
            outcome = self.means.act_anyway(self.journal, Stage.SETTLE, delete)
            why = "" if isinstance(outcome, Done) else outcome.why
            if not why and any(one == row for one in self._list(delete.volume) or (row,)):
                why = "the list still shows it"
            elif not why:
                self.journal.note(Absent(delete.volume, delete.name))
        if why:
            text = f"{delete.name} on {delete.volume} is only a part of a backup and could not be deleted: {why}"
            self.means.tell(Warned(text, "`snapall recover` tries again"))

    def _roll_back(self, renames: Sequence[Rename]) -> None:
        """Rename the chain back, one name after the other, as far as the listing allows; prove it by reading again."""
        stuck: set[str] = set()
        for rename in renames:
            if rename.volume in stuck:
                continue
            if self._renamed_back(rename):
                # Once is enough: by the next look a later run may have given the names to other snapshots.
                self.journal.note(TakenBack(rename))
            else:
                stuck.add(rename.volume)
        if not stuck:
            self.journal.note(RolledBack())

    def _renamed_back(self, rename: Rename) -> bool:
        """Take one rename back if it happened; answers whether the list shows that it does not stand."""
        rows = self._list(rename.volume)
        if rows is None:
            return False
        named = {row.name: row for row in rows}
        if rename.new not in named or rename.old in named:
            return True
        back = Rename(rename.volume, rename.new, rename.old)
        if tags := named[back.old].tags:
            why = f"the filer holds it ({', '.join(tags)})"
        else:
            outcome = self.means.act_anyway(self.journal, Stage.SETTLE, back)
            if any(row.name == back.new for row in self._list(rename.volume) or ()):
                self.journal.note(Landed())
                return True
            why = "the list does not show it" if isinstance(outcome, Done) else outcome.why
        text = f"{back.old} on {back.volume} could not be renamed back to {back.new}: {why}"
        self.means.tell(Failed(text, "`snapall recover` tries again"))
        return False
