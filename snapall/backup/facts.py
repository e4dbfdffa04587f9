"""What happens in a run, as frozen data: the journal holds one JSON line for each fact.

`state.apply` alone interprets them.
"""

from __future__ import annotations

from dataclasses import dataclass

from snapall.backup.model import FilerSnapshot, Grade, Job, Pace, Vm
from snapall.backup.outcome import Origin, Summary, Verdict
from snapall.backup.steps import Child, Delete, Outcome, Rename, Step

FORMAT = 2
"""The journal's format that this version writes."""

# Facts of a run as a whole


@dataclass(frozen=True, slots=True)
class Began:
    """The header: what must be known to settle this run, whatever the configuration says later."""

    job: Job
    stamp: str
    vcenter: str  # the host a moref belongs to
    filer: str  # the filer's host
    pace: Pace
    version: str  # snapall's own
    keep: str = ""  # the name of a backup outside the chain
    format: int = 1  # of the journal; 0.1 wrote none
    token: str = ""  # four random characters: a run of another state folder may have the same stamp

    @property
    def mark(self) -> str:
        """What the run's own names end in: no other run has it."""
        return f"{self.stamp}-{self.token}" if self.token else self.stamp


@dataclass(frozen=True, slots=True)
class Listed:
    """A volume's `snap list`, newest first."""

    volume: str
    rows: tuple[FilerSnapshot, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """A VM that is wanted and cannot be quiesced, and why."""

    vm: Vm
    why: str


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What was there before anything changed, and what the run intends."""

    commands: tuple[str, ...]  # the changing ones, as `plan` prints them, passwords masked
    targets: tuple[Vm, ...]  # the VMs to quiesce, in the order of their creates
    present: tuple[str, ...]  # ids of the VM snapshots present: none of them is ours
    listings: tuple[Listed, ...]
    origins: tuple[Origin, ...]
    left: tuple[Left, ...] = ()
    skipped: tuple[Vm, ...] = ()
    capture: str = ""  # the name under which every volume is captured
    moves: tuple[Rename | Delete, ...] = ()  # the rotation, as planned
    removals: tuple[int, ...] = ()  # VPX_VM.ID in the order of their removals; empty: as `targets`


@dataclass(frozen=True, slots=True)
class StopAsked:
    """A signal asked the run to end."""


@dataclass(frozen=True, slots=True)
class ReleaseBegan:
    """From here on VMs are released, and no capture is begun any more."""

    why: str


@dataclass(frozen=True, slots=True)
class TakenOver:
    """From here on another process than the run itself writes: `by` whom the run is settled, and `why`."""

    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Certified:
    """The certificate: the capture lies between the quiesce and the release of every VM called quiesced."""

    grade: Grade
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that the operator should know, with its remedy; it is no failure by itself."""

    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """Why the exit code is not 0: the first of these is the cause."""

    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """The report: the exit code, whether work stays outstanding, and what the operator was told.

    `summary` sums up the run with this report; it counts as long as `length` bytes precede this line in the journal.
    """

    exit: int
    open: bool
    text: str
    summary: Summary | None = None
    length: int = 0


# Facts of a changing command


@dataclass(frozen=True, slots=True)
class Intent:
    """Command number `n` is about to be sent. From here on it may have happened."""

    n: int
    step: Step


@dataclass(frozen=True, slots=True)
class Started:
    """The program that performs command `n` runs."""

    n: int
    child: Child


@dataclass(frozen=True, slots=True)
class Answered:
    """Command `n` was answered after so many seconds."""

    n: int
    outcome: Outcome
    seconds: float


@dataclass(frozen=True, slots=True)
class ProgramEnded:
    """The program of command `n`, which gave no answer, was seen to run no more."""

    n: int


# Facts of a VM, by VPX_VM.ID


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A planned VM is not asked for after all, and why."""

    vm: int
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """The database lists this snapshot of ours."""

    vm: int
    ssid: str


@dataclass(frozen=True, slots=True)
class Adopted:
    """The operator agreed that this snapshot, which no run made, is removed."""

    vm: Vm
    name: str
    ssid: str


@dataclass(frozen=True, slots=True)
class Withheld:
    """An id that was printed for this VM is somebody else's snapshot: it is not removed."""

    vm: int
    ssid: str
    why: str


@dataclass(frozen=True, slots=True)
class SnapshotVanished:
    """A VM's snapshot had vanished before its removal was sent: it was not quiesced throughout."""

    vm: int


@dataclass(frozen=True, slots=True)
class VmLost:
    """VirtualCenter does not know this VM any more: by its moref nothing can be removed from it, now or ever."""

    vm: int


@dataclass(frozen=True, slots=True)
class Gone:
    """Nothing of ours is left on this VM: `how` says what that was concluded from."""

    vm: int
    how: str


# Facts of the filer


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A capture was read back from `snap list`."""

    volume: str
    name: str
    date: str


@dataclass(frozen=True, slots=True)
class Absent:
    """A capture is not on the filer, and cannot appear there any more."""

    volume: str
    name: str


@dataclass(frozen=True, slots=True)
class CommandSettled:
    """Filer command `n`, which was not answered well, acts no more; None: whether it took effect is not known."""

    n: int
    done: bool | None


@dataclass(frozen=True, slots=True)
class NamesConfirmed:
    """`snap list` shows the names of the volume as the answers say."""

    volume: str


@dataclass(frozen=True, slots=True)
class NamesDiffer:
    """`snap list` shows other names than the answers say."""

    volume: str
    listed: str


@dataclass(frozen=True, slots=True)
class RenamedBack:
    """The list shows that a rename which made room for a capture does not stand any more."""

    step: Rename


@dataclass(frozen=True, slots=True)
class RotationEnded:
    """A rotation is over: `published` are the runs whose backups it brought into the chain."""

    published: tuple[str, ...]
    whole: bool


RunFact = Began | Surveyed | StopAsked | ReleaseBegan | TakenOver | Certified | Warned | Failed | Ended
CallFact = Intent | Started | Answered | ProgramEnded
VmFact = LeftOut | Found | Adopted | Withheld | SnapshotVanished | VmLost | Gone
FilerFact = Confirmed | Absent | CommandSettled | NamesConfirmed | NamesDiffer | RenamedBack | RotationEnded
Fact = RunFact | CallFact | VmFact | FilerFact

_UNSYNCED = Started | Answered | ProgramEnded | Confirmed
"""Facts that survive the process once they are written. The next intent syncs them, before anything rests on them.

A power cut before that leaves an unknown outcome.
"""


def may_wait(fact: Fact) -> bool:
    """Whether the run may go on before the fact is on the disk."""
    return isinstance(fact, _UNSYNCED)
