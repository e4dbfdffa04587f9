"""The state of a run as data: a phase for every VM, capture and command; everything else is a query. Pure.

`state.apply` folds records into it. The living run, its guardian, `recover`, the next run and all reports query it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from snapall.backup.facts import Began, Certified, Ended, Failed, RotationEnded, Surveyed, TakenOver, Warned
from snapall.backup.model import FilerSnapshot, Order
from snapall.backup.phases import Call, CapturePhase, CaptureState, CommandPhase, CommandState, Listing, VmState
from snapall.backup.sight import DatabaseSilent, FilerSilent
from snapall.backup.steps import Rename, Step


@dataclass(frozen=True)  # without slots: `outstanding` is computed once
class RunState:
    """One run, by its records."""

    began: Began | None = None
    began_at: datetime | None = None
    surveyed: Surveyed | None = None
    vms: Mapping[int, VmState] = field(default_factory=dict)
    captures: Mapping[str, CaptureState] = field(default_factory=dict)
    commands: Mapping[int, CommandState] = field(default_factory=dict)
    listings: Mapping[str, Listing] = field(default_factory=dict)
    believed: Mapping[str, tuple[FilerSnapshot, ...]] = field(
        default_factory=dict
    )  # listings as answers have changed them since
    steps: Mapping[int, Step] = field(default_factory=dict)
    renamed_back: tuple[Rename, ...] = ()
    released_at: datetime | None = None  # when the release began
    stopped_at: datetime | None = None
    called_off: bool = False  # a signal came before the captures were confirmed
    captured_at: datetime | None = None  # when the first `snap create` was sent
    quiesced_at: datetime | None = None  # when the first create was sent
    login: str = ""  # why no further create may begin
    login_refused_at: datetime | None = None  # since when every answer refuses the login
    takeovers: tuple[tuple[datetime, TakenOver], ...] = ()
    certified: Certified | None = None
    certified_at: datetime | None = None
    certified_version: int = 0
    differs: frozenset[str] = frozenset()  # volumes whose names contradict the answers
    rotation: RotationEnded | None = None
    messages: tuple[Failed | Warned, ...] = ()
    ended: Ended | None = None
    ended_version: int = 0
    report: Ended | None = None  # the run's own, if it lived to write one
    given_up: tuple[
        VmState, ...
    ] = ()  # since the last takeover: nothing can be done for them, but they must be reported
    last: datetime | None = None  # the time of the last fact
    own_last: datetime | None = None  # the same, of the run itself
    broken: str = ""  # why the journal cannot be written
    database: DatabaseSilent | None = None  # why the last look failed
    filer: Mapping[str, FilerSilent] = field(default_factory=dict)
    looked_at: datetime | None = None
    looks: int = 0  # since anything changed on a VM
    version: int = 0

    @property
    def failed(self) -> bool:
        """Whether a failure was reported."""
        return any(isinstance(one, Failed) for one in self.messages)

    @property
    def owner(self) -> int:
        """How often the run was taken over."""
        return len(self.takeovers)

    @property
    def reported(self) -> bool:
        """Whether nothing has happened since the last report."""
        return self.ended is not None and self.ended_version == self.version

    @property
    def header(self) -> Began:
        """The header, which every run that did anything has. ValueError: this one has none."""
        if self.began is None:
            raise ValueError("a run without its header")
        return self.began

    @property
    def present_ids(self) -> tuple[str, ...]:
        """The ids that the survey listed: none of them is ours."""
        return self.surveyed.present if self.surveyed is not None else ()

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every changing command, in the order in which they were sent."""
        of_vms = (call for one in self.vms.values() for call in (one.create, *one.removals) if call is not None)
        of_captures = (call for one in self.captures.values() for call in one.calls)
        of_commands = (one.call for one in self.commands.values())
        return tuple(sorted((*of_vms, *of_captures, *of_commands), key=lambda call: call.n))

    @property
    def located(self) -> bool:
        """Whether the database was asked since the captures were asked for."""
        return self.captured_at is not None and self.looked_at is not None and self.looked_at >= self.captured_at

    @cached_property
    def outstanding(self) -> tuple[VmState, ...]:
        """The VMs that may have a snapshot of ours."""
        return tuple(one for one in self.vms.values() if one.outstanding)

    @property
    def confirmed(self) -> bool:
        """Whether every volume's capture was read back: there is a backup."""
        return self.began is not None and all(
            volume in self.captures and self.captures[volume].phase is CapturePhase.CONFIRMED
            for volume in self.began.job.volumes
        )

    @property
    def unsettled(self) -> tuple[CommandState, ...]:
        """The renames and deletions that may still act."""
        return tuple(one for one in self.commands.values() if one.unsettled)

    @property
    def unsure(self) -> tuple[CaptureState, ...]:
        """The captures that were sent, and are neither confirmed nor absent."""
        return tuple(one for one in self.captures.values() if one.phase in _CAPTURE_UNSURE)

    @property
    def doubled(self) -> tuple[CaptureState, ...]:
        """The confirmed captures that were sent twice: the second may act once the name has moved."""
        return tuple(one for one in self.captures.values() if one.phase is CapturePhase.CONFIRMED and one.silent_calls)

    @property
    def room(self) -> tuple[Rename, ...]:
        """In paper order: the renames that made room for no capture and were not reversed, newest first."""
        if self.began is None or self.began.job.order is Order.SAFE or self.confirmed or self.began.keep:
            return ()
        made = (
            one.step
            for one in reversed(tuple(self.commands.values()))
            if not one.back and one.call.owner == 0 and one.phase is not CommandPhase.FAILED
        )
        return tuple(step for step in made if isinstance(step, Rename) and step not in self.renamed_back)

    @property
    def parts(self) -> tuple[CaptureState, ...]:
        """The captures of some volumes only, which are no backup."""
        if self.began is None or self.confirmed:
            return ()
        return tuple(one for one in self.captures.values() if one.phase is CapturePhase.CONFIRMED)

    @property
    def filer_outstanding(self) -> bool:
        """Whether work is outstanding on the filer."""
        return bool(self.unsure or self.unsettled or self.doubled or self.parts or self.room)

    @property
    def closed(self) -> bool:
        """Whether its report is written, and says that nothing is outstanding."""
        return self.ended is not None and not self.ended.open

    @property
    def open(self) -> bool:
        """Whether any work is outstanding."""
        return any(one.outstanding for one in self.vms.values()) or self.filer_outstanding


_CAPTURE_UNSURE = frozenset({CapturePhase.ASKED, CapturePhase.SILENT, CapturePhase.ANSWERED})
