"""Brings proven backups into the chain: reads the list again, plans anew if it must, renames, reads back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from snapall.backup.events import Failed, Waiting, Warned
from snapall.backup.facts import Landed
from snapall.backup.journal import Journal
from snapall.backup.means import Means
from snapall.backup.model import FilerSnapshot, Job
from snapall.backup.plan import Stage
from snapall.backup.rotation import Listings, Move, Pending, Rotation, after, rotate
from snapall.backup.steps import Delete, Done, Rename, Unknown, happened
from snapall.errors import JournalError, SiteError

_PAUSE = 15.0  # seconds between two looks at a snapshot that the filer holds


@dataclass(frozen=True, slots=True)
class Published:
    """What a rotation came to; `whole` when nothing of it failed and nothing was in its way."""

    names: tuple[str, ...] = ()
    whole: bool = True


class Publisher:
    """Performs rotations of one job, each step written down before it is sent. `meanwhile`: done at each pause."""

    def __init__(self, job: Job, journal: Journal, means: Means, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.job = job
        self.journal = journal
        self.means = means
        self.meanwhile = meanwhile

    def publish(self, pending: Sequence[Pending], expected: Sequence[Move] | None, patience: float) -> Published:
        """Let the pending backups (oldest first) enter the chain. `patience`: seconds to wait for a held snapshot.

        `expected` is what the plan announced; a rotation that differs from it is told. Nothing raises: what cannot be
        done stays pending, and the next run does it.
        """
        try:
            listings, rotation = self._free(pending, patience)
            if expected is not None and rotation.moves != tuple(expected):
                self.means.tell(Warned("the rotation differs from the plan: it was planned anew from the present list"))
            done = self._perform(rotation.moves)
            whole = done == len(rotation.moves) and self.stands(after(listings, rotation.steps), rotation.steps)
        except (SiteError, JournalError) as error:
            self.means.tell(Failed(f"the rotation was not finished: {error.message}", error.hint))
            return Published(whole=False)
        if rotation.blocked is not None:
            text = f"{', '.join(rotation.waiting)} is not in the chain yet: {rotation.blocked}"
            self.means.tell(Failed(text, "the next run tries again; `snap list` shows what holds it"))
        return Published(rotation.published if whole else (), whole and rotation.blocked is None)

    def _free(self, pending: Sequence[Pending], patience: float) -> tuple[Listings, Rotation]:
        """The rotation by a fresh list, after waiting until nothing is held or patience ends."""
        end = self.means.clock.monotonic() + patience
        while True:
            listings = self.listings()
            rotation = rotate(self.job, listings, pending)
            left = end - self.means.clock.monotonic()
            if rotation.blocked is None or left <= 0 or self.means.stopped():
                return listings, rotation
            self.wait(rotation, left)

    def wait(self, rotation: Rotation, left: float) -> None:
        """Wait a little for the filer to let go of a snapshot."""
        self.means.tell(Waiting(self.means.clock.utc() + timedelta(seconds=left), str(rotation.blocked)))
        self.means.clock.wait(min(_PAUSE, left), self.means.stopped)
        self.meanwhile()

    def listings(self) -> dict[str, tuple[FilerSnapshot, ...]]:
        """`snap list` of every volume of the job. SiteError: one could not be read."""
        return {volume: self.means.site.listing(volume) for volume in self.job.volumes}

    def _perform(self, moves: Sequence[Move]) -> int:
        """Send the moves in order and stop at the first that did not happen; answers how many did."""
        for number, move in enumerate(moves):
            if not self.move(move.step):
                return number
        return len(moves)

    def move(self, step: Rename | Delete) -> bool:
        """Send one rename or deletion; one without an answer is settled by reading the list, never sent again."""
        outcome = self.means.act(self.journal, Stage.ROTATE, step)
        if isinstance(outcome, Done):
            return True
        if isinstance(outcome, Unknown) and happened(step, self.means.site.listing(step.volume)):
            self.journal.note(Landed())
            return True
        text = f"{self.means.site.command(step)}: {outcome.why}"
        self.means.tell(Failed(text, "the chain is left as it is now; the next run goes on from there"))
        return False

    def stands(self, expected: Listings, steps: Sequence[Rename | Delete]) -> bool:
        """Read back whether the chain and the steps' names are where the answers say; then none is on its way."""
        now = self.listings()
        names = {*self.job.chain, *(step.old if isinstance(step, Rename) else step.name for step in steps)}
        for volume in self.job.volumes:
            wanted, found = (
                {(row.name, row.date) for row in rows[volume] if row.name in names} for rows in (expected, now)
            )
            if wanted != found:
                text = f"the chain on {volume} is not as the filer's answers said: {_told(found)}"
                self.means.tell(Failed(text, "look at `snap list`: is something else renaming there?"))
                return False
        self.journal.note(Landed(proven=True))
        return True


def _told(rows: set[tuple[str, str]]) -> str:
    return ", ".join(f"{name} of {date}" for name, date in sorted(rows)) or "empty"
