"""What a run came to: verdicts, origins, the report, and the summary that closes a journal."""

from __future__ import annotations

from dataclasses import dataclass

from snapall.backup.model import Grade, Job, Vm
from snapall.backup.steps import Outcome
from snapall.errors import Exit


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
    temporary: bool = True  # still under its temporary name, pending
    doomed: bool = False  # deleted on another volume, so that it is of no use here either

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
    """What became of one VM: `state` is one of the three words above; `why` unless it was quiesced."""

    vm: Vm
    state: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class VmSummary:
    """What became of one VM. Moments are seconds since the run began; None: never. The calls are the run's own."""

    vm: Vm
    state: str  # as in a verdict
    why: str = ""
    create_sent: float | None = None
    create_answered: float | None = None
    create_seconds: float | None = None  # that it took; None: it was not answered with success
    removal_sent: float | None = None  # the first one
    removal_answered: float | None = None  # the last one
    removal_seconds: float | None = None
    freed: float | None = None


@dataclass(frozen=True, slots=True)
class CaptureSummary:
    """The filer's snapshot of one volume. Moments are seconds since the run began; `outcome` is without the output."""

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
    """A run in one line, so that whoever looks back over many runs need not read the rest of their journals.

    `began` is in seconds since 1970, all other moments are in seconds since then.
    """

    job: Job
    stamp: str
    keep: str
    adoption: bool  # `recover --adopt`: no backup was asked for
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
    watched: tuple[str, ...]  # those that are only looked at again
    open: bool
    origins: tuple[Origin, ...]  # of the filer's snapshots


@dataclass(frozen=True, slots=True)
class Report:
    """How a run ended. `outstanding` names VMs that may be left quiesced, `watched` those that are looked at again."""

    job: str
    stamp: str
    exit: Exit
    grade: Grade | None  # None: nothing was captured
    verdicts: tuple[Verdict, ...]
    name: str  # what the new backup is called now; "" when there is none
    published: bool
    outstanding: tuple[str, ...]
    watched: tuple[str, ...]
    seconds: float
    window: float  # seconds from the first quiesce sent to the last removal answered
    why: str = ""  # what stopped the run before, or outside of, its plan
    given_up: tuple[str, ...] = ()  # those of `outstanding` that snapall can do nothing more about
    forgotten: bool = False  # its journal is lost: no later run knows of it
