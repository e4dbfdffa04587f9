"""What the channels of [notify] send: a run, a recovery or a test, in the words of the other views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from snapall.backup.facts import Answered, Ended, Failed, Warned
from snapall.backup.model import Job
from snapall.backup.outcome import Report
from snapall.backup.record import Guarded, Record, RunEnded
from snapall.backup.steps import Done
from snapall.errors import Exit, coded, worst
from snapall.operate.notify import Notification, Severity
from snapall.views import messages
from snapall.views.labels import Labels
from snapall.views.sentences import Weight, sentence

LONGEST = 60_000
"""Characters of a mail's text. The log has everything."""

_LONGEST_LINE = 2000
_SEVERITIES = {
    Exit.OK: Severity.INFO,
    Exit.PARTIAL: Severity.WARNING,
    Exit.LOCKED: Severity.WARNING,
    Exit.STOPPED: Severity.WARNING,
    Exit.FAILED: Severity.ERROR,
    Exit.USAGE: Severity.ERROR,
    Exit.OUTSTANDING: Severity.CRITICAL,
}


def of_run(job: Job, code: Exit, heard: Sequence[Record], host: str) -> Notification:
    """A run of a job that ended with this code; `heard` is all that it published."""
    report = next((one.what.report for one in reversed(heard) if isinstance(one.what, RunEnded)), None)
    summary = messages.summary(report, job) if report is not None else [messages.exit_of(code)]
    head = f"{job.name}: {_outcome(code, report, job)} (exit {int(code)})"
    urgent = [line for line in summary if line.startswith(("may be left", "next: "))]
    return _notification(_Verdict(code, _SEVERITIES[code]), head, host, summary, heard, urgent)


def _outcome(code: Exit, report: Report | None, job: Job) -> str:
    """How a run ended, in a few words: `OK, quiesced 19/19`, `PARTIAL 18/19`."""
    if code is Exit.OUTSTANDING or report is None or report.grade is None:
        return f"{code.name}, {messages.MEANINGS[code]}"
    grade, word = messages.grade(report), f"{code.name.lower()} "
    text = f"{code.name} {grade.removeprefix(word)}" if grade.startswith(word) else f"{code.name}, {grade}"
    return text if report.published else f"{text}, {messages.place(report, job)}"


def of_recovery(who: str, code: Exit | None, heard: Sequence[Record], host: str) -> Notification | None:
    """What a guardian or `recover` did; None: nothing. A guardian has no exit code: its runs' journals have them."""
    ends = {one.run: one.what for one in heard if isinstance(one.what, Ended)}
    troubled = any(isinstance(one.what, Failed) for one in heard)
    if code is None:
        code = worst(*(Exit(one.exit) for one in ends.values()), *([Exit.OUTSTANDING] if troubled and not ends else []))
    if code is Exit.OK and not ends:
        return None
    lost = any(one.summary is not None and one.summary.surveyed and one.summary.backup is None for one in ends.values())
    least = Severity.ERROR if lost else Severity.WARNING
    summary = [_settled(run, end) for run, end in ends.items()]
    head = f"{who}: {_recovered(code)} (exit {int(code)})"
    return _notification(_Verdict(code, min(least, _SEVERITIES[code])), head, host, summary, heard, summary)


def _recovered(code: Exit) -> str:
    match code:
        case Exit.OK:
            return "OK, an unfinished run was cleaned up"
        case Exit.OUTSTANDING:
            return f"{code.name}, {messages.MEANINGS[code]}"
        case _:
            return f"{code.name}, some work is still outstanding"


def _settled(run: str, end: Ended) -> str:
    """One run that was taken over, and whether it made a backup."""
    name = f"run {run}" if run else "the run"
    if end.summary is None:
        return f"{name}: {end.text}"
    backup = end.summary.backup
    made = f"its backup is {backup.name}, {backup.label}" if backup is not None else "it made no backup"
    left = f"; may be left quiesced: {', '.join(end.summary.left)}" if end.summary.left else ""
    return f"job {end.summary.job.name}, {name}: {end.text}; {made}{left}"


def of_test(host: str) -> Notification:
    """A test message."""
    summary = ["`snapall doctor --notify` sent this; nothing has happened"]
    return _notification(_Verdict(Exit.OK, Severity.INFO), "test message", host, summary, (), summary)


@dataclass(frozen=True, slots=True)
class _Verdict:
    """How it ended, and how serious that is."""

    code: Exit
    severity: Severity


def _notification(
    verdict: _Verdict, head: str, host: str, summary: Sequence[str], heard: Sequence[Record], urgent: Sequence[str]
) -> Notification:
    """`urgent`: the lines of the summary that the single line repeats, before the messages."""
    told = _told(heard)
    subject = messages.safe(f"snapall {head} on {host}")
    body = [subject, "", *summary]
    if told:
        body += ["", "Messages, as in the log:"]
    for one in told:
        body += [f"{one.at.astimezone():%H:%M:%S} {line}" for line in one.text.splitlines()]
        body += [f"  remedy: {one.remedy}"] if one.remedy else []
    line = "; ".join([head, *urgent, *(" / ".join(one.text.splitlines()) for one in told)])
    text = _bounded([messages.safe(one) for one in body])
    event = _event(verdict.code, heard)
    return Notification(verdict.severity, verdict.code, event, messages.safe(line), subject, text)


def _event(code: Exit, heard: Sequence[Record]) -> int:
    """The number of the worst message: the first failure, else the first warning; the exit code if there is none."""
    coded_ones = [one.what for one in heard if isinstance(one.what, Failed | Warned) and one.what.code]
    worst_first = sorted(coded_ones, key=lambda what: isinstance(what, Warned))
    return int(worst_first[0].code.removeprefix("SA-")) if worst_first else int(code)


@dataclass(frozen=True, slots=True)
class _Told:
    """One message of a run."""

    at: datetime
    text: str
    remedy: str = ""


def _told(heard: Sequence[Record]) -> list[_Told]:
    """The messages of a run: what the log has beside the batch's own lines."""
    names = Labels()
    found = []
    for record in heard:
        step = names.learn(record)
        match record.what:
            case Warned(text, hint, code) | Failed(text, hint, code) as what:
                kind = "warning" if isinstance(what, Warned) else "error"
                found.append(_Told(record.at, f"{kind}: {coded(code, text)}", hint))
            case Answered(_, outcome) if step is not None and not isinstance(outcome, Done):
                found.append(_Told(record.at, messages.done(step, outcome)))
            case Guarded(job, run, text):
                found.append(_Told(record.at, f"job {job}, run {run}: {text}"))
            case what:
                shown = sentence(what, names)
                if shown is not None and shown.weight is not Weight.ROUTINE:
                    found.append(_Told(record.at, shown.text))
    return found


def _bounded(lines: Sequence[str]) -> str:
    """The text, cut where it becomes too long for a mail."""
    kept: list[str] = []
    room = LONGEST
    for line in lines:
        short = line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}..."
        room -= len(short) + 1
        if room < 0:
            return "\n".join([*kept, f"... and {len(lines) - len(kept)} more lines: see the log"])
        kept.append(short)
    return "\n".join(kept)
