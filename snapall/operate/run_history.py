"""The history of one run, which `status`, `show` and `stats` display. Pure data; `reading` makes it from a journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from snapall.backup.model import Job, Vm
from snapall.backup.outcome import QUIESCED, SKIPPED, Origin
from snapall.backup.steps import Delete, Done, Outcome, Refusal, Rename, Unknown
from snapall.errors import Exit


class RunKind(StrEnum):
    """What a journal records."""

    NIGHT = "night"
    KEEP = "keep"  # a named backup that is never rotated
    ADOPTION = "adoption"  # `recover --adopt`
    DELETION = "deletion"  # `delete`, of a kept backup


@dataclass(frozen=True, slots=True)
class PastCall:
    """A changing command: when it was sent and answered (UTC; None: never), and its outcome."""

    sent: datetime
    answered: datetime | None = None
    outcome: Outcome | None = None
    seconds: float | None = None
    late: bool = False  # sent after another process had taken over

    @property
    def done(self) -> bool:
        """Whether it succeeded."""
        return isinstance(self.outcome, Done)


@dataclass(frozen=True, slots=True)
class VmHistory:
    """One VM: its verdict (`state` as in `Verdict`), its calls, and when it had no snapshot of the run any more."""

    vm: Vm
    state: str
    why: str = ""
    quiesce: PastCall | None = None
    releases: tuple[PastCall, ...] = ()  # in the order sent; a process that takes over may send another
    released_at: datetime | None = None

    @property
    def release(self) -> PastCall | None:
        """The first removal sent."""
        return self.releases[0] if self.releases else None

    @property
    def create_seconds(self) -> float | None:
        """Seconds that its quiesce took, if it succeeded."""
        return self.quiesce.seconds if self.quiesce is not None and self.quiesce.done else None

    @property
    def remove_seconds(self) -> float | None:
        """Seconds that its release took, if the run itself released it."""
        return next((call.seconds for call in self.releases if call.done and not call.late), None)

    @property
    def quiesced_seconds(self) -> float | None:
        """Seconds from the answer to the quiesce until it was released."""
        if self.quiesce is None or not self.quiesce.done or self.quiesce.answered is None or self.released_at is None:
            return None
        return max(0.0, (self.released_at - self.quiesce.answered).total_seconds())  # the clock may have been set back


@dataclass(frozen=True, slots=True)
class Captured:
    """The filer snapshot of one volume; `confirmed`: when it was read back, `date`: its date text."""

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
    """Who took over the run, and why."""

    at: datetime
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class RunHistory:
    """One run. Times are UTC; `ended` and `exit` are from its own report, None if it died before that."""

    job: Job
    stamp: str
    kind: RunKind
    keep: str  # the name of a kept backup, taken or deleted
    began: datetime
    last: datetime  # the run's own last record
    ended: datetime | None
    exit: int | None
    text: str  # the report's text
    backup: Origin | None  # on the first volume; None unless every volume has a backup of this run
    vms: tuple[VmHistory, ...]
    captures: tuple[Captured, ...]
    moves: tuple[Moved, ...]
    settled: tuple[Settled, ...]
    left: tuple[str, ...]  # the VMs that may be left quiesced, by label
    watched: tuple[str, ...]  # those that are only checked again
    open: bool  # whether any work is outstanding, on the filer too
    final: int | None = None  # the exit code of the last report, of whoever settled it

    @property
    def first(self) -> datetime | None:
        """When the first quiesce was sent."""
        return min((one.quiesce.sent for one in self.vms if one.quiesce is not None), default=None)

    @property
    def released(self) -> datetime | None:
        """When the run's own last removal was answered."""
        calls = (call for one in self.vms for call in one.releases if not call.late)
        return max((call.answered for call in calls if call.answered is not None), default=None)

    @property
    def window(self) -> float | None:
        """Seconds from the first quiesce to the last removal; None if one of them is missing."""
        if self.first is None or self.released is None:
            return None
        return max(0.0, (self.released - self.first).total_seconds())

    @property
    def captured(self) -> datetime | None:
        """When the capture was sent; the backup's age counts from here."""
        return min((one.call.sent for one in self.captures if one.confirmed is not None), default=None)

    @property
    def interrupted(self) -> bool:
        """Whether it died, or a signal stopped it: its times say nothing about other runs."""
        return self.ended is None or self.exit == Exit.STOPPED

    @property
    def targets(self) -> tuple[VmHistory, ...]:
        """The VMs that were to be quiesced."""
        return tuple(one for one in self.vms if one.state != SKIPPED)

    @property
    def quiesced(self) -> int:
        """The number of VMs that were quiesced."""
        return sum(one.state == QUIESCED for one in self.vms)

    @property
    def failure(self) -> str:
        """Why there is no backup, if known: from the report, or from the answer to `snap create`."""
        failed = (one.call.outcome for one in self.captures if isinstance(one.call.outcome, Refusal | Unknown))
        return self.text or next((outcome.why for outcome in failed), "")

    @property
    def published(self) -> bool:
        """Whether its backup is published."""
        return self.backup is not None and not self.backup.temporary and self.kind is RunKind.NIGHT
