"""Records: facts, which go to the journal; looks, which drive this process; notices, which are only displayed.

Listeners (console, log file, JSON) receive them all. `state.apply` alone interprets them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from snapall.backup.facts import Answered, Began, Ended, Fact, Intent, Started
from snapall.backup.model import Vm
from snapall.backup.outcome import Report, Summary
from snapall.backup.sight import Observation


class Stage(StrEnum):
    """The steps of the workflow, as users see them."""

    SETTLE = "settle"
    SURVEY = "survey"
    QUIESCE = "quiesce"
    CAPTURE = "capture"
    CONFIRM = "confirm"
    LOCATE = "locate"
    RELEASE = "release"
    ROTATE = "rotate"


# Notices: for the display alone


@dataclass(frozen=True, slots=True)
class StageBegan:
    """A stage of the workflow begins."""

    stage: Stage


@dataclass(frozen=True, slots=True)
class StageEnded:
    """The stage has ended, after so many seconds."""

    stage: Stage
    seconds: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the job's last nights took, in seconds: from the first quiesce to the last release, and in all."""

    window: float
    run: float


@dataclass(frozen=True, slots=True)
class OutstandingFound:
    """An earlier run may have left this VM quiesced; it is settled first."""

    vm: Vm
    name: str
    run: str


@dataclass(frozen=True, slots=True)
class Guarded:
    """A guardian takes over a job's run, or has finished with it."""

    job: str
    run: str
    text: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The owner waits until `until` (UTC), for this reason."""

    until: datetime
    why: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The report of a run, which is its last record."""

    report: Report


Notice = Forecast | StageBegan | StageEnded | OutstandingFound | Guarded | Waiting | RunEnded

What = Fact | Observation | Notice


@dataclass(frozen=True, slots=True)
class Record:
    """What happened, and when (UTC).

    `run`, for listeners, is the stamp of the run: each run numbers its own commands, and several are settled at once. A
    journal, which has the records of one run, leaves it out.
    """

    at: datetime
    what: What
    run: str = ""


def header_of(records: Sequence[Record]) -> Began | None:
    """The header, with which every journal begins; None: these records have none."""
    first = records[0].what if records else None
    return first if isinstance(first, Began) else None


def number_of(what: What) -> int:
    """The number of the record's command; 0: it has none."""
    return what.n if isinstance(what, Intent | Started | Answered) else 0


def is_intent(what: What) -> bool:
    """Whether the record precedes its command."""
    return isinstance(what, Intent)


def summing_up(what: What, length: int) -> Summary | None:
    """The summary of a report that sums up `length` bytes of a journal; None: it is none."""
    return what.summary if isinstance(what, Ended) and what.length == length else None
