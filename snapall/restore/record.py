"""What happens in a mount, a restore or a verification, as frozen data: one JSON line of its journal for each fact.

`restore.state.apply` alone interprets them. Facts that mean the same in a nightly run are that run's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from snapall.backup.facts import Answered, Ended, Failed, StopAsked, TakenOver, Warned
from snapall.backup.sight import JournalBroken
from snapall.restore.model import LunView
from snapall.restore.steps import LunStep, volume_of

RESTORE_FORMAT = 1
"""The format of these journals that this version writes."""


class UseKind(StrEnum):
    """What a backup is used for."""

    MOUNT = "mount"
    RESTORE = "restore"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step of a plan, and why. `twin`: it is needed only while the LUN has the serial of the LUN at this path."""

    step: LunStep
    reason: str
    twin: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """The snapshot that is used, on one volume: its date, as `snap list` shows it, tells it from a later one."""

    volume: str
    date: str


@dataclass(frozen=True, slots=True)
class UseBegan:
    """The header: all that is needed to settle this use of a backup, whatever the configuration says later."""

    kind: UseKind
    job: str
    filer: str  # the filer's host
    vcenter: str
    stamp: str  # also the id that `unmount` takes
    snapshot: str
    sources: tuple[Source, ...]
    plan: tuple[PlannedStep, ...]
    version: str  # snapall's own
    way: str = ""  # of a restore: file, swap, volume
    vms: tuple[str, ...] = ()
    igroup: str = ""
    purpose: str = ""  # of a clone that is kept for test and development
    until: str = ""  # when it is no longer needed: an ISO date
    vm_snapshot: str = ""  # what the run of the backup called its VM snapshots; "" unknown
    filer_timeout: float = 120  # how long a command without an answer may act
    format: int = RESTORE_FORMAT

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"{self.kind} {self.stamp}"

    @property
    def volumes(self) -> tuple[str, ...]:
        """The volumes that the plan changes."""
        return tuple(dict.fromkeys(volume_of(one.step) for one in self.plan))

    def touches(self, filer: str, volumes: Iterable[str]) -> bool:
        """Whether the plan changes one of these volumes of the filer at this host."""
        return self.filer == filer and not set(self.volumes).isdisjoint(volumes)


@dataclass(frozen=True, slots=True)
class StepIntent:
    """Command `n` is about to be sent. From here on it may have happened.

    `place`: of the plan's step. `undoes`: the number of the command that it takes back; 0: it takes the plan further.
    `blind`: a look showed the effect beforehand, so that only the answer tells whether it was done.
    """

    n: int
    step: LunStep
    place: int = -1
    undoes: int = 0
    blind: bool = False


@dataclass(frozen=True, slots=True)
class StepSeen:
    """Command `n` can act no more. `done`: whether a look shows its effect; None: nobody can tell."""

    n: int
    done: bool | None


@dataclass(frozen=True, slots=True)
class StepSkipped:
    """The plan's step at `place` is not needed, and why."""

    place: int
    why: str


@dataclass(frozen=True, slots=True)
class StepUndone:
    """Command `n` is taken back, as a look shows."""

    n: int


@dataclass(frozen=True, slots=True)
class StepLeft:
    """Command `n` is not taken back, and why. `ours`: its effect is still there; otherwise something else is.

    `there`: the path at which a LUN is that nobody can tell from the clone that was made.
    """

    n: int
    why: str
    ours: bool = True
    there: str = ""


@dataclass(frozen=True, slots=True)
class CopyEnded:
    """What command `n` began in the background, a split or a restore, was seen to have ended."""

    n: int


@dataclass(frozen=True, slots=True)
class TakeDown:
    """From here on everything that this journal made is taken back: by whom, and why."""

    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The operator accepts what was left wrong, as it is or as they have corrected it."""


UseFact = (
    UseBegan
    | StepIntent
    | Answered
    | StepSeen
    | StepSkipped
    | StepUndone
    | StepLeft
    | StopAsked
    | TakenOver
    | TakeDown
    | CopyEnded
    | Accepted
    | Warned
    | Failed
    | Ended
)

FACTS = {kind.__name__: kind for kind in UseFact.__args__}


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at a volume showed; it began at this version of the state, and shows nothing later."""

    view: LunView
    version: int


@dataclass(frozen=True, slots=True)
class LookFailed:
    """A volume could not be looked at."""

    volume: str
    why: str
    hint: str = ""
    code: str = ""


UseObservation = Looked | LookFailed | JournalBroken


@dataclass(frozen=True, slots=True)
class UseRecord:
    """What happened, and when (UTC)."""

    at: datetime
    what: UseFact | UseObservation

    @property
    def message(self) -> Warned | Failed | None:
        """What it says to people; None: it is no message."""
        return self.what if isinstance(self.what, Warned | Failed) else None

    @property
    def sums_up(self) -> int:
        """The bytes before it in a journal of which nothing is left; 0: it says no such thing."""
        return self.what.length if isinstance(self.what, Ended) and not self.what.open else 0

    @property
    def sent(self) -> LunStep | None:
        """The step whose command is about to be sent; None: it is no intent."""
        return self.what.step if isinstance(self.what, StepIntent) else None
