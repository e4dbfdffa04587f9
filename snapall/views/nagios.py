"""`status --nagios`: the state of the jobs as a plugin's line. It runs every minute, so it does not load rich."""

from __future__ import annotations

from collections.abc import Sequence

from snapall.operate.status import ALARM, JobStatus, Level, StatusFinding
from snapall.views import messages

_LONGEST = 2000
"""Characters of a plugin's text: Nagios reads 4 KiB of a line, old NRPE packets hold 1 KiB, data included."""


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
    if one.unproved is not None:
        data.append(f"{prefix}unproved={len(one.unproved)};0;;0")
    if one.backup is not None and one.backup.window is not None:
        data.insert(0, f"{prefix}window={one.backup.window:.1f}s;;;0")
    if one.backup is not None:
        targets = len(one.backup.targets)
        data.insert(0, f"{prefix}quiesced={one.backup.quiesced};{targets}:;;0;{targets}")
    if one.age is not None:
        data.insert(0, f"{prefix}age={one.age:.0f}s;{limit:.0f};{ALARM * limit:.0f};0")
    return data
