"""What a journal can say: one frozen fact a line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from snapall.backup.model import FilerSnapshot, Grade, Job, Pace, Vm
from snapall.backup.steps import Child, Outcome, Rename, Step


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose backup a filer snapshot is: a name together with its date text belongs to one run and one grade."""

    volume: str
    name: str
    date: str
    run: str  # the stamp of the run that made it
    grade: Grade
    quiesced: int
    asked: int
    temporary: bool = True  # still under its temporary name, waiting for the chain

    @property
    def told(self) -> str:
        """The grade as `list` shows it: `quiesced 19/19`, `partial 18/19` or `crash-consistent`."""
        match self.grade:
            case Grade.WHOLE:
                return f"quiesced {self.quiesced}/{self.asked}"
            case Grade.PARTIAL:
                return f"partial {self.quiesced}/{self.asked}"
            case Grade.CRASH_CONSISTENT:
                return "crash-consistent"


@dataclass(frozen=True, slots=True)
class Began:
    """The header: what must be known to settle this run, whatever the present configuration says."""

    job: Job
    stamp: str
    vcenter: str  # the host a moref belongs to
    filer: str  # the filer's host
    pace: Pace
    version: str  # snapall's own
    keep: str = ""  # the name of a backup outside the chain


@dataclass(frozen=True, slots=True)
class Listed:
    """A volume's `snap list`, newest first."""

    volume: str
    rows: tuple[FilerSnapshot, ...]


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What was there before anything changed, and what was going to be done."""

    commands: tuple[str, ...]  # as `plan` prints them, passwords masked
    asked: tuple[int, ...]  # VPX_VM.ID of every VM that is to be quiesced
    ssids: tuple[str, ...]  # the VM snapshots present: none of them is ours
    listings: tuple[Listed, ...]
    origins: tuple[Origin, ...]
    left: tuple[int, ...] = ()  # VPX_VM.ID of every VM that should be quiesced, and cannot be


@dataclass(frozen=True, slots=True)
class Intent:
    """Step number `n` is about to be taken. From here on it may have happened."""

    n: int
    step: Step


@dataclass(frozen=True, slots=True)
class Started:
    """The program that performs step `n` runs."""

    n: int
    child: Child


@dataclass(frozen=True, slots=True)
class Answered:
    """Step `n` was answered after so many seconds."""

    n: int
    outcome: Outcome
    seconds: float


@dataclass(frozen=True, slots=True)
class Found:
    """A VM snapshot of ours whose id no answer told was found in the database."""

    vm: int
    ssid: str


@dataclass(frozen=True, slots=True)
class Gone:
    """Nothing of ours is left on this VM: `how` says what that was concluded from."""

    vm: int
    how: str


@dataclass(frozen=True, slots=True)
class Proven:
    """A capture was read back from `snap list`; `late`: not while its VMs were provably held."""

    volume: str
    name: str
    date: str
    late: bool = False


@dataclass(frozen=True, slots=True)
class Absent:
    """A capture without an answer is not on the filer."""

    volume: str
    name: str


@dataclass(frozen=True, slots=True)
class Releasing:
    """The release has begun although no id is known yet: what was quiesced is looked for first."""


@dataclass(frozen=True, slots=True)
class TakenUp:
    """From here on it is not the run itself that writes: `by` whom its debts are settled, and `why`."""

    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Unheld:
    """A VM's snapshot had vanished before its removal was sent: it was not quiesced throughout."""

    vm: int


@dataclass(frozen=True, slots=True)
class Unregistered:
    """VirtualCenter does not know this VM any more: by its moref nothing can be removed from it, now or ever."""

    vm: int


QUIESCED, NOT_QUIESCED, SKIPPED = "quiesced", "not quiesced", "skipped"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one VM: `state` is one of the three words above; `why` unless it was quiesced."""

    vm: Vm
    state: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Certified:
    """The certificate: the capture lies between the quiesce and the release of every VM called quiesced."""

    grade: Grade
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class TakenBack:
    """The list shows that a rename which made room for a capture does not stand any more: it is owed no longer."""

    step: Rename


@dataclass(frozen=True, slots=True)
class RolledBack:
    """The names that a rotation before its capture had moved are back."""


@dataclass(frozen=True, slots=True)
class Landed:
    """Every filer command sent so far has acted, or never will. `proven`: the list shows that they all did."""

    proven: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """The report: the exit code, whether debts stay open, and what the operator was told."""

    exit: int
    open: bool
    text: str


Fact = (
    Began
    | Surveyed
    | Intent
    | Started
    | Answered
    | Found
    | Gone
    | Proven
    | Absent
    | Unheld
    | Unregistered
    | Releasing
    | Certified
    | RolledBack
    | TakenBack
    | Landed
    | TakenUp
    | Ended
)


@dataclass(frozen=True, slots=True)
class Noted:
    """A fact and the moment (UTC) it was noted."""

    at: datetime
    fact: Fact
