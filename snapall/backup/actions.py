"""The parts of a decision: facts to write, commands and looks to begin, and when to decide anew. Pure."""

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

    `programs`: commands without an answer, each with its program, to check whether that still runs; None: its program
    is unknown. `moved`: VMs to check for a new host.
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
    """What the run's owner does: run, guardian, recover and the next run's cleanup differ in nothing else."""

    backup: bool = False  # perform the plan
    wait: bool = False  # stay until outstanding creates can no longer act
    linger: bool = True  # stay until a removal has worked, and until what was removed is no longer listed
    patient: bool = True  # stay until a filer command without an answer can no longer act
    vms: bool = True  # release VMs: they belong to the configured VirtualCenter
    filer: bool = True  # work on volumes: they belong to the configured filer
    delete: bool = False  # delete the kept backup that the header names
    publish: Job | None = None  # publish this job's pending backups, once nothing else is outstanding


@dataclass(frozen=True, slots=True)
class Decision:
    """`wake`: decide anew at this time (UTC) at the latest. `done`: the owner has nothing left to do."""

    records: tuple[Fact, ...] = ()
    actions: tuple[Action, ...] = ()
    wake: datetime | None = None
    why: str = ""  # what the owner waits for
    done: bool = False


@dataclass(slots=True)
class Draft:
    """A decision while it is being made."""

    records: list[Fact] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    wakes: list[tuple[datetime, str]] = field(default_factory=list)
    busy: bool = False  # something under way is worth waiting for

    def wait(self, until: datetime, why: str = "") -> None:
        """Decide anew at this time."""
        self.wakes.append((until, why))

    def read_at(self, at: datetime, look: ReadVolume, now: datetime, until: datetime, why: str) -> None:
        """Read a volume if the time has come; otherwise wait for it, but no longer than `until`."""
        if now >= at:
            self.actions.append(look)
        else:
            self.wait(min(at, until), why)
            self.busy = True
