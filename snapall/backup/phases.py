"""The phases of VMs, captures and filer commands, and what is known of each. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from snapall.backup.model import FilerSnapshot, Vm
from snapall.backup.steps import Child, Delete, Done, Outcome, Refusal, Release, Rename, Step, Unknown


class VmPhase(StrEnum):
    """How far a VM has come (docs/architecture.md draws the ways between them)."""

    PLANNED = "planned"
    LEFT_OUT = "left out"  # not asked for after all
    ASKED = "asked"  # its create is under way
    REFUSED = "refused"  # nothing was sent
    SILENT = "silent"  # no answer, or an id that is not ours: it may act until it has settled
    FAILED = "failed"  # the program said so; watched as long
    QUIESCED = "quiesced"  # an id of ours is known
    RELEASING = "releasing"  # a removal was sent
    RELEASED = "released"  # a removal was answered with success
    GONE = "gone"  # nothing of ours is left on it
    LOST = "lost"  # VirtualCenter no longer knows the VM


OUTSTANDING = frozenset(
    {VmPhase.ASKED, VmPhase.SILENT, VmPhase.FAILED, VmPhase.QUIESCED, VmPhase.RELEASING, VmPhase.RELEASED}
)


class CapturePhase(StrEnum):
    """How far the capture of a volume has come."""

    ASKED = "asked"
    SILENT = "silent"  # not a word of answer: it may act until the filer's timeout is over
    ANSWERED = "answered"  # the filer said something; only `snap list` confirms it
    CONFIRMED = "confirmed"
    ABSENT = "absent"


class CommandPhase(StrEnum):
    """How far a rename or a deletion on the filer has come."""

    ASKED = "asked"
    SILENT = "silent"  # not answered well: it may act until the filer's timeout is over
    ANSWERED = "answered"
    SEEN = "seen"
    NOT_SEEN = "not seen"
    OVER = "over"  # it acts no more, and a later command hides whether it did


@dataclass(frozen=True, slots=True)
class Call:
    """A changing command: when it was sent and answered (UTC; None: never), and what it came to."""

    n: int
    step: Step
    sent: datetime
    owner: int = 0  # how often the run had been taken over when it was sent
    child: Child | None = None
    answered: datetime | None = None
    outcome: Outcome | None = None
    seconds: float | None = None
    abandoned: bool = False  # whoever sent it is dead
    over: bool = False  # it acts no more, though nobody knows whether it did

    @property
    def in_flight(self) -> bool:
        """Whether an answer may still come."""
        return self.outcome is None and not self.abandoned

    @property
    def done(self) -> bool:
        """Whether it was answered with success."""
        return isinstance(self.outcome, Done)

    @property
    def why(self) -> str:
        """Why it did not work, as far as an answer says; "" for a success, and without an answer."""
        match self.outcome:
            case Refusal(why=why) | Unknown(why=why):
                return why
            case Done() | None:
                return ""

    @property
    def worded(self) -> bool:
        """Whether the filer said a word: over rsh the silence of success is that of a lost answer, too."""
        return self.outcome is not None and bool(self.outcome.output.strip())


@dataclass(frozen=True, slots=True)
class VmState:
    """One VM. `ids` are the snapshots that are ours, `listed` whether the database ever listed one of them."""

    vm: Vm
    phase: VmPhase = VmPhase.PLANNED
    name: str = ""  # of its snapshot
    create: Call | None = None
    ids: tuple[str, ...] = ()
    listed: bool = False
    withheld: Mapping[str, str] = field(default_factory=dict)  # id -> why it is not ours
    removals: tuple[Call, ...] = ()
    ended: datetime | None = None  # when the program of its create was seen to have ended
    known: datetime | None = None  # when the first id of ours was told or found
    in_time: bool = False  # answered or listed before the first `snap create` was sent
    after_capture: bool = True  # its first removal was sent after the captures had been answered or listed
    vanished: bool = False  # gone before a removal of ours was sent
    freed: datetime | None = None  # when nothing of ours was left on it, by an answer or by a look
    why: str = ""
    changed: int = 0  # the state's version at its last change
    looked: int = -1  # that of the last look at it
    listed_ids: tuple[str, ...] = ()  # the ids of ours in that look

    @property
    def outstanding(self) -> bool:
        """Whether a snapshot of ours may be on it, now or later."""
        return self.phase in OUTSTANDING

    @property
    def fresh(self) -> bool:
        """Whether the database was asked since its last change."""
        return self.looked >= self.changed

    @property
    def stranger(self) -> bool:
        """Whether the only id that was ever told of is somebody else's."""
        return bool(self.withheld) and not self.ids

    @property
    def watched(self) -> bool:
        """Whether it is only kept in view: the program said that it failed, and no look has found anything."""
        return self.phase is VmPhase.FAILED and not self.ids and not self.withheld

    @property
    def removed(self) -> bool:
        """Whether a removal was answered with success, and one of each snapshot that is known to be ours."""
        done = {call.step.ssid for call in self.removals if call.done and isinstance(call.step, Release)}
        return bool(done) and done.issuperset(self.ids)

    @property
    def tried(self) -> tuple[Call, ...]:
        """The removals that may have been sent."""
        return tuple(call for call in self.removals if not isinstance(call.outcome, Refusal))

    @property
    def in_flight(self) -> bool:
        """Whether a removal is under way."""
        return any(call.in_flight for call in self.removals)

    def removals_of(self, ssid: str) -> tuple[Call, ...]:
        """The removals of one id, as they were sent."""
        return tuple(call for call in self.removals if isinstance(call.step, Release) and call.step.ssid == ssid)

    @property
    def misread(self) -> bool:
        """Whether the printed id was no snapshot, as it seems: it was never listed, and no removal took it."""
        return bool(self.tried) and not self.listed and not any(_took(call) for call in self.tried)


def _took(call: Call) -> bool:
    return call.in_flight or (isinstance(call.outcome, Done) and not call.outcome.already)


@dataclass(frozen=True, slots=True)
class CaptureState:
    """The filer's snapshot of one volume. `date` is its date text once it was read back."""

    volume: str
    name: str
    phase: CapturePhase
    calls: tuple[Call, ...] = ()
    date: str = ""
    confirmed: datetime | None = None
    changed: int = 0

    @property
    def safe(self) -> bool:
        """Whether it was listed, or answered and no create of it may act later: what is released now lies behind it."""
        answered = any(call.done and call.worded for call in self.calls)
        return self.phase is CapturePhase.CONFIRMED or (answered and not self.silent_calls)

    @property
    def silent_calls(self) -> tuple[Call, ...]:
        """The creates that may act yet, or act once more: of one alone whose snapshot is there, nothing more comes."""
        sent = tuple(call for call in self.calls if not isinstance(call.outcome, Refusal))
        if self.phase is CapturePhase.CONFIRMED and len(sent) == 1:
            return ()
        return tuple(call for call in sent if not call.over and not call.worded and not _failed(call))


def _failed(call: Call) -> bool:
    return isinstance(call.outcome, Unknown) and call.outcome.failed


@dataclass(frozen=True, slots=True)
class CommandState:
    """A rename or a deletion on the filer."""

    call: Call
    phase: CommandPhase
    changed: int = 0
    back: bool = False  # it takes back a rename that had made room

    @property
    def step(self) -> Rename | Delete:
        """What was sent."""
        match self.call.step:
            case Rename() | Delete() as step:
                return step
            case other:
                raise TypeError(f"{other} is no rename and no deletion")

    @property
    def unsettled(self) -> bool:
        """Whether it may act yet: over rsh the silence of a success is that of a lost answer, too."""
        if self.phase is CommandPhase.ANSWERED:
            return not self.call.worded
        return self.phase in {CommandPhase.ASKED, CommandPhase.SILENT}


@dataclass(frozen=True, slots=True)
class Listing:
    """What is known of a volume's names: as they were read, then as the answers since then say."""

    rows: tuple[FilerSnapshot, ...]
    at: datetime
    version: int  # of the state when it was asked for
