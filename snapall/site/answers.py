"""A 7-Mode filer's answers: every wording that snapall knows, in this one place, and the functions that read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from snapall.backup.model import FilerSnapshot
from snapall.errors import Refused, SiteError
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
_ERRORS = (
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
    (_text(r"\btoo many\b|no more snapshots|\bmaximum\b"), Meaning.LIMIT),
    _BAD_COMMAND,
)
_LIST_ERRORS = ((_text(r"(?:does not|doesn't) exist|no volume named"), Meaning.NO_VOLUME), _BAD_COMMAND)

# `Mon Apr  7 14:08:21 CEST [hana2b:wafl.snap.delete:notice]: ...`: the console's log, which may stand in between.
_LOG_LINE = re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d \S+ \[[^\]]*\]:.*")
_WORKING = re.compile(r"working\.*", re.IGNORECASE)


def without_log_lines(text: str) -> Iterator[str]:
    """The text's lines without the trailing blanks and without those of the console's log."""
    lines = (line.rstrip() for line in text.split("\n"))
    return (line for line in lines if _LOG_LINE.fullmatch(line) is None)


def classify(verb: Verb, stdout: str, stderr: str) -> Meaning:
    """What the answer to `snap VERB` means, over both streams: a filer may use either for anything.

    For `list` only an answer that is no listing is judged; the listing itself is for `parse_listing`.
    """
    match verb:
        case "list":
            rest = [line for line in without_log_lines(stderr) if line and _WORKING.fullmatch(line.strip()) is None]
            return _first(_LIST_ERRORS, [*rest, *without_log_lines(stdout)]) or (
                Meaning.UNKNOWN_ERROR if rest else Meaning.OK
            )
        case "create" | "rename" | "delete":
            lines = [line.strip() for line in without_log_lines(f"{stdout}\n{stderr}") if line]
            spoken = all(_SUCCESS[verb].fullmatch(line) for line in lines)
            return _first(_ERRORS, lines) or (Meaning.OK if spoken else Meaning.UNKNOWN_ERROR)


def _first(table: tuple[tuple[re.Pattern[str], Meaning], ...], lines: list[str]) -> Meaning | None:
    return next((meaning for pattern, meaning in table if any(pattern.search(line) for line in lines)), None)


# `snap rename` is silent; the others say one line or nothing. Anything after the dots is another answer.
_SUCCESS: Mapping[Verb, re.Pattern[str]] = {
    "create": _text(r"creating snapshot *\.*"),
    "delete": _text(r"deleting snapshot *\.*"),
    "rename": _text(r"(?!)"),
}

_VOLUME = re.compile(r"Volume (\S+)")
_EMPTY = re.compile(r"No snapshots exist\.?", re.IGNORECASE)
_HEADING = re.compile(r"(?:%/used +%/total +)?date +name", re.IGNORECASE)
_RULE = re.compile(r"-{4,}(?: +-{4,})*")
_ROW = re.compile(
    r"(?:(\d+)%\s*\(\s*(\d+)%\)\s+(\d+)%\s*\(\s*(\d+)%\)\s+)?"  # used and total, without -n
    r"([A-Z][a-z]{2})\s+(\d{1,2})\s+(\d\d:\d\d)\s+(\S+)(?:\s+\(([^()]+)\))?"
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
    parts: list[_Part] = []
    for line in without_log_lines(text):
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
    else:
        raise SiteError(
            f"a line of `snap list` is not understood: {one_line(line)!r}", hint=_NOT_LISTED, code="SA-4003"
        )


def _snapshot(row: re.Match[str]) -> FilerSnapshot:
    month, day, time, name, tags = row.groups()[4:]
    return FilerSnapshot(name, f"{month} {day} {time}", tuple(tag.strip() for tag in (tags or "").split(",") if tags))


_RELEASE = re.compile(r"NetApp Release (\d{1,3})\.\d", re.IGNORECASE)


def require_7mode(version: str) -> None:
    """Raises Refused unless the `version` line is that of Data ONTAP 7-Mode: 7.x and before, or 8.x with the word."""
    found = _RELEASE.match(version)
    line = one_line(version)
    if found is None:
        raise Refused(
            f"this is not the version line of Data ONTAP: {line!r}",
            hint="check the filer's host and port",
            code="SA-4006",
        )
    lowered = version.lower()
    major = int(found[1])
    if "cluster-mode" in lowered or major > 8 or (major == 8 and "7-mode" not in lowered):
        raise Refused(
            f"this filer does not run in 7-Mode: {line!r}",
            hint="snapall supports Data ONTAP 7-Mode only; the commands of Cluster-Mode differ",
            code="SA-4007",
        )
