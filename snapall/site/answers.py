"""A 7-Mode filer's answers: every wording that snapall knows, in this one place, and the functions that read it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from snapall.backup.model import FilerSnapshot
from snapall.errors import SiteError
from snapall.site.answertext import plain_lines, unwrapped
from snapall.site.excerpt import one_line

Verb = Literal["create", "rename", "delete", "list"]


class Meaning(StrEnum):
    """What an answer says, whatever its wording: the remedy follows from it. What happened, only `snap list` shows."""

    OK = "ok"
    EXISTS = "exists"
    ABSENT = "absent"
    BUSY = "busy"
    READ_ONLY = "read-only"
    RETRY_LATER = "retry later"
    NO_VOLUME = "no volume"
    NO_SPACE = "no space"
    LIMIT = "limit"
    BAD_COMMAND = "bad command"
    DENIED = "denied"
    UNKNOWN_ERROR = "unknown error"


REMEDIES: Mapping[Meaning, str] = {
    Meaning.OK: "",
    Meaning.EXISTS: "a snapshot of that name already exists: `snapall list` shows whether a run made it",
    Meaning.ABSENT: "someone else removed or renamed it; check with `snap list`",
    Meaning.BUSY: "destroy or split the clone, or wait for the transfer or dump that holds the snapshot",
    Meaning.READ_ONLY: "this volume is the destination of a mirror; name the source volume",
    Meaning.RETRY_LATER: "a clone is being split, or a restore runs on the volume; try again when it has ended",
    Meaning.NO_VOLUME: "check `volumes` of the job against `vol status` on the filer",
    Meaning.NO_SPACE: "free space on the volume: see `df` and `snap list`",
    Meaning.LIMIT: "a volume holds 255 snapshots; delete some that nobody needs",
    Meaning.BAD_COMMAND: "check that the filer runs Data ONTAP 7-Mode, and that the login's role allows the command",
    Meaning.DENIED: "give the login's role all that it needs: on the filer, `useradmin role modify ROLE -a "
    "login-ssh,login-rsh,cli-snap*,cli-version*,cli-vol*,cli-df*`",
    Meaning.UNKNOWN_ERROR: "snapall does not know this answer; `snap list` shows what happened",
}
"""What an administrator does about it."""


def _text(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


# A pattern with a `.*` stops at the next word that it could begin with: what a filer says may be a mebibyte of such
# words, and each of them must not be a reason to read the rest once more while the VMs are held.
# In this order, errors before success: `creating snapshot...` may stand before an error line. Transcripts of Data
# ONTAP 7.x and 8.x; no space and limit are not attested. A name has no blank in it, so a phrase cannot be a name.
_NO_VOLUME = (_text(r"no volume named|\bvolume\s(?:(?!\bvolume\s).)*\b(?:does not|doesn't) exist"), Meaning.NO_VOLUME)
_BAD_COMMAND = (_text(r"not found\.\s+type '\?'"), Meaning.BAD_COMMAND)
# How a filer words a missing capability is not attested. A banner speaks of access, too ("unauthorized access is
# prohibited"), so only what no banner says counts.
DENIAL = (
    r"permission denied|denied access|missing required capability|insufficient privileges?\b|"
    r"does not have (?:the )?(?:\S+ ){0,3}(?:capability|privileges?|permission)\b|"
    r"not (?:authorized|allowed|permitted) to (?:use|run|execute|issue|perform)\b"
)
"""How a filer may say that the login's role does not allow a command."""
_DENIED = (_text(DENIAL), Meaning.DENIED)
_ERRORS = (
    (_text(r"\bmaximum number\b|\btoo many snapshots\b|no more snapshots"), Meaning.LIMIT),
    (_text(r"\balready exists"), Meaning.EXISTS),
    (
        _text(r"no such snapshot|\bsnapshot\b(?:(?!\svolume\s|\bsnapshot\b).)*\b(?:does not|doesn't) exist"),
        Meaning.ABSENT,
    ),
    (_text(r"is busy because of"), Meaning.BUSY),
    (_text(r"read-only volume"), Meaning.READ_ONLY),
    (_text(r"not allowed due to clones"), Meaning.RETRY_LATER),
    _NO_VOLUME,
    (_text(r"no space left|not enough space"), Meaning.NO_SPACE),
    _BAD_COMMAND,
    _DENIED,
)
_USAGE = _text(r"\s*usage:")
_LIST_ERRORS = ((_text(r"(?:does not|doesn't) exist|no volume named"), Meaning.NO_VOLUME), _BAD_COMMAND, _DENIED)

_WORKING = _text(r"working\.*")


def classify(verb: Verb, stdout: str, stderr: str) -> Meaning:
    """What the answer to `snap VERB` means, over both streams: a filer may use either for anything.

    For `list` only an answer that is no listing is judged; the listing itself is for `parse_listing`.
    """
    match verb:
        case "list":
            rest = [line for line in plain_lines(stderr) if line and _WORKING.fullmatch(line.strip()) is None]
            return _first(_LIST_ERRORS, [*rest, *plain_lines(stdout)]) or (
                Meaning.UNKNOWN_ERROR if rest else Meaning.OK
            )
        case "create" | "rename" | "delete":
            lines = [line.strip() for line in plain_lines(f"{stdout}\n{stderr}") if line]
            spoken = all(_SUCCESS[verb].fullmatch(line) for line in lines)
            return _first(_ERRORS, lines) or (Meaning.OK if spoken else Meaning.UNKNOWN_ERROR)


def complaint(stdout: str, stderr: str) -> Meaning | None:
    """What a filer says instead of the answer to a command that only looks; None: that is not known."""
    lines = [line for text in (stderr, stdout) for line in plain_lines(text)]
    if any(_USAGE.match(line) for line in lines):
        return Meaning.BAD_COMMAND
    return _first((_NO_VOLUME, _BAD_COMMAND, _DENIED), lines)


def _first(table: tuple[tuple[re.Pattern[str], Meaning], ...], lines: list[str]) -> Meaning | None:
    return next((meaning for pattern, meaning in table if any(pattern.search(line) for line in lines)), None)


# `snap rename` is silent; the others say one line or nothing. Anything after the dots is another answer.
_SUCCESS: Mapping[Verb, re.Pattern[str]] = {
    "create": _text(r"creating snapshot *\.*"),
    "delete": _text(r"deleting snapshot *\.*"),
    "rename": _text(r"(?!)"),
}

_VOLUME = _text(r"Volume (\S+)")
_EMPTY = _text(r"No snapshots exist\.?")
_HEADING = _text(r"(?:%/used +%/total +)?date +name")
_COMPLAINT = _text(r"snap(?: list)?:")
_RULE = re.compile(r"-{4,}(?: +-{4,})*")
_ROW = _text(
    r"(?:(\d+)%\s*\(\s*(\d+)%\)\s+(\d+)%\s*\(\s*(\d+)%\)\s+)?"  # used and total, without -n
    r"([a-z]{3})\s+(\d{1,2})\s+(\d\d:\d\d)\s+(\S+)(?:\s+\(([^()]+)\))?"
)


@dataclass(frozen=True, slots=True)
class Share:
    """What `snap list` without -n says of a snapshot's space, in whole percents, as the filer rounds them.

    %/used is of the space that the volume uses, %/total of the whole volume. The first number of each counts all newer
    snapshots in; the one in brackets is this snapshot's alone (na_snap(1)).
    """

    used: int
    used_alone: int
    total: int
    total_alone: int


@dataclass(slots=True)
class _Part:
    """What was read of one volume's part; `empty` when the filer said that there are no snapshots."""

    volume: str
    empty: bool = False
    rows: list[FilerSnapshot] = field(default_factory=list)
    shares: dict[str, Share] = field(default_factory=dict)


def parse_listing(text: str, volume: str) -> tuple[FilerSnapshot, ...]:
    """The volume's snapshots out of `snap list`, with or without -n, newest first as the filer lists them.

    Raises SiteError for any line that is not understood: a listing that is not understood whole is not used.
    """
    return tuple(_part(text, volume).rows)


def parse_shares(text: str, volume: str) -> Mapping[str, Share]:
    """The space of the volume's snapshots by name, out of `snap list` without -n; raises what `parse_listing` does."""
    return _part(text, volume).shares


def _part(text: str, volume: str) -> _Part:
    try:
        return _parsed(text, volume)
    except SiteError:
        with suppress(SiteError):
            return _parsed(unwrapped(text), volume)
        raise


def _parsed(text: str, volume: str) -> _Part:
    parts: list[_Part] = []
    for line in plain_lines(text):
        _read(line.strip(), parts)
    found = [part for part in parts if part.volume == volume]
    if len(found) != 1 or found[0].empty == bool(found[0].rows):
        raise SiteError(
            f"this is not a complete snapshot list of {volume}: {one_line(text) or 'nothing'}", _NOT_LISTED, "SA-4002"
        )
    return found[0]


_NOT_LISTED = "run `snap list -n` by hand and check that it shows the volume"


def _read(line: str, parts: list[_Part]) -> None:
    """Take one line into the part it belongs to: the latest."""
    opened = _VOLUME.fullmatch(line)
    row = _ROW.fullmatch(line)
    if opened is not None:
        parts.append(_Part(opened[1]))
    elif not line or any(known.fullmatch(line) for known in (_WORKING, _HEADING, _RULE)):
        return
    elif parts and row is not None:
        one = _snapshot(row)
        parts[-1].rows.append(one)
        if row[1] is not None:
            parts[-1].shares[one.name] = Share(int(row[1]), int(row[2]), int(row[3]), int(row[4]))
    elif parts and _EMPTY.fullmatch(line) is not None:
        parts[-1].empty = True
    elif parts or row is not None or _COMPLAINT.match(line) is not None:
        raise SiteError(
            f"a line of `snap list` is not understood: {one_line(line)!r}", hint=_NOT_LISTED, code="SA-4003"
        )
    # What else stands in front of the first volume is a banner: no snapshot can hide in it.


def _snapshot(row: re.Match[str]) -> FilerSnapshot:
    month, day, time, name, tags = row.groups()[4:]
    return FilerSnapshot(name, f"{month} {day} {time}", tuple(tag.strip() for tag in (tags or "").split(",") if tags))
