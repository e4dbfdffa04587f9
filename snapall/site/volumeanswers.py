"""A 7-Mode filer's answers about one volume: its state, its space, its schedule; beside those of `answers`.

Every function raises SiteError for an answer that it does not understand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from snapall.errors import SiteError
from snapall.site.answers import without_log_lines
from snapall.site.excerpt import one_line

_HINT = "give the command by hand; what a real filer says otherwise, the developers of snapall want to know"


@dataclass(frozen=True, slots=True)
class VolumeState:
    """Of `vol status`: `online`, `offline` or `restricted`, and whether nothing may be changed on it."""

    name: str
    state: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class Space:
    """Of `df`, in bytes: what the files have, and what the snapshot reserve has, if there is one."""

    total: int
    free: int
    reserve: int
    snapshots: int  # what all snapshots take, within the reserve or beyond it


# Columns shift when a name is long, so a row is told by its second word; the options' further lines have no state.
_STATUS_ROW = re.compile(r"(\S+)\s+(online|offline|restricted|creating|failed)\b(.*)", re.IGNORECASE)
_READ_ONLY = re.compile(r"\bread-only\b|\bsnapmirrored=on\b", re.IGNORECASE)


def parse_status(text: str) -> tuple[VolumeState, ...]:
    """The volumes out of `vol status`, in the filer's order."""
    parts: list[tuple[str, str, list[str]]] = []
    for line in without_log_lines(text):
        row = _STATUS_ROW.match(line.strip())
        if row is not None:
            parts.append((row[1], row[2].lower(), [row[3]]))
        elif parts:
            parts[-1][2].append(line)
    if not parts:
        raise _not_understood("vol status", text)
    return tuple(VolumeState(name, state, _READ_ONLY.search(" ".join(rest)) is not None) for name, state, rest in parts)


_SIZE = r"(\d{1,15})(KB|MB|GB|TB)?"
_DF_ROW = re.compile(rf"/vol/([^/\s]+)/(\.snapshot)?\s+{_SIZE}\s+{_SIZE}\s+{_SIZE}\s+\S+\s+\S.*", re.IGNORECASE)
_BYTES = {"": 1 << 10, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}


def parse_space(text: str, volume: str) -> Space:
    """The volume's space out of `df VOL`: kilobytes, or sizes with their unit."""
    rows: dict[bool, tuple[int, int, int]] = {}
    for line in without_log_lines(text):
        row = _DF_ROW.fullmatch(line.strip())
        if row is not None and row[1] == volume:
            sizes = [int(row[at]) * _BYTES[(row[at + 1] or "").upper()] for at in (3, 5, 7)]
            rows[row[2] is not None] = (sizes[0], sizes[1], sizes[2])
    if False not in rows:
        raise _not_understood("df", text)
    total, _, free = rows[False]
    reserve, snapshots, _ = rows.get(True, (0, 0, 0))
    return Space(total, free, reserve, snapshots)


_SCHEDULE = re.compile(r"Volume \S+:\s+(\d{1,4})\s+(\d{1,4})\s+(\d{1,4})(@\S+)?", re.IGNORECASE)
_NO_SCHEDULE = re.compile(r"Volume \S+:.*\b(?:off|disabled|no)\b.*", re.IGNORECASE)


def parse_schedule(text: str) -> int:
    """How many snapshots the filer's own schedule keeps, out of `snap sched VOL`: `0 2 6@8,12,16,20` is 8."""
    lines = [line.strip() for line in without_log_lines(text) if line.strip()]
    found = [row for line in lines if (row := _SCHEDULE.fullmatch(line)) is not None]
    if len(found) == 1:
        return sum(int(found[0][at]) for at in (1, 2, 3))
    if len(lines) == 1 and _NO_SCHEDULE.fullmatch(lines[0]) is not None:
        return 0
    raise _not_understood("snap sched", text)


_STATE = re.compile(r"^\s*state\s*[:=]\s*(on|off)\s*$", re.IGNORECASE | re.MULTILINE)


def parse_autodelete(text: str) -> bool:
    """Whether the filer deletes snapshots by itself, out of `snap autodelete VOL show` (`state : on`, `state=off`)."""
    found = _STATE.search("\n".join(without_log_lines(text)))
    if found is None:
        raise _not_understood("snap autodelete", text)
    return found[1].lower() == "on"


def _not_understood(command: str, text: str) -> SiteError:
    return SiteError(f"the answer to `{command}` is not understood: {one_line(text) or 'nothing'}", _HINT, "SA-4013")
