"""The state of each job according to its journals alone, so that the site may be down. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum

from snapall.backup.model import Grade, Job
from snapall.backup.outcome import Origin
from snapall.errors import Exit
from snapall.operate.run_history import RunHistory

ALARM = 2.0
"""The newest backup is critical at this multiple of its maximum age, when a nightly job has missed two backups."""

SILENCE = 180.0
"""Seconds without a heartbeat after which a run counts as stuck; its guardian, if any, ends it earlier."""

_FEW = 5
_AHEAD = 300.0  # seconds that a backup may be in the future: clocks are corrected in small steps


class Level(IntEnum):
    """Severity; the values are the exit codes of a monitoring plugin."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class StatusFinding:
    """One reason why a job is not OK."""

    level: Level
    text: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Replica:
    """A destination of the job's backups: how far it was behind when last seen and has been since, in seconds.

    `lag` None: not known. `failure`: why its last update was not done, with the remedy.
    """

    destination: str
    lag: float | None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class JobStatus:
    """One job. `age`: of its newest good backup, in seconds. `at_work`: who holds the job's lock, "" nobody."""

    job: Job
    last: RunHistory | None  # the last one that has ended
    running: RunHistory | None
    backup: RunHistory | None
    age: float | None
    left: tuple[str, ...]  # VMs that may be left quiesced, by label, of all its open runs
    watched: tuple[str, ...]
    pending: int  # confirmed backups that are not published yet
    at_work: str
    findings: tuple[StatusFinding, ...]
    hidden: bool = False  # whether an unreadable journal may name more VMs
    unproved: tuple[str, ...] | None = None  # VMs without a recent proof, by label; None: the job asks for none
    replicas: tuple[Replica, ...] = ()
    mounts: int = 0  # that stand, or are unfinished
    mounts_due: int = 0  # those of them that need somebody

    @property
    def level(self) -> Level:
        """The worst of the findings."""
        return max((one.level for one in self.findings), default=Level.OK)


def is_good(run: RunHistory) -> bool:
    """Whether the run's backup is good enough to be published, so that the job's age counts from it."""
    return run.backup is not None and run.backup.grade >= run.job.publish


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An unreadable journal, and the remedy. `open`: its run may have left VMs quiesced."""

    text: str
    remedy: str
    code: str
    open: bool


@dataclass(frozen=True, slots=True)
class Known:
    """The journals of one job: its nights, newest first, back to the last good one; its open runs."""

    nights: Sequence[RunHistory]
    open: Sequence[RunHistory]
    unreadable: Sequence[Unreadable] = ()
    at_work: str = ""
    pending: int = 0  # as its last run left them
    abandoned: str = ""  # why the job's lock cannot be taken
    silent: float = 0.0  # seconds since the last heartbeat of the newest open run
    unproved: tuple[str, ...] | None = None  # as in the status


def job_status(job: Job, known: Known, now: datetime) -> JobStatus:
    """Judge a job by its journals."""
    newest = known.nights[0] if known.nights else None
    going = known.open[-1] if known.open and _is_running(known.open[-1], known.at_work) else None
    running = newest if newest is not None and going is not None and newest.stamp == going.stamp else None
    nights = known.nights[1:] if running is not None else known.nights
    last = nights[0] if nights else None
    backup = next((one for one in known.nights if is_good(one)), None)
    captured = backup.captured if backup is not None else None
    age = (now - captured).total_seconds() if captured is not None else None
    # The VMs of a run at work are quiesced on purpose.
    mine = [one for one in known.open if one is not going]
    left = tuple(label for one in mine for label in one.left)
    watched = tuple(label for one in mine for label in one.watched)
    findings = (
        *_left_quiesced(left, known.at_work),
        *_abandoned(known),
        *(_stuck(going.left, known.silent) if going is not None else []),
        *_aged(job, age, newest, running),
        *_last(last),
        *([StatusFinding(Level.WARNING, f"to be checked again: {_some(watched)}", "SA-5465")] if watched else []),
        *_unproved(known.unproved or ()),
        *_unread(known),
    )
    positive = max(0.0, age) if age is not None else None
    hidden = any(one.open for one in known.unreadable)
    return JobStatus(
        job,
        last,
        running,
        backup,
        positive,
        left,
        watched,
        known.pending,
        known.at_work,
        findings,
        hidden,
        known.unproved,
    )


def with_replicas(found: JobStatus, replicas: Sequence[Replica], max_lag: float) -> JobStatus:
    """Judge the destinations of a job's backups, too; `max_lag` in seconds."""
    findings = [*found.findings]
    for one in replicas:
        if one.failure:
            findings.append(StatusFinding(Level.WARNING, f"not replicated: {one.failure}", "SA-1930"))
        if one.lag is None:
            text = f"nothing is known of {one.destination}: no update of it is on record"
            findings.append(StatusFinding(Level.WARNING, text, "SA-1931"))
        elif one.lag > max_lag:
            text = f"{one.destination} is {one.lag / 3600:.0f} h behind, more than {max_lag / 3600:g} h"
            findings.append(StatusFinding(Level.WARNING, text, "SA-1932"))
    return replace(found, replicas=tuple(replicas), findings=tuple(findings))


def removed_job_status(name: str, known: Known, now: datetime) -> JobStatus | None:
    """Judge a job that was removed from the configuration; None if none of its runs is open."""
    if not known.open and not known.unreadable:
        return None
    job = known.open[-1].job if known.open else Job(name, "", (), (), ())  # nothing more is readable
    found = job_status(job, known, now)
    remedy = "; run `snapall recover`" if known.open else ""  # an unreadable journal has its own remedy
    text = f"it is no longer in the configuration, but one of its runs is unfinished{remedy}"
    findings = (
        *_left_quiesced(found.left, known.at_work),
        *_abandoned(known),
        StatusFinding(Level.WARNING, text, "SA-5466"),
        *_unread(known),
    )
    return replace(found, findings=findings)


def _abandoned(known: Known) -> list[StatusFinding]:
    """No run and no cleanup is possible while the lock is held."""
    return [StatusFinding(Level.CRITICAL, known.abandoned, "SA-1013")] if known.abandoned else []


def _stuck(vms: Sequence[str], silent: float) -> list[StatusFinding]:
    """A run that hangs or was stopped keeps its VMs quiesced, and the lock."""
    if not vms or silent < SILENCE:
        return []
    text = f"the run at work has had no heartbeat for {silent / 60:.0f} min; VMs may be quiesced: {_some(vms)}"
    return [StatusFinding(Level.CRITICAL, f"{text}; end its process, then run `snapall recover`", "SA-5452")]


def _unread(known: Known) -> list[StatusFinding]:
    return [
        StatusFinding(Level.CRITICAL if one.open else Level.WARNING, f"unreadable: {one.text}; {one.remedy}", one.code)
        for one in known.unreadable
    ]


def _unproved(labels: Sequence[str]) -> list[StatusFinding]:
    if not labels:
        return []
    text = f"no recent proof that backups of {len(labels)} VM{'s' if len(labels) > 1 else ''} can be read"
    return [StatusFinding(Level.WARNING, f"{text}: {_some(labels)}; run `snapall verify`", "SA-1872")]


def _is_running(newest: RunHistory, at_work: str) -> bool:
    """Whether the newest open run holds the lock now."""
    return bool(at_work) and newest.ended is None and not newest.settled


def _some(labels: Sequence[str]) -> str:
    """The first few labels: a pager shows one short line."""
    rest = f" and {len(labels) - _FEW} more" if len(labels) > _FEW else ""
    return ", ".join(labels[:_FEW]) + rest


def _left_quiesced(left: Sequence[str], at_work: str) -> list[StatusFinding]:
    if not left:
        return []
    text = f"{len(left)} VM{'s' if len(left) > 1 else ''} may be left quiesced: {_some(left)}"
    if at_work:
        return [StatusFinding(Level.WARNING, f"{text}; {at_work} is at work on it", "SA-5451")]
    return [StatusFinding(Level.CRITICAL, f"{text}; run `snapall recover`", "SA-5450")]


def _aged(job: Job, age: float | None, newest: RunHistory | None, running: RunHistory | None) -> list[StatusFinding]:
    if newest is None:
        return [StatusFinding(Level.CRITICAL, "no run is on record", "SA-5454")]
    if age is None:
        first = newest is running
        return [StatusFinding(Level.WARNING if first else Level.CRITICAL, "no backup is on record", "SA-5455")]
    if age < -_AHEAD:  # it would seem young for that long
        text = "the newest backup is dated in the future: correct this machine's clock"
        return [StatusFinding(Level.WARNING, text, "SA-5456")]
    if age <= job.max_age:
        return []
    level = Level.CRITICAL if age > ALARM * job.max_age else Level.WARNING
    return [StatusFinding(level, f"older than {job.max_age / 3600:g} h", "SA-5457")]


def _last(last: RunHistory | None) -> list[StatusFinding]:
    """What the last run reported, or that it died without a report; nothing that was cleaned up since."""
    if last is None or last.exit == Exit.OK:
        return []
    if last.backup is not None and (last.exit == Exit.PARTIAL or _cleaned_up(last)):
        return _of_backup(last, last.backup)
    match last.exit:
        case None:
            found = StatusFinding(Level.WARNING, "the last run died before its report", "SA-5458")
        case Exit.OUTSTANDING if last.backup is not None:
            found = StatusFinding(Level.WARNING, "the last run may have left VMs quiesced", "SA-5462")
        case Exit.STOPPED:
            found = StatusFinding(Level.WARNING, "the last run was stopped by a signal", "SA-5463")
        case _:
            why = f": {last.failure}" if last.failure else ""
            found = StatusFinding(Level.WARNING, f"the last run made no backup{why}", "SA-5464")
    return [found]


def _cleaned_up(last: RunHistory) -> bool:
    """Whether recover, a guardian or a later run has settled all that it left, without a problem of their own."""
    return bool(last.settled) and not last.open and last.final == Exit.OK


def _of_backup(last: RunHistory, backup: Origin) -> list[StatusFinding]:
    """What is wrong with a backup whose run had problems."""
    if not last.published:
        return [StatusFinding(Level.WARNING, "the last backup is pending, not published", "SA-5460")]
    if backup.grade is not Grade.WHOLE:
        return [StatusFinding(Level.WARNING, "the last backup is partial", "SA-5461")]
    text = "the last backup is whole, but its run had other problems"
    return [] if _cleaned_up(last) else [StatusFinding(Level.WARNING, text, "SA-5459")]
