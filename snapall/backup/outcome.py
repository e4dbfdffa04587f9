"""The results of a run: verdicts, origins, the report, and the summary that closes a journal."""

from __future__ import annotations

from dataclasses import dataclass

from snapall.backup.model import Grade, Job, Vm
from snapall.backup.steps import Outcome
from snapall.errors import Exit


@dataclass(frozen=True, slots=True)
class Origin:
    """The run and the grade behind a filer snapshot, which its name and date text identify."""

    volume: str
    name: str
    date: str
    run: str  # the stamp of the run that made it
    grade: Grade
    quiesced: int
    asked: int
    temporary: bool = True  # still under its temporary name, pending
    doomed: bool = False  # deleted on another volume, so that it is of no use here either
    kept: bool = False  # made by `run --keep`: outside the rotation

    @property
    def label(self) -> str:
        """The grade as `list` shows it: `quiesced 19/19`, `partial 18/19` or `crash-consistent`."""
        match self.grade:
            case Grade.WHOLE:
                return f"quiesced {self.quiesced}/{self.asked}"
            case Grade.PARTIAL:
                return f"partial {self.quiesced}/{self.asked}"
            case Grade.CRASH_CONSISTENT:
                return "crash-consistent"


QUIESCED, NOT_QUIESCED, SKIPPED = "quiesced", "not quiesced", "skipped"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one VM: `state` is one of the three above; `why` unless it was quiesced."""

    vm: Vm
    state: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class VmSummary:
    """What became of one VM. Times are in seconds since the run began; None: never. Calls are the run's own."""

    vm: Vm
    state: str  # as in a verdict
    why: str = ""
    create_sent: float | None = None
    create_answered: float | None = None
    create_seconds: float | None = None  # its duration; None: it did not succeed
    removal_sent: float | None = None  # the first one
    removal_answered: float | None = None  # the last one
    removal_seconds: float | None = None
    released: float | None = None


@dataclass(frozen=True, slots=True)
class CaptureSummary:
    """The filer's snapshot of one volume. Times are in seconds since the run began; `outcome` has no output."""

    volume: str
    name: str
    sent: float
    answered: float | None
    seconds: float | None
    outcome: Outcome | None
    confirmed: float | None
    date: str


@dataclass(frozen=True, slots=True)
class TakeoverSummary:
    """Who took the run over, why, and when: in seconds since the run began."""

    at: float
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Summary:
    """A run in one line: reports on many runs need not read their whole journals.

    `began` is in seconds since 1970, all other times are in seconds since then.
    """

    job: Job
    stamp: str
    keep: str
    adoption: bool  # `recover --adopt`: not a backup
    surveyed: bool
    began: float
    last: float  # the run's own last fact
    ended: float | None  # the run's own report; None: it died before it wrote one
    exit: int | None
    text: str
    backup: Origin | None
    vms: tuple[VmSummary, ...]
    captures: tuple[CaptureSummary, ...]
    takeovers: tuple[TakeoverSummary, ...]
    left: tuple[str, ...]  # the VMs that may be left quiesced, by label
    watched: tuple[str, ...]  # those only watched
    open: bool
    origins: tuple[Origin, ...]  # of the filer's snapshots
    delete: str = ""  # `delete`: the name of the kept backup; not a backup
    final: int | None = None  # the exit code of the last report, of whoever settled the run


@dataclass(frozen=True, slots=True)
class Report:
    """How a run ended. `outstanding`: VMs that may be left quiesced. `watched`: VMs that the next run checks again."""

    job: str
    stamp: str
    exit: Exit
    grade: Grade | None  # None: nothing was captured
    verdicts: tuple[Verdict, ...]
    name: str  # the new backup's name now; "": there is none
    published: bool
    outstanding: tuple[str, ...]
    watched: tuple[str, ...]
    seconds: float
    window: float  # seconds from the first quiesce sent to the last removal answered
    why: str = ""  # what stopped the run before, or outside of, its plan
    given_up: tuple[str, ...] = ()  # the outstanding VMs that snapall can do nothing more about
    forgotten: bool = False  # its journal is lost: no later run knows about it
    skipped: str = ""  # why no backup was due
