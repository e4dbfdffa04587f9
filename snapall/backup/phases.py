"""The phases of VMs, captures and filer commands, and the facts about each. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from snapall.backup.model import FilerSnapshot, Vm
from snapall.backup.steps import Child, Delete, Done, Outcome, Refusal, Release, Rename, Step, Unknown


class VmPhase(StrEnum):
    """How far a VM has come (docs/architecture.md draws the transitions)."""

    PLANNED = "planned"
    LEFT_OUT = "left out"  # not quiesced after all
    ASKED = "asked"  # its create is under way
    REFUSED = "refused"  # nothing was sent
    SILENT = "silent"  # no answer, or an id that is not ours: the create may act until `settle` is over
    FAILED = "failed"  # the program said so; it is watched as long
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
    SILENT = "silent"  # no answer at all: it may act until the filer's timeout is over
    ANSWERED = "answered"  # only `snap list` confirms it
    CONFIRMED = "confirmed"
    ABSENT = "absent"


class CommandPhase(StrEnum):
    """How far a rename or a deletion on the filer has come."""

    ASKED = "asked"
    SILENT = "silent"  # no success: it may act until the filer's timeout is over
    ANSWERED = "answered"
    CONFIRMED = "confirmed"  # the list shows its effect
    FAILED = "failed"  # it had no effect
    OVER = "over"  # it can no longer act, and a later command hides whether it did


@dataclass(frozen=True, slots=True)
class Call:
    """A changing command: when it was sent and answered (UTC; None: never), and its outcome."""

    n: int
    step: Step
    sent: datetime
    owner: int = 0  # the number of takeovers before it was sent
    child: Child | None = None
    answered: datetime | None = None
    outcome: Outcome | None = None
    seconds: float | None = None
    abandoned: bool = False  # its sender is dead
    over: bool = False  # it can no longer act, and nobody knows whether it did

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
        """Why it failed, by its answer; "" for a success, and without an answer."""
        match self.outcome:
            case Refusal(why=why) | Unknown(why=why):
                return why
            case Done() | None:
                return ""

    @property
    def worded(self) -> bool:
        """Whether the answer has any text: over rsh a silent success looks like a lost answer."""
        return self.outcome is not None and bool(self.outcome.output.strip())


@dataclass(frozen=True)  # without slots: what every decision asks of every VM is computed once
class VmState:
    """One VM. `ids` are our snapshots, `listed` says whether the database ever listed one of them."""

    vm: Vm
    phase: VmPhase = VmPhase.PLANNED
    name: str = ""  # of its snapshot
    create: Call | None = None
    ids: tuple[str, ...] = ()
    listed: bool = False
    withheld: Mapping[str, str] = field(default_factory=dict)  # id -> why it is not ours
    removals: tuple[Call, ...] = ()
    ended: datetime | None = None  # when the program of its create was seen to have ended
    known: datetime | None = None  # when the first id of ours was printed or found
    in_time: bool = False  # answered or listed before the first `snap create` was sent
    after_capture: bool = True  # its first removal was sent after the captures had been answered or listed
    vanished: bool = False  # gone before a removal of ours was sent
    released: datetime | None = None  # when our last snapshot was gone, by an answer or by a look
    why: str = ""
    changed: int = 0  # the state's version at its last change
    looked: int = -1  # that of the last look at it
    listed_ids: tuple[str, ...] = ()  # the ids of ours in that look

    @cached_property
    def outstanding(self) -> bool:
        """Whether it may have a snapshot of ours, now or later."""
        return self.phase in OUTSTANDING

    @cached_property
    def fresh(self) -> bool:
        """Whether the database was asked since its last change."""
        return self.looked >= self.changed

    @cached_property
    def untried(self) -> bool:
        """Whether an id of ours was never sent for removal."""
        return any(not self.removals_of(ssid) for ssid in self.ids)

    @property
    def stranger(self) -> bool:
        """Whether every id that was printed for it is foreign."""
        return bool(self.withheld) and not self.ids

    @property
    def watched(self) -> bool:
        """Whether it is only watched: the program said that it failed, and no look has found anything."""
        return self.phase is VmPhase.FAILED and not self.ids and not self.withheld

    @cached_property
    def removed(self) -> bool:
        """Whether removals succeeded: at least one, and one of each id of ours."""
        done = {call.step.ssid for call in self.removals if call.done and isinstance(call.step, Release)}
        return bool(done) and done.issuperset(self.ids)

    @property
    def tried(self) -> tuple[Call, ...]:
        """The removals that may have reached VirtualCenter."""
        return tuple(call for call in self.removals if not isinstance(call.outcome, Refusal))

    @cached_property
    def in_flight(self) -> bool:
        """Whether a removal is under way: the last one, since no other is sent before its answer."""
        return bool(self.removals) and self.removals[-1].in_flight

    def removals_of(self, ssid: str) -> tuple[Call, ...]:
        """The removals of one id, in the order in which they were sent."""
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
        """Whether it was taken: listed, or answered and no create of it may still act. A release now comes after it."""
        answered = any(call.done and call.worded for call in self.calls)
        return self.phase is CapturePhase.CONFIRMED or (answered and not self.silent_calls)

    @property
    def silent_calls(self) -> tuple[Call, ...]:
        """The creates that may still act. A single one whose snapshot is listed cannot."""
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
    back: bool = False  # it reverses a rename that made room

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
        """Whether it may still act: over rsh a silent success looks like a lost answer."""
        if self.phase is CommandPhase.ANSWERED:
            return not self.call.worded
        return self.phase in {CommandPhase.ASKED, CommandPhase.SILENT}


@dataclass(frozen=True, slots=True)
class Listing:
    """A volume's names as last read."""

    rows: tuple[FilerSnapshot, ...]
    at: datetime
    version: int  # of the state when it was asked for
