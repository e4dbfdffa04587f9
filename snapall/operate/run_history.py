"""How one run went: what every look back is made of. Pure data, which `reading` makes of a journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from snapall.backup.model import Job, Vm
from snapall.backup.outcome import QUIESCED, SKIPPED, Origin
from snapall.backup.steps import Delete, Done, Outcome, Refusal, Rename, Unknown


class RunKind(StrEnum):
    """What a journal is of."""

    NIGHT = "night"
    KEEP = "keep"  # a named backup outside the chain
    ADOPTION = "adoption"  # `recover --adopt`


@dataclass(frozen=True, slots=True)
class PastCall:
    """A changing command: when it was sent and answered (UTC; None: never), and what it came to."""

    sent: datetime
    answered: datetime | None = None
    outcome: Outcome | None = None
    seconds: float | None = None
    late: bool = False  # sent when it was no longer the run itself that worked

    @property
    def done(self) -> bool:
        """Whether it was answered with success."""
        return isinstance(self.outcome, Done)


@dataclass(frozen=True, slots=True)
class VmHistory:
    """One VM: its verdict (`state` is as in a verdict), its calls, and when nothing of ours was left on it."""

    vm: Vm
    state: str
    why: str = ""
    quiesce: PastCall | None = None
    releases: tuple[PastCall, ...] = ()  # as they were sent; whoever takes a run over may send one more
    released_at: datetime | None = None

    @property
    def release(self) -> PastCall | None:
        """The first removal that was sent."""
        return self.releases[0] if self.releases else None

    @property
    def create_seconds(self) -> float | None:
        """Seconds that its quiesce took, if it was answered with success."""
        return self.quiesce.seconds if self.quiesce is not None and self.quiesce.done else None

    @property
    def remove_seconds(self) -> float | None:
        """The same for its release, as far as the run itself did it."""
        return next((call.seconds for call in self.releases if call.done and not call.late), None)

    @property
    def quiesced_seconds(self) -> float | None:
        """Seconds from the quiesce's answer to the moment when it was free."""
        if self.quiesce is None or not self.quiesce.done or self.quiesce.answered is None or self.released_at is None:
            return None
        return max(0.0, (self.released_at - self.quiesce.answered).total_seconds())  # a clock may be set back meanwhile


@dataclass(frozen=True, slots=True)
class Captured:
    """The filer's snapshot of one volume; `proven` is when it was read back, `date` its date text."""

    volume: str
    name: str
    call: PastCall
    confirmed: datetime | None = None
    date: str = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """A rename or a deletion on the filer."""

    step: Rename | Delete
    call: PastCall


@dataclass(frozen=True, slots=True)
class Settled:
    """Who took the run over when it could not go on, and why."""

    at: datetime
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class RunHistory:
    """One run. Moments are UTC; `ended` and `exit` are the run's own report, None: it died before it wrote one."""

    job: Job
    stamp: str
    kind: RunKind
    keep: str
    began: datetime
    last: datetime  # of the run's own last record
    ended: datetime | None
    exit: int | None
    text: str  # what the report says besides
    backup: Origin | None  # of the first volume; None: there is no backup of this run on every volume
    vms: tuple[VmHistory, ...]
    captures: tuple[Captured, ...]
    moves: tuple[Moved, ...]
    settled: tuple[Settled, ...]
    left: tuple[str, ...]  # the VMs that may be left quiesced, by label
    watched: tuple[str, ...]  # those that are only looked at again
    open: bool  # whether anything is outstanding, on the filer too

    @property
    def first(self) -> datetime | None:
        """When the first quiesce was sent."""
        return min((one.quiesce.sent for one in self.vms if one.quiesce is not None), default=None)

    @property
    def released(self) -> datetime | None:
        """When the last removal by the run itself was answered."""
        calls = (call for one in self.vms for call in one.releases if not call.late)
        return max((call.answered for call in calls if call.answered is not None), default=None)

    @property
    def window(self) -> float | None:
        """Seconds from the first quiesce to the last removal; None: one of the two is missing."""
        if self.first is None or self.released is None:
            return None
        return max(0.0, (self.released - self.first).total_seconds())

    @property
    def captured(self) -> datetime | None:
        """When the backup was asked for: from here on its age counts."""
        return min((one.call.sent for one in self.captures if one.confirmed is not None), default=None)

    @property
    def targets(self) -> tuple[VmHistory, ...]:
        """The VMs that were to be quiesced."""
        return tuple(one for one in self.vms if one.state != SKIPPED)

    @property
    def quiesced(self) -> int:
        """How many of them were."""
        return sum(one.state == QUIESCED for one in self.vms)

    @property
    def failure(self) -> str:
        """Why there is no backup, as far as it is known: by the report, or by what a `snap create` was answered."""
        failed = (one.call.outcome for one in self.captures if isinstance(one.call.outcome, Refusal | Unknown))
        return self.text or next((outcome.why for outcome in failed), "")

    @property
    def published(self) -> bool:
        """Whether its backup is in the chain."""
        return self.backup is not None and not self.backup.temporary and self.kind is RunKind.NIGHT
