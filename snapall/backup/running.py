"""An action under way: what its thread does, and what its answer means to its run."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from snapall.backup.actions import Action, LookAtVms, ReadVolume, Send
from snapall.backup.case import Case
from snapall.backup.context import Site
from snapall.backup.facts import Answered, Started, Warned
from snapall.backup.sight import DatabaseSilent, FilerSilent, VmsListed, VolumeListed
from snapall.backup.steps import Quiesce, Release, Unknown
from snapall.errors import SiteError

LONGEST_LOOK = 300.0  # seconds after which the database counts as silent, whatever its driver does

Effect = Callable[[], None]
"""What the loop does with an answer."""


@dataclass(eq=False, slots=True)
class Running:
    """An action under way. Without a number it is a look."""

    case: Case
    action: Action
    n: int = 0
    began: float = 0.0  # monotonic
    sent: datetime | None = None
    version: int = 0  # of the state when it began

    @property
    def patience(self) -> float:
        """Seconds after which to give up on it. The calls of vcbsnapshot have timeouts of their own."""
        if isinstance(self.action, LookAtVms):
            return LONGEST_LOOK
        return 60 + 2 * self.case.state.header.pace.filer_timeout if on_filer(self.action) else math.inf

    @property
    def removes(self) -> bool:
        """Whether it is a removal. The end waits for these alone: the decisions give up on other calls that hang."""
        return isinstance(self.action, Send) and isinstance(self.action.step, Release)

    def perform(self, hand_over: Callable[[Effect], None]) -> Effect:
        """Act, on a thread, and answer what the loop does with it. `hand_over` takes what comes before the answer."""
        case, site, version = self.case, self.case.context.site, self.version
        match self.action:
            case Send(_, step):
                outcome = site.perform(step, lambda child: hand_over(lambda: case.record(Started(self.n, child))))
                seconds = self._seconds()
                return lambda: case.record(Answered(self.n, outcome, seconds))
            case LookAtVms() as look:
                found = _look(site, look, version)
                return lambda: self._looked(found)
            case ReadVolume(_, volume):
                try:
                    rows = site.listing(volume)
                except SiteError as error:
                    silent = FilerSilent(volume, version, *error.parts)
                    return lambda: case.observe(silent)
                return lambda: case.observe(VolumeListed(volume, rows, version), self.sent)

    def unanswered(self, why: str) -> None:
        """Record that no answer came."""
        match self.action:
            case Send():
                self.case.record(Answered(self.n, Unknown(why), self._seconds()))
            case LookAtVms(_, vms):
                self.case.observe(DatabaseSilent(frozenset(vms), self.version, why))
            case ReadVolume(_, volume):
                self.case.observe(FilerSilent(volume, self.version, why))

    def _seconds(self) -> float:
        return self.case.context.clock.monotonic() - self.began

    def _looked(self, found: VmsListed | DatabaseSilent) -> None:
        if isinstance(found, DatabaseSilent) and self.case.state.database is None:
            self.case.record(Warned(f"cannot look for VM snapshots: {found.why}", found.hint, "SA-1104"))
        self.case.observe(found, self.sent)


def on_filer(action: Action) -> bool:
    """Whether the action is a command to the filer."""
    if isinstance(action, Send):
        return not isinstance(action.step, Quiesce | Release)
    return isinstance(action, ReadVolume)


def preconnect(case: Case) -> None:
    """Connect to the filer ahead of its next command, which reports what is wrong."""
    with suppress(Exception):
        case.context.site.preconnect()


def _look(site: Site, look: LookAtVms, version: int) -> VmsListed | DatabaseSilent:
    vms = frozenset(look.vms)
    ended = tuple(n for n, child in look.programs if child is None or not site.alive(child))
    try:
        rows = site.vm_snapshots(look.vms, look.ssids)
        unlisted = vms.difference(row.vm for row in rows)
        targets = sorted({*unlisted, *look.moved})
        hosts = site.registered(targets) if targets else {}
    except SiteError as error:
        return DatabaseSilent(vms, version, *error.parts, ended)
    return VmsListed(vms, rows, (vms - unlisted) | frozenset(hosts), version, ended, hosts)
