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
    """The header: all that is needed to settle this run, whatever the configuration says later."""

    job: Job
    stamp: str
    vcenter: str  # the host a moref belongs to
    filer: str  # the filer's host
    pace: Pace
    version: str  # snapall's own
    keep: str = ""  # the name of a backup outside the chain
    format: int = 1  # of the journal; 0.1 wrote none
    token: str = ""  # four random characters: a run of another state folder may have the same stamp
    delete: str = ""  # the name of the kept backup that this deletes: it takes none

    @property
    def mark(self) -> str:
        """The ending of this run's own names, which no other run uses."""
        return f"{self.stamp}-{self.token}" if self.token else self.stamp


@dataclass(frozen=True, slots=True)
class Listed:
    """A volume's `snap list`, newest first."""

    volume: str
    rows: tuple[FilerSnapshot, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """A VM that cannot be quiesced although it is wanted, and why."""

    vm: Vm
    why: str


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What the survey found before any change, and what the run intends."""

    commands: tuple[str, ...]  # changing commands as `plan` prints them, passwords masked
    targets: tuple[Vm, ...]  # the VMs to quiesce, in the order of their creates
    present: tuple[str, ...]  # ids of the VM snapshots found: none of them is ours
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
    """From here on VMs are released, and no capture begins."""

    why: str


@dataclass(frozen=True, slots=True)
class TakenOver:
    """From here on another process writes: who settles the run, and why."""

    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Certified:
    """The certificate: the capture lies between the quiesce and the release of every VM called quiesced."""

    grade: Grade
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that the operator should know, with its remedy and its code; not a failure."""

    text: str
    hint: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """Why the exit code is not 0. The first one is the cause."""

    text: str
    hint: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """The report: the exit code, whether work is outstanding, and the text for the operator.

    `summary` sums up the run with this report. It is valid while `length` bytes precede this line in the journal.
    A use of a backup has no summary: its `length` is given only if nothing is left of it.
    """

    exit: int
    open: bool
    text: str
    summary: Summary | None = None
    length: int = 0


# Facts of a changing command


@dataclass(frozen=True, slots=True)
class Intent:
    """Command `n` is about to be sent. From here on it may have happened."""

    n: int
    step: Step


@dataclass(frozen=True, slots=True)
class Started:
    """The program of command `n` has started."""

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
    """The program of command `n`, which gave no answer, no longer runs."""

    n: int


# Facts of a VM, by VPX_VM.ID


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A planned VM is not quiesced after all, and why."""

    vm: int
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """The database lists this snapshot of ours."""

    vm: int
    ssid: str


@dataclass(frozen=True, slots=True)
class Adopted:
    """The operator agreed to remove this snapshot, which no run made."""

    vm: Vm
    name: str
    ssid: str


@dataclass(frozen=True, slots=True)
class Withheld:
    """An id that was printed for this VM is not ours: it is not removed."""

    vm: int
    ssid: str
    why: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class SnapshotVanished:
    """The VM's snapshot vanished before its removal was sent: the VM was not quiesced throughout."""

    vm: int


@dataclass(frozen=True, slots=True)
class VmLost:
    """VirtualCenter no longer knows this VM: nothing can ever be removed by its moref."""

    vm: int


@dataclass(frozen=True, slots=True)
class Gone:
    """Nothing of ours is left on this VM; `how` says why."""

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
    """A capture is not on the filer, and can no longer appear there."""

    volume: str
    name: str


@dataclass(frozen=True, slots=True)
class CommandSettled:
    """Filer command `n` can no longer act. `done`: whether it took effect; None: unknown."""

    n: int
    done: bool | None


@dataclass(frozen=True, slots=True)
class NamesConfirmed:
    """`snap list` confirms the names that the answers gave."""

    volume: str


@dataclass(frozen=True, slots=True)
class NamesDiffer:
    """`snap list` shows other names than the answers gave."""

    volume: str
    listed: str


@dataclass(frozen=True, slots=True)
class RenamedBack:
    """The list shows that a rename which made room for a capture was reversed."""

    step: Rename


@dataclass(frozen=True, slots=True)
class RotationEnded:
    """A rotation has ended. `published`: the runs whose backups are in the chain."""

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


def may_wait(fact: object) -> bool:
    """Whether the run may go on before the fact is on the disk."""
    return isinstance(fact, _UNSYNCED)
