"""A 7-Mode filer's answers about one volume: its state, its space, its schedule; beside those of `answers`.

Every function raises SiteError for an answer that it does not understand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from snapall.errors import SiteError
from snapall.site.answertext import plain_lines
from snapall.site.excerpt import one_line

_HINT = "run the command by hand; if its answer is normal there, report it as a bug in snapall"


@dataclass(frozen=True, slots=True)
class VolumeState:
    """Of `vol status`: `online`, `offline` or `restricted`, whether nothing may be changed on it, and the root."""

    name: str
    state: str
    read_only: bool
    root: bool = False  # the filer boots from it


@dataclass(frozen=True, slots=True)
class Space:
    """Of `df`, in bytes: what the files have, and what the snapshot reserve has, if there is one."""

    total: int
    free: int
    reserve: int
    snapshots: int  # what all snapshots take, within the reserve or beyond it


# Columns shift when a name is long, so a row is told by its second word; the options' further lines have no state.
_STATUS_ROW = re.compile(
    r"(\S+)\s+(online|offline|restricted|creating|destroying|mounting|unmounted|foreign|failed)\b(.*)", re.IGNORECASE
)
# What follows the columns: `Clone, backed by volume 'x', ...`, `Containing aggregate: 'aggr0'`, `Hybrid Cache:`.
_BELOW = re.compile(r"clone,|[^:=]*:(?:\s|$)", re.IGNORECASE)
_READ_ONLY = frozenset({"read-only", "snapmirrored=on"})


def parse_status(text: str) -> tuple[VolumeState, ...]:
    """The volumes out of `vol status`, in the filer's order. Only words of the columns Status and Options count."""
    parts: list[tuple[str, str, list[str]]] = []
    below = True
    for line in (line.strip() for line in plain_lines(text)):
        row = _STATUS_ROW.match(line)
        below = row is None and (below or _BELOW.match(line) is not None)
        if row is not None:
            parts.append((row[1], row[2].lower(), [row[3]]))
        elif not below:
            parts[-1][2].append(line)
    if not parts:
        raise _not_understood("vol status", text)
    found = ((name, state, _words(rest)) for name, state, rest in parts)
    return tuple(
        VolumeState(name, state, not _READ_ONLY.isdisjoint(words), "root" in words) for name, state, words in found
    )


def _words(lines: list[str]) -> set[str]:
    return {word for line in lines for word in re.split(r"[\s,]+", line.lower())}


# A terminal may wrap a row, and only the columns of sizes count. The reserve's row names the volume, or follows it.
_SIZE = r"\s+(\d{1,15})(KB|MB|GB|TB)?"
_DF_ROW = re.compile(
    rf"^[ \t]*(?:/vol/([^/\s]+)/(\.snapshot)?|(snap reserve)){_SIZE}{_SIZE}{_SIZE}(?=\s|$)",
    re.IGNORECASE | re.MULTILINE,
)
_BYTES = {"": 1 << 10, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}


def parse_space(text: str, volume: str) -> Space:
    """The volume's space out of `df VOL`: kilobytes, or sizes with their unit."""
    rows: dict[bool, tuple[int, int, int]] = {}
    name = ""
    for row in _DF_ROW.finditer("\n".join(plain_lines(text))):
        name = row[1] or name
        if name == volume:
            sizes = [int(row[at]) * _BYTES[(row[at + 1] or "").upper()] for at in (4, 6, 8)]
            rows[row[2] is not None or row[3] is not None] = (sizes[0], sizes[1], sizes[2])
    if False not in rows:
        raise _not_understood("df", text)
    total, _, free = rows[False]
    reserve, snapshots, _ = rows.get(True, (0, 0, 0))
    return Space(total, free, reserve, snapshots)


_SCHEDULE = re.compile(r"Volume \S+:\s+(\d{1,4})\s+(\d{1,4})\s+(\d{1,4})(@\S+)?", re.IGNORECASE)
_NO_SCHEDULE = re.compile(r"Volume \S+:\s+(?:(?:snapshots are|schedule is) )?(?:off|disabled|none)\.?", re.IGNORECASE)


def parse_schedule(text: str) -> int:
    """How many snapshots the filer's own schedule keeps, out of `snap sched VOL`: `0 2 6@8,12,16,20` is 8."""
    lines = [line.strip() for line in plain_lines(text) if line.strip()]
    found = [row for line in lines if (row := _SCHEDULE.fullmatch(line)) is not None]
    if len(found) == 1:
        return sum(int(found[0][at]) for at in (1, 2, 3))
    if len(lines) == 1 and _NO_SCHEDULE.fullmatch(lines[0]) is not None:
        return 0
    raise _not_understood("snap sched", text)


_STATE = re.compile(r"^\s*state\s*[:=]\s*(on|off)\s*$", re.IGNORECASE | re.MULTILINE)


def parse_autodelete(text: str) -> bool:
    """Whether the filer deletes snapshots by itself, out of `snap autodelete VOL show` (`state : on`, `state=off`)."""
    found = _STATE.search("\n".join(plain_lines(text)))
    if found is None:
        raise _not_understood("snap autodelete", text)
    return found[1].lower() == "on"


def _not_understood(command: str, text: str) -> SiteError:
    return SiteError(f"the answer to `{command}` is not understood: {one_line(text) or 'nothing'}", _HINT, "SA-4013")
