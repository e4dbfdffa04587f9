"""The capture and its proof: `snap create` on every volume, read back from `snap list`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from snapall.backup.events import CaptureProven
from snapall.backup.facts import Proven
from snapall.backup.journal import Journal
from snapall.backup.means import Means
from snapall.backup.model import FilerSnapshot
from snapall.backup.plan import Plan, Stage
from snapall.backup.steps import Capture, Done, Refusal, Unknown
from snapall.errors import SiteError


class Proving:
    """Captures while VMs are held. `over`: nothing new may be begun; behind the `gate` it changes for nobody."""

    def __init__(
        self, plan: Plan, journal: Journal, means: Means, gate: threading.Lock, over: Callable[[], bool]
    ) -> None:
        self._plan = plan
        self._journal = journal
        self._means = means
        self._gate = gate
        self._over = over

    def perform(self) -> None:
        """Every volume, one after the other: a filer is asked one thing at a time. SiteError: no new backup."""
        unanswered = set()
        with self._means.stage(Stage.CAPTURE):
            for volume in self._plan.job.volumes:
                if self._over():
                    return
                if not self._create(volume):
                    unanswered.add(volume)
        with self._means.stage(Stage.PROVE):
            for volume in self._plan.job.volumes:
                self._prove(volume, volume in unanswered)

    def _create(self, volume: str) -> bool:
        """Send `snap create`; answers whether the filer said a word. SiteError: it refused.

        Over rsh a lost answer looks like the silence that some releases keep on success: then only the list tells.
        """
        step = Capture(volume, self._plan.capture)
        self._means.approach()  # for the command that comes after it
        outcome = self._means.act(self._journal, Stage.CAPTURE, step)
        match outcome:
            case Done(said) | Unknown(said=said):
                return said.strip() != ""
            case Refusal(why):
                raise SiteError(f"{self._means.site.command(step)}: {why}", "the retained backups are as they were")

    def _prove(self, volume: str, unanswered: bool) -> None:
        """Read the capture back; one that was never answered and is absent is sent once more, under the same name."""
        row = self._read(volume)
        if row is None and unanswered and not self._over():
            with suppress(SiteError):  # "already exists" may be our own, come late: the list decides
                self._create(volume)
            row = self._read(volume)
        if row is None:
            raise SiteError(
                f"{self._plan.capture} is not listed on {volume} although it was to be created",
                "the retained backups are as they were; see the filer's messages",
            )
        with self._gate:
            # A signal that came before the proof ends the run without this backup, however quick the filer is.
            late = self._over()
            self._journal.note(Proven(volume, row.name, row.date, late))
        self._means.tell(CaptureProven(volume, row.name, row.date, late))

    def _read(self, volume: str) -> FilerSnapshot | None:
        return next((row for row in self._means.site.listing(volume) if row.name == self._plan.capture), None)
