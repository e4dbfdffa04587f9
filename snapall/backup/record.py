"""What happens in a run, as frozen data: facts go to the journal, one JSON line each; notices are only shown.

Listeners (console, log file, JSON) receive the same records. `state.apply` alone interprets them.
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
    """The steps of the workflow, by the names that a person sees."""

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
    """It has ended, after so many seconds."""

    stage: Stage
    seconds: float


@dataclass(frozen=True, slots=True)
class OutstandingFound:
    """An earlier run may have left this VM quiesced; it is settled first."""

    vm: Vm
    name: str
    run: str


@dataclass(frozen=True, slots=True)
class Guarded:
    """A guardian takes over the run of a job, or has finished with it."""

    job: str
    run: str
    text: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing is to be done before `until` (UTC), because of `why`."""

    until: datetime
    why: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The last word of a run."""

    report: Report


Notice = StageBegan | StageEnded | OutstandingFound | Guarded | Waiting | RunEnded

What = Fact | Observation | Notice


@dataclass(frozen=True, slots=True)
class Record:
    """What happened, and its moment (UTC).

    `run` is the stamp of the run that it is about, for listeners: each run numbers its commands by itself, and several
    are settled at once. In a journal all records are of one run, and it is not written.
    """

    at: datetime
    what: What
    run: str = ""


def header_of(records: Sequence[Record]) -> Began | None:
    """The header, with which every journal begins; None: these records have none."""
    first = records[0].what if records else None
    return first if isinstance(first, Began) else None


def number_of(what: What) -> int:
    """The number of the command that a record is about; 0: of none."""
    return what.n if isinstance(what, Intent | Started | Answered) else 0


def is_intent(what: What) -> bool:
    """Whether it was written before its command was sent."""
    return isinstance(what, Intent)


def summing_up(what: What, length: int) -> Summary | None:
    """The summary of a report that sums up so many bytes of a journal; None: it is no such report."""
    return what.summary if isinstance(what, Ended) and what.length == length else None
