"""What every view says alike: steps, grades, how a run ended and what to do next, durations and sizes."""

from __future__ import annotations

from collections.abc import Mapping

from snapall.backup.model import Grade, Job, Order
from snapall.backup.outcome import NOT_QUIESCED, QUIESCED, SKIPPED, Report
from snapall.backup.steps import Capture, Delete, Done, Outcome, Quiesce, Refusal, Release, Rename, Step, Unknown
from snapall.errors import Exit
from snapall.escaping import printable

MEANINGS = {
    Exit.OK: "success",
    Exit.FAILED: "no new backup",
    Exit.USAGE: "usage or configuration error",
    Exit.PARTIAL: "partial: there is a backup, but with problems",
    Exit.LOCKED: "another run holds the lock",
    Exit.OUTSTANDING: "VMs may be left quiesced",
    Exit.STOPPED: "stopped by a signal; all VMs were released",
}

RECOVERED = MEANINGS | {
    Exit.OK: "nothing is outstanding",
    Exit.FAILED: "some work could not be finished",
    Exit.PARTIAL: "the next run checks again",
    Exit.STOPPED: "stopped by a signal",
}


def safe(text: str) -> str:
    """Escape control and invisible characters, since names come from people and programs elsewhere."""
    return printable(text)


_VERBS: dict[type[Step], tuple[str, str]] = {
    Quiesce: ("quiescing", "quiesced"),
    Release: ("releasing", "released"),
    Capture: ("creating", "created"),
    Rename: ("renaming", "renamed"),
    Delete: ("deleting", "deleted"),
}


def doing(step: Step) -> str:
    """What a step does, while it is under way."""
    return f"{_VERBS[type(step)][0]} {_target(step)}"


def done(step: Step, outcome: Outcome) -> str:
    """What became of a step, with the reason when it failed."""
    match outcome:
        case Done():
            return f"{_VERBS[type(step)][1]} {_target(step)}"
        case Refusal(why):
            return f"{doing(step)} was refused: {why}"
        case Unknown(why):
            return f"{doing(step)}, outcome unknown: {why}"


def _target(step: Step) -> str:
    match step:
        case Quiesce(vm) | Release(vm):
            return vm.label
        case Capture(volume, name) | Delete(volume, name):
            return f"{name} on {volume}"
        case Rename(volume, old, new):
            return f"{old} to {new} on {volume}"


def grade(report: Report) -> str:
    """The grade of a run's backup, counted: `quiesced 19/19`, `partial 18/19, 1 skipped`."""
    counted = [one for one in report.verdicts if one.state != SKIPPED]
    quiesced = sum(one.state == QUIESCED for one in counted)
    skipped = len(report.verdicts) - len(counted)
    rest = f", {skipped} skipped" if skipped else ""
    match report.grade:
        case None:
            return "no backup"
        case Grade.WHOLE:
            return f"quiesced {quiesced}/{len(counted)}{rest}"
        case Grade.PARTIAL:
            return f"partial {quiesced}/{len(counted)}{rest}"
        case Grade.CRASH_CONSISTENT:
            return f"crash-consistent{rest}"


def summary(report: Report, job: Job | None) -> list[str]:
    """How a run ended, the worst first. `job` is None when the run ended before it wrote its header."""
    lines = [f"may be left quiesced: {one}" for one in report.outstanding]
    if report.grade is not None:
        lines.append(f"{report.name}: {grade(report)}, {place(report, job)}")
    lines += [f"not quiesced: {', '.join(labels)}: {why}" for why, labels in _not_quiesced(report).items()]
    lines += report.watched
    if report.window:
        lines.append(f"VMs were quiesced for {clocked(report.window)}; the whole run took {clocked(report.seconds)}")
    if report.skipped:
        lines.append(f"no backup is due: {report.skipped}")
    lines.append(exit_of(report.exit) if not report.skipped or report.exit is not Exit.OK else "exit 0: nothing to do")
    lines += [f"next: {advice(report, job)}"] if report.exit is not Exit.OK else []
    return [safe(line) for line in lines]


def place(report: Report, job: Job | None) -> str:
    """Where a run's backup is: published, pending, or kept outside the rotation."""
    if not report.published:
        return "pending"
    return "published" if job is None or report.name in job.chain else "kept outside the rotation"


def exit_of(code: int, meanings: Mapping[Exit, str] = MEANINGS) -> str:
    """An exit code with its meaning: for a run, unless `meanings` are those of another command."""
    return f"exit {int(code)}: {meanings[Exit(code)]}" if code in set(Exit) else f"exit {code}"


def _not_quiesced(report: Report) -> dict[str, list[str]]:
    """The VMs that were not quiesced, by reason: a VirtualCenter that is down takes one line, not nineteen."""
    found: dict[str, list[str]] = {}
    for one in report.verdicts:
        if one.state == NOT_QUIESCED:
            found.setdefault(one.why, []).append(one.vm.label)
    return found


def advice(report: Report, job: Job | None) -> str:
    """What to do next."""
    match report.exit:
        case Exit.OUTSTANDING if set(report.outstanding) <= set(report.given_up):
            return "follow the remedies above; a VM that runs on a snapshot fills its datastore"
        case Exit.OUTSTANDING:
            return "run `snapall recover` now: a VM that runs on a snapshot fills its datastore"
        case Exit.PARTIAL if report.name and not report.published and report.forgotten:
            return (
                f"{report.name} keeps that name: its journal is lost, so no run will publish or delete it; "
                "delete it by hand when you no longer need it"
            )
        case Exit.PARTIAL if report.grade is not None and not report.published:
            return _pending(report.name, report.grade, job)
        case Exit.PARTIAL if report.skipped:
            return "check the problems above; the next call tries again"
        case Exit.PARTIAL:
            return "check which VMs were not quiesced, and the problems above"
        case Exit.FAILED:
            kept = "" if job is not None and job.order is Order.PAPER else "; the retained backups are unchanged"
            return f"fix the problem above, then run `snapall run` again{kept}"
        case Exit.STOPPED:
            return "run `snapall run` again; no VM was left quiesced"
        case Exit.OK | Exit.USAGE | Exit.LOCKED:
            return "nothing"


def _pending(name: str, grade: Grade, job: Job | None) -> str:
    """What will happen to a pending backup. One below `publish` is never published."""
    if job is not None and grade < job.publish:
        return (
            f"check why VMs were not quiesced; {name} is below `publish` ({_level(job.publish)}) "
            "and stays pending until the next backup replaces it"
        )
    return f"the next run, or `snapall recover`, publishes {name} as soon as the filer allows the renames"


def _level(grade: Grade) -> str:
    """A grade as a value of the key `publish`."""
    return {Grade.WHOLE: "whole", Grade.PARTIAL: "partial", Grade.CRASH_CONSISTENT: "any"}[grade]


def clocked(seconds: float) -> str:
    """Format seconds for people: 3.2 s, 4 min 10 s, 15 min, 2 h 5 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def brief(seconds: float) -> str:
    """Format seconds where there is little room: 3.2 s, 4:10, 2:05:00."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def aged(seconds: float) -> str:
    """Format an age in seconds: 12 min, 7 h, 3 d."""
    if seconds < 3600:
        return f"{int(seconds // 60)} min"
    if seconds < 48 * 3600:
        return f"{int(seconds // 3600)} h"
    return f"{int(seconds // 86400)} d"


def size(count: int | None) -> str:
    """Format a number of bytes: 512 B, 31.0 GiB; None is `unknown`."""
    if count is None:
        return "unknown"
    rest, unit = float(count), 0
    # 1023.95 would be rounded to 1024.0.
    while rest >= 1023.95 and unit < len(_UNITS) - 1:
        rest, unit = rest / 1024, unit + 1
    return f"{rest:.1f} {_UNITS[unit]}" if unit else f"{count} B"


_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
