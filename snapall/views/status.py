"""`status` for people, as one line for Nagios, and for programs."""

from __future__ import annotations

from collections.abc import Sequence

from snapall.operate.run_history import RunHistory
from snapall.operate.status import ALARM, JobStatus, Level, StatusFinding
from snapall.views import messages
from snapall.views.json_root import picked, root

_LONGEST = (
    2000  # characters of a plugin's text: Nagios reads 4 KiB of a line, old NRPE packets hold 1 KiB, data included
)


def status_lines(found: Sequence[JobStatus]) -> list[str]:
    """Each job with its newest backup, its last run, its window, what is outstanding, what is wrong."""
    lines: list[str] = []
    for one in found:
        lines += [""] if lines else []
        lines.append(f"{one.job.name}: {one.level.name}")
        lines.append(f"  newest backup  {_backup(one)}; at most {one.job.max_age / 3600:g} h")
        lines.append(f"  last run       {_last(one.last)}")
        lines += [f"  now            {one.at_work} is at work"] if one.at_work else []
        if one.backup is not None and one.backup.window is not None:
            lines.append(f"  window         VMs quiesced for {messages.clocked(one.backup.window)}")
        lines += [f"  pending        {one.pending} confirmed, not published yet"] if one.pending else []
        nothing = "unknown: a journal cannot be read" if one.hidden else "nothing"
        lines.append(f"  outstanding    {', '.join(one.left) or nothing}")
        lines += [f"  {finding.level.name:<13}  {finding.text}" for finding in one.findings]
    return [messages.safe(line) for line in lines]


def _backup(one: JobStatus) -> str:
    if one.backup is None or one.backup.backup is None or one.age is None:
        return "none"
    return f"{one.backup.backup.label}, {messages.aged(one.age)} old, run {one.backup.stamp}"


def _last(run: RunHistory | None) -> str:
    if run is None:
        return "none"
    began = f"{run.began.astimezone():%a %d %b %H:%M %Z}"
    how = messages.exit_of(run.exit) if run.exit is not None else "died before its report"
    return f"{run.stamp}, {began}: {how}"


def nagios_line(found: Sequence[JobStatus]) -> tuple[str, Level]:
    """One line with performance data, and the plugin's exit code. No name can end the text or the line early."""
    level = max((one.level for one in found), default=Level.UNKNOWN)
    text = "; ".join(_summary(one) for one in found) or "no job"
    data = " ".join(part for one in found for part in _data(one, f"{one.job.name}_" if len(found) > 1 else ""))
    return f"SNAPALL {level.name} - {plugin_text(text)} | {data}".removesuffix(" | "), level


def plugin_text(text: str) -> str:
    """The text as a plugin may print it: a bar would begin the performance data."""
    line = messages.safe(" / ".join(text.splitlines())).replace("|", "/")
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def _summary(one: JobStatus) -> str:
    parts = [_worst_first(one.findings)] if one.findings else []
    if one.backup is not None and one.backup.backup is not None and one.age is not None:
        parts.insert(0, f"{one.backup.backup.label}, {messages.aged(one.age)} old")
    return f"{one.job.name} {', '.join(parts)}"


def _worst_first(findings: Sequence[StatusFinding]) -> str:
    return ", ".join(one.text for one in sorted(findings, key=lambda one: -one.level))


def _data(one: JobStatus, prefix: str) -> list[str]:
    """Nagios' performance data, `label=value[unit];warn;crit;min;max`, without what is unknown."""
    limit = one.job.max_age
    data = [f"{prefix}left={len(one.left)};;0;0", f"{prefix}pending={one.pending};;;0"]
    if one.backup is not None and one.backup.window is not None:
        data.insert(0, f"{prefix}window={one.backup.window:.1f}s;;;0")
    if one.backup is not None:
        asked = len(one.backup.targets)
        data.insert(0, f"{prefix}quiesced={one.backup.quiesced};{asked}:;;0;{asked}")
    if one.age is not None:
        data.insert(0, f"{prefix}age={one.age:.0f}s;{limit:.0f};{ALARM * limit:.0f};0")
    return data


def status_json(found: Sequence[JobStatus]) -> dict[str, object]:
    """The same for programs. Durations are seconds; null is unknown."""
    jobs = [
        picked(one, "age", "left", "watched", "pending")
        | {"job": one.job.name, "level": one.level.name, "max_age": one.job.max_age, "at_work": one.at_work or None}
        | {"findings": [{"level": finding.level.name, "text": finding.text} for finding in one.findings]}
        | {"backup": _run_json(one.backup), "last": _run_json(one.last)}
        for one in found
    ]
    return root(jobs=jobs)


def _run_json(run: RunHistory | None) -> dict[str, object] | None:
    if run is None:
        return None
    grade = run.backup.label if run.backup is not None else None
    members = picked(run, "began", "ended", "exit", "captured", "window", "quiesced")
    return {"run": run.stamp, "grade": grade, "asked": len(run.targets)} | members
