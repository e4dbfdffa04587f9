"""The truth of a mount, a restore or a verification, folded from its records: `apply` alone interprets them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from snapall.backup.facts import Answered, Ended, Failed, StopAsked, TakenOver, Warned
from snapall.backup.sight import JournalBroken
from snapall.backup.steps import Done, Outcome, Refusal, Unknown
from snapall.restore.belongs import OURS
from snapall.restore.record import (
    Accepted,
    CopyEnded,
    Looked,
    LookFailed,
    StepIntent,
    StepLeft,
    StepSeen,
    StepSkipped,
    StepUndone,
    TakeDown,
    UseBegan,
    UseKind,
    UseRecord,
)
from snapall.restore.steps import CloneLun, LunStep, MoveLun, RestoreLun, StartSplit, is_final, paths_of, undoing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from snapall.restore.model import LunView


MOST = 1 << 62
"""More than any command's number."""


class StepPhase(StrEnum):
    """How far a command has come."""

    ASKED = "asked"  # sent; it may act until the filer's timeout is over
    SILENT = "silent"  # answered with anything but success: the same
    DONE = "done"  # answered with success, and not looked at yet
    SEEN = "seen"
    NOT_SEEN = "not seen"
    UNKNOWN = "unknown"  # it can act no more, and no look can tell


@dataclass(frozen=True, slots=True)
class SentStep:
    """A command that was sent. `owner`: how many had taken over before."""

    n: int
    step: LunStep
    place: int
    undoes: int
    blind: bool
    sent: datetime
    owner: int
    outcome: Outcome | None = None
    settled: bool = False
    seen: bool | None = None

    @property
    def phase(self) -> StepPhase:
        """How far it has come by itself."""
        if self.settled:
            return {True: StepPhase.SEEN, False: StepPhase.NOT_SEEN, None: StepPhase.UNKNOWN}[self.seen]
        if self.outcome is None:
            return StepPhase.ASKED
        return StepPhase.DONE if isinstance(self.outcome, Done) else StepPhase.SILENT

    @property
    def final(self) -> bool:
        """Whether it was done, or may have been, and nothing takes it back."""
        return is_final(self.step) and self.settled and self.seen is not False

    @property
    def why(self) -> str:
        """What the filer said, unless it reported success."""
        return self.outcome.why if isinstance(self.outcome, Refusal | Unknown) else ""


@dataclass(frozen=True, slots=True)
class Glimpse:
    """The last look at a volume: when it began, and at which version of the state."""

    view: LunView
    at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class UseState:
    """Everything that the records say. `version` counts what may change a volume: looks from before it show nothing."""

    began: UseBegan | None = None
    began_at: datetime | None = None
    steps: Mapping[int, SentStep] = field(default_factory=dict)
    skipped: frozenset[int] = frozenset()
    undone: frozenset[int] = frozenset()
    copied: frozenset[int] = frozenset()
    left: Mapping[int, StepLeft] = field(default_factory=dict)
    down: TakeDown | None = None
    owner: int = 0
    taken_at: datetime | None = None
    died: bool = False  # the last owner ended without its report
    stopped: bool = False
    accepted: bool = False  # what it left wrong
    views: Mapping[str, Glimpse] = field(default_factory=dict)
    version: int = 0
    blind_looks: int = 0  # looks in a row that failed
    look_failed: LookFailed | None = None
    look_failed_at: datetime | None = None
    messages: tuple[Warned | Failed, ...] = ()
    broken: str = ""  # why the journal can no longer be written
    ended: Ended | None = None

    @property
    def header(self) -> UseBegan:
        """The header, which every journal has."""
        if self.began is None:
            raise ValueError("the journal has no header")
        return self.began

    @property
    def unsettled(self) -> SentStep | None:
        """The command that may still act, or whose effect nobody has looked for; there is never a second one."""
        return next((one for one in self.steps.values() if not one.settled), None)

    @property
    def forward(self) -> tuple[SentStep, ...]:
        """The commands of the plan, as they were sent."""
        return tuple(one for one in self.steps.values() if not one.undoes)

    @property
    def failed_step(self) -> SentStep | None:
        """The command of the plan that was not done, as far as anybody can tell."""
        return next((one for one in self.forward if one.settled and not one.seen), None)

    @property
    def failure(self) -> Failed | None:
        """The first failure that it reported."""
        return next((one for one in self.messages if isinstance(one, Failed)), None)

    @property
    def due(self) -> int | None:
        """The place of the plan's next step; None: the plan is done."""
        over = self.skipped | {one.place for one in self.forward}
        return next((place for place in range(len(self.header.plan)) if place not in over), None)

    @property
    def irrevocable(self) -> bool:
        """Whether a step was done, or may have been, that nothing takes back."""
        return any(one.final for one in self.forward)

    @property
    def undoings(self) -> tuple[tuple[SentStep, tuple[LunStep, ...]], ...]:
        """What is still to be taken back, the latest first: each command with the steps that do it.

        What happened to a clone besides maps and moves goes with the clone. One that is back where it was made goes
        at once: its serial may be needed elsewhere. A final step keeps what concerns its LUN; a restore is kept whole.
        """
        found: list[tuple[SentStep, tuple[LunStep, ...]]] = []
        clones: set[str] = set()
        for one in self.forward:
            if one.final:
                found = _not_kept(found, one.step, whole=self.header.kind is UseKind.RESTORE)
            elif one.seen and not one.blind and (back := _taken_back(one.step, clones)):
                found.append((one, back))
        return tuple((one, back) for one, back in reversed(found) if one.n not in self.undone)

    @property
    def outstanding(self) -> bool:
        """Whether a command may still act, or something of ours is to be taken back and is still there."""
        foreign = {n for n, one in self.left.items() if not one.ours}
        return self.unsettled is not None or (
            self.down is not None and any(one.n not in foreign for one, _ in self.undoings)
        )

    @property
    def copying(self) -> tuple[SentStep, ...]:
        """What the filer may still copy in the background: no snapshot of the volume can be made meanwhile."""
        background = (one for one in self.forward if one.final and isinstance(one.step, StartSplit | RestoreLun))
        return tuple(one for one in background if one.n not in self.copied)

    @property
    def displaced(self) -> tuple[str, ...]:
        """The LUNs that are out of their place, or may be: moved, and neither moved back nor replaced for good."""
        moved = [one for one, _ in self.undoings if one.n not in self.left or self.left[one.n].ours]
        moved += [self.unsettled] if self.unsettled is not None else []
        return tuple(dict.fromkeys(_home(one.step) for one in moved if isinstance(one.step, MoveLun)))

    @property
    def stands(self) -> bool:
        """Whether clones of a finished mount are there, as far as this journal knows."""
        return self.down is None and not self.irrevocable and any(isinstance(o.step, CloneLun) for o in self.forward)

    def fresh(self, volume: str) -> Glimpse | None:
        """The last look at a volume, if nothing has been sent since it began."""
        found = self.views.get(volume)
        return found if found is not None and found.version >= self.version else None

    def clone_of(self, n: int) -> CloneLun | None:
        """The clone that command `n` worked on: what a look must show there before it is touched."""
        return self.clone_at(_target(self.steps[n].step), n)

    def clone_at(self, path: str, n: int = MOST) -> CloneLun | None:
        """The clone that was at this path after command `n`; None: none of ours."""
        for one in (one for one in reversed(self.forward) if one.n <= n and one.seen and not one.blind):
            if isinstance(one.step, MoveLun) and one.step.to == path:
                path = one.step.path
            elif isinstance(one.step, MoveLun) and one.step.path == path:
                return None
            elif isinstance(one.step, CloneLun) and one.step.path == path:
                return one.step
        return None


def _home(step: MoveLun) -> str:
    """The path of a move that is a host's LUN; the other one is a name of ours."""
    return step.to if OURS.fullmatch(step.path.rpartition("/")[2]) else step.path


def _target(step: LunStep) -> str:
    return step.to if isinstance(step, MoveLun) else getattr(step, "path", "")


def _taken_back(step: LunStep, clones: set[str]) -> tuple[LunStep, ...]:
    """What takes a step back; `clones`, the paths of clones by then, is brought up to date."""
    if isinstance(step, CloneLun):
        clones.add(step.path)
    elif isinstance(step, MoveLun) and step.path in clones:
        clones.add(step.to)
        return (*undoing(step), *undoing(CloneLun(step.path, "", "")))
    elif _target(step) in clones and not hasattr(step, "igroup"):
        return ()
    return undoing(step)


def _not_kept(
    found: list[tuple[SentStep, tuple[LunStep, ...]]], final: LunStep, *, whole: bool
) -> list[tuple[SentStep, tuple[LunStep, ...]]]:
    """What can be taken back after a final step: what never touched its LUN, under none of its names."""
    kept, rest = paths_of(final), []
    for one, back in reversed(found):
        paths = paths_of(one.step, *back)
        if whole or paths & kept:
            kept |= paths
        else:
            rest.append((one, back))
    return rest[::-1]


def fold(records: Iterable[UseRecord], state: UseState | None = None) -> UseState:
    """The state after these records."""
    state = UseState() if state is None else state
    for record in records:
        state = apply(state, record)
    return state


def apply(state: UseState, record: UseRecord) -> UseState:  # noqa: PLR0912 - one answer for each fact
    """The state after one more record."""
    what, at = record.what, record.at
    match what:
        case UseBegan():
            return replace(state, began=what, began_at=at)
        case StepIntent(n, step, place, undoes, blind):
            sent = SentStep(n, step, place, undoes, blind, at, state.owner)
            return replace(state, steps={**state.steps, n: sent}, version=state.version + 1, ended=None)
        case Answered(n, outcome):
            return _with_step(replace(state, version=state.version + 1), n, outcome=outcome)
        case StepSeen(n, done):
            return _with_step(state, n, settled=True, seen=done)
        case StepSkipped(place):
            return replace(state, skipped=state.skipped | {place})
        case CopyEnded(n):
            return replace(state, copied=state.copied | {n})
        case StepUndone(n):
            return replace(state, undone=state.undone | {n})
        case StepLeft(n):
            return replace(state, left={**state.left, n: what})
        case TakeDown():
            return replace(state, down=state.down or what, left={}, blind_looks=0, ended=None)
        case TakenOver():
            began_anew = replace(state, left={}, blind_looks=0, ended=None, version=state.version + 1)
            return replace(began_anew, owner=state.owner + 1, taken_at=at, died=state.ended is None)
        case StopAsked():
            return replace(state, stopped=True)
        case Accepted():
            return replace(state, accepted=True)
        case Warned() | Failed():
            return replace(state, messages=(*state.messages, what))
        case Ended():
            return replace(state, ended=what)
        case Looked(view, version):
            views = {**state.views, view.volume: Glimpse(view, at, version)}
            return replace(state, views=views, blind_looks=0, look_failed=None)
        case LookFailed():
            return replace(state, blind_looks=state.blind_looks + 1, look_failed=what, look_failed_at=at)
        case JournalBroken(why):
            return replace(state, broken=state.broken or why)
        case _:
            assert_never(what)


def _with_step(state: UseState, n: int, **changes: object) -> UseState:
    """An answer that came without its intent, which a full disk has lost, changes nothing."""
    if n not in state.steps:
        return state
    return replace(state, steps={**state.steps, n: replace(state.steps[n], **changes)})  # type: ignore[arg-type]


def quiet_from(state: UseState) -> datetime | None:
    """From when on nothing of a dead owner can act: a full disk may have lost what it sent last. None: at once."""
    if not state.died or state.taken_at is None:
        return None
    return state.taken_at + timedelta(seconds=state.header.filer_timeout)


def acts_until(state: UseState, one: SentStep) -> datetime:
    """Until when a command without an answer may act: the filer's timeout, on the clock of this owner."""
    taken = state.taken_at if one.owner < state.owner and state.taken_at is not None else one.sent
    return taken + timedelta(seconds=state.header.filer_timeout)
