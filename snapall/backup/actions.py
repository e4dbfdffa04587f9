"""What a decision consists of: facts to write, commands and looks to begin, and when to decide anew. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from snapall.backup.facts import Fact
from snapall.backup.model import Job
from snapall.backup.record import Stage
from snapall.backup.steps import Child, Release, Step


@dataclass(frozen=True, slots=True)
class Send:
    """Send a changing command: its intent is written first."""

    stage: Stage
    step: Step


@dataclass(frozen=True, slots=True)
class LookAtVms:
    """Ask the database for the snapshots of these VMs, and for these ids wherever they are.

    `programs` are commands without an answer, each with its program, of which it is asked whether it still runs; None:
    nobody wrote down which program it was. `moved` are VMs of which it is asked whether they have another host now.
    """

    stage: Stage
    vms: tuple[int, ...]
    ssids: tuple[str, ...]
    programs: tuple[tuple[int, Child | None], ...] = ()
    moved: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadVolume:
    """Read `snap list` of a volume."""

    stage: Stage
    volume: str


Action = Send | LookAtVms | ReadVolume


def needs_no_intent(action: Action) -> bool:
    """Whether it may begin although nothing can be written down: a look changes nothing, a removal is safe twice."""
    return not isinstance(action, Send) or isinstance(action.step, Release)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the run's owner is there for: run, guardian, recover and the next run's cleanup differ in nothing else."""

    backup: bool = False  # perform the plan
    wait: bool = False  # stay until what is outstanding cannot act any more
    linger: bool = True  # stay until a removal has worked, and until what was removed is no longer listed
    patient: bool = True  # stay until a filer command without an answer cannot act any more
    vms: bool = True  # the run's VMs belong to the VirtualCenter that is configured
    filer: bool = True  # and its volumes to the filer that is configured
    publish: Job | None = None  # bring what is pending into this job's chain, once nothing else is outstanding


@dataclass(frozen=True, slots=True)
class Decision:
    """`wake`: decide anew at this moment (UTC) at the latest. `done`: the owner has nothing more to do."""

    records: tuple[Fact, ...] = ()
    actions: tuple[Action, ...] = ()
    wake: datetime | None = None
    why: str = ""  # what is being waited for
    done: bool = False


@dataclass(slots=True)
class Draft:
    """A decision while it is being made."""

    records: list[Fact] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    wakes: list[tuple[datetime, str]] = field(default_factory=list)
    busy: bool = False  # something under way is worth waiting for

    def wait(self, until: datetime, why: str = "") -> None:
        """Decide anew at this moment."""
        self.wakes.append((until, why))
