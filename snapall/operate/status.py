"""How each job stands, judged by its journals alone: the site may be down when this is asked. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum

from snapall.backup.model import Grade, Job
from snapall.errors import Exit
from snapall.operate.run_history import RunHistory

ALARM = 2.0
"""The newest backup is critical at this many times its maximum age: of a nightly job two backups are missing then."""

SILENCE = 180.0
"""Seconds without a sign of life after which a run at work counts as stuck; its guardian, if any, ends it earlier."""

_FEW = 5
_AHEAD = 300.0  # seconds that a backup may lie ahead of the clock, which is kept right by small steps


class Level(IntEnum):
    """How bad it is; the values are the exit codes of a monitoring plugin."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class StatusFinding:
    """One reason why a job is not OK."""

    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class JobStatus:
    """One job. `age` is of its newest good backup, in seconds. `at_work` says who holds the job's lock, "" nobody."""

    job: Job
    last: RunHistory | None  # the last one that is over
    running: RunHistory | None
    backup: RunHistory | None
    age: float | None
    left: tuple[str, ...]  # VMs that may be left quiesced, by label, of all its open runs
    watched: tuple[str, ...]
    pending: int  # confirmed backups that are not published yet
    at_work: str
    findings: tuple[StatusFinding, ...]
    hidden: bool = False  # a journal that may name more of them cannot be read

    @property
    def level(self) -> Level:
        """The worst of the findings."""
        return max((one.level for one in self.findings), default=Level.OK)


def is_good(run: RunHistory) -> bool:
    """Whether a run made a backup good enough to be published, so that the job's age counts from it."""
    return run.backup is not None and run.backup.grade >= run.job.publish


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A journal that cannot be read, and what to do about it. `open`: its run may have left VMs quiesced."""

    text: str
    remedy: str
    open: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What the state folder says of one job: its nights, newest first, back to the last good one; its open runs."""

    nights: Sequence[RunHistory]
    open: Sequence[RunHistory]
    unreadable: Sequence[Unreadable] = ()
    at_work: str = ""
    pending: int = 0  # as its last run left them
    abandoned: str = ""  # why nobody can get the job's lock
    silent: float = 0.0  # seconds since the newest open run gave a sign of life


def job_status(job: Job, known: Known, now: datetime) -> JobStatus:
    """Judge one job."""
    newest = known.nights[0] if known.nights else None
    going = known.open[-1] if known.open and _goes_on(known.open[-1], known.at_work) else None
    running = newest if newest is not None and going is not None and newest.stamp == going.stamp else None
    nights = known.nights[1:] if running is not None else known.nights
    last = nights[0] if nights else None
    backup = next((one for one in known.nights if is_good(one)), None)
    captured = backup.captured if backup is not None else None
    age = (now - captured).total_seconds() if captured is not None else None
    # The VMs of a run at work are quiesced for a purpose; it writes what it intends before it acts.
    mine = [one for one in known.open if one is not going]
    left = tuple(label for one in mine for label in one.left)
    watched = tuple(label for one in mine for label in one.watched)
    findings = (
        *_held(left, known.at_work),
        *_abandoned(known),
        *(_stuck(going.left, known.silent) if going is not None else []),
        *_aged(job, age, newest, running),
        *_last(last),
        *([StatusFinding(Level.WARNING, f"to be checked once more: {_some(watched)}")] if watched else []),
        *_unread(known),
    )
    shown = max(0.0, age) if age is not None else None
    hidden = any(one.open for one in known.unreadable)
    return JobStatus(job, last, running, backup, shown, left, watched, known.pending, known.at_work, findings, hidden)


def removed_job_status(name: str, known: Known, now: datetime) -> JobStatus | None:
    """A job that the configuration does not name any more, while a run of it is open; None: none is."""
    if not known.open and not known.unreadable:
        return None
    job = known.open[-1].job if known.open else Job(name, "", (), (), ())  # no more of it can be read
    found = job_status(job, known, now)
    remedy = "; run `snapall recover`" if known.open else ""  # of one that cannot be read, the remedy is another
    text = f"it is not in the configuration any more, and a run of it is not settled{remedy}"
    findings = (
        *_held(found.left, known.at_work),
        *_abandoned(known),
        StatusFinding(Level.WARNING, text),
        *_unread(known),
    )
    return replace(found, findings=findings)


def _abandoned(known: Known) -> list[StatusFinding]:
    """Nobody can settle or back up anything while somebody else has the lock."""
    return [StatusFinding(Level.CRITICAL, known.abandoned)] if known.abandoned else []


def _stuck(held: Sequence[str], silent: float) -> list[StatusFinding]:
    """A run that hangs or was stopped keeps its VMs quiesced, and everybody else from its lock."""
    if not held or silent < SILENCE:
        return []
    text = f"the run at work has given no sign of life for {silent / 60:.0f} min; VMs may be quiesced: {_some(held)}"
    return [StatusFinding(Level.CRITICAL, f"{text}; end its process, then run `snapall recover`")]


def _unread(known: Known) -> list[StatusFinding]:
    return [
        StatusFinding(Level.CRITICAL if one.open else Level.WARNING, f"not readable: {one.text}; {one.remedy}")
        for one in known.unreadable
    ]


def _goes_on(newest: RunHistory, at_work: str) -> bool:
    """Whether the newest open run is the one that holds the lock now."""
    return bool(at_work) and newest.ended is None and not newest.settled


def _some(labels: Sequence[str]) -> str:
    """The first few of them: a pager's line is short."""
    rest = f" and {len(labels) - _FEW} more" if len(labels) > _FEW else ""
    return ", ".join(labels[:_FEW]) + rest


def _held(left: Sequence[str], at_work: str) -> list[StatusFinding]:
    if not left:
        return []
    text = f"{len(left)} VM{'s' if len(left) > 1 else ''} may be left quiesced: {_some(left)}"
    if at_work:
        return [StatusFinding(Level.WARNING, f"{text}; {at_work} is at work on it")]
    return [StatusFinding(Level.CRITICAL, f"{text}; run `snapall recover`")]


def _aged(job: Job, age: float | None, newest: RunHistory | None, running: RunHistory | None) -> list[StatusFinding]:
    if newest is None:
        return [StatusFinding(Level.CRITICAL, "no run is on record")]
    if age is None:
        first = newest is running
        return [StatusFinding(Level.WARNING if first else Level.CRITICAL, "no backup is on record")]
    if age < -_AHEAD:  # it would be young for as long as the clock was ahead
        return [
            StatusFinding(Level.WARNING, "the newest backup is dated in the future: set this machine's clock right")
        ]
    if age <= job.max_age:
        return []
    level = Level.CRITICAL if age > ALARM * job.max_age else Level.WARNING
    return [StatusFinding(level, f"older than {job.max_age / 3600:g} h")]


def _last(last: RunHistory | None) -> list[StatusFinding]:
    """What the last run's own report says. Nobody else reports one that died."""
    if last is None:
        return []
    if last.exit is None:
        return [StatusFinding(Level.WARNING, "the last run died before its report")]
    match last.exit:
        case Exit.OK:
            return []
        case Exit.PARTIAL if last.backup is not None:
            text = "the last backup is whole, and yet not all of its run went well"
            if not last.published:
                text = "the last backup is pending, not published"
            elif last.backup.grade is not Grade.WHOLE:
                text = "the last backup is partial"
            return [StatusFinding(Level.WARNING, text)]
        case Exit.OUTSTANDING if last.backup is not None:
            return [StatusFinding(Level.WARNING, "the last run left VMs that may be quiesced")]
        case Exit.STOPPED:
            return [StatusFinding(Level.WARNING, "the last run was stopped by a signal")]
        case _:
            return [_failed(last)]


def _failed(last: RunHistory) -> StatusFinding:
    return StatusFinding(Level.WARNING, f"the last run made no backup{f': {last.failure}' if last.failure else ''}")
