"""What happened, in plain words: shared by every view, and safe for a terminal and a log."""

from __future__ import annotations

import textwrap

from snapall.backup.events import Report
from snapall.backup.facts import NOT_QUIESCED, QUIESCED, SKIPPED
from snapall.backup.model import Grade
from snapall.backup.steps import Capture, Delete, Done, Outcome, Quiesce, Refusal, Release, Rename, Step, Unknown
from snapall.errors import Exit
from snapall.escaping import printable
from snapall.views.letters import columns

MEANINGS = {
    Exit.OK: "whole success",
    Exit.FAILED: "no new backup",
    Exit.USAGE: "usage or configuration",
    Exit.PARTIAL: "partial: a backup exists, but not all is as it should be",
    Exit.LOCKED: "another run holds the lock",
    Exit.DEBTS: "VMs may be left quiesced",
    Exit.STOPPED: "stopped by a signal, after releasing",
}


def safe(text: str) -> str:
    """The text with control and invisible characters escaped: names come from people and programs elsewhere."""
    return printable(text)


def doing(step: Step) -> str:
    """What a step is about to do."""
    match step:
        case Quiesce(vm):
            return f"quiescing {vm.label}"
        case Release(vm):
            return f"releasing {vm.label}"
        case Capture(volume, name):
            return f"creating {name} on {volume}"
        case Rename(volume, old, new):
            return f"renaming {old} to {new} on {volume}"
        case Delete(volume, name):
            return f"deleting {name} on {volume}"


def done(step: Step, outcome: Outcome) -> str:
    """What a step came to, with the reason when it was not done."""
    match outcome:
        case Done():
            return {
                "quiescing": "quiesced",
                "releasing": "released",
                "creating": "created",
                "renaming": "renamed",
                "deleting": "deleted",
            }[doing(step).split()[0]] + doing(step)[doing(step).index(" ") :]
        case Refusal(why):
            return f"{doing(step)} was refused: {why}"
        case Unknown(why):
            return f"{doing(step)} has no certain outcome: {why}"


def grade(report: Report) -> str:
    """The grade of a run's backup, counted: `quiesced 19/19`, `partial 18/19, 1 skipped`."""
    counted = [one for one in report.verdicts if one.state != SKIPPED]
    held = sum(one.state == QUIESCED for one in counted)
    skipped = len(report.verdicts) - len(counted)
    rest = f", {skipped} skipped" if skipped else ""
    match report.grade:
        case None:
            return "no backup"
        case Grade.WHOLE:
            return f"quiesced {held}/{len(counted)}{rest}"
        case Grade.PARTIAL:
            return f"partial {held}/{len(counted)}{rest}"
        case Grade.CRASH_CONSISTENT:
            return f"crash-consistent{rest}"


def summary(report: Report) -> list[str]:
    """How a run ended, the worst first."""
    lines = [f"{one} may be left quiesced" for one in report.debts]
    if report.grade is not None:
        place = "in the chain" if report.published else "outside the chain"
        lines.append(f"{report.name}: {grade(report)}, {place}")
    lines += [f"not quiesced: {', '.join(labels)}: {why}" for why, labels in _not_quiesced(report).items()]
    lines += report.watched
    if report.window:
        lines.append(f"the VMs were held for {clocked(report.window)}, the whole run took {clocked(report.seconds)}")
    lines.append(exit_of(report.exit))
    lines += [f"next: {advice(report)}"] if report.exit is not Exit.OK else []
    return [safe(line) for line in lines]


def exit_of(code: int) -> str:
    """An exit code with its meaning."""
    return f"exit {int(code)}: {MEANINGS[Exit(code)]}" if code in set(Exit) else f"exit {code}"


def _not_quiesced(report: Report) -> dict[str, list[str]]:
    """The VMs that were not quiesced, by the reason: one dead VirtualCenter is one line, not nineteen."""
    found: dict[str, list[str]] = {}
    for one in report.verdicts:
        if one.state == NOT_QUIESCED:
            found.setdefault(one.why, []).append(one.vm.label)
    return found


def advice(report: Report) -> str:
    """What to do next."""
    match report.exit:
        case Exit.DEBTS:
            return "run `snapall recover` now: a VM that runs on a snapshot fills its datastore"
        case Exit.PARTIAL if not report.published:
            return "the next run publishes what is pending as soon as it may; `snapall list` shows it"
        case Exit.PARTIAL:
            return "see why not every VM was quiesced, or what was not confirmed"
        case Exit.FAILED:
            return "mend what is named above and run `snapall run` again; the retained backups stand"
        case Exit.STOPPED:
            return "run `snapall run` again; no VM was left quiesced"
        case Exit.OK | Exit.USAGE | Exit.LOCKED:
            return "nothing"


def clocked(seconds: float) -> str:
    """A length of time as a person says it: 3.2 s, 4 min 10 s, 2 h 5 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def wrapped(line: str, width: int) -> list[str]:
    """A line brought to a number of columns, what goes over it indented below."""
    if columns(line) <= width:
        return [line]
    # Wide letters are given the second place that they take, by what no text that is fit to be shown can hold itself.
    # A long word may be cut between the two: that is what the last column is left free for.
    spread = "".join(f"{char}\0" if columns(char) > 1 else char for char in line)
    wrapped = textwrap.wrap(spread, width - (spread != line), subsequent_indent="    ", break_on_hyphens=False)
    return [part.replace("\0", "") for part in wrapped]


def aged(seconds: float) -> str:
    """An age as a person says it: 12 min, 7 h, 3 d."""
    if seconds < 3600:
        return f"{int(seconds // 60)} min"
    if seconds < 48 * 3600:
        return f"{int(seconds // 3600)} h"
    return f"{int(seconds // 86400)} d"


def size(count: int | None) -> str:
    """A number of bytes as a person says it: 512 B, 31.0 GiB; None is `unknown`."""
    if count is None:
        return "unknown"
    rest, unit = float(count), 0
    # 1023.95 would be shown as 1024.0.
    while rest >= 1023.95 and unit < len(_UNITS) - 1:
        rest, unit = rest / 1024, unit + 1
    return f"{rest:.1f} {_UNITS[unit]}" if unit else f"{count} B"


_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
