"""What a 7-Mode filer prints about clones and their volume: who holds a snapshot, splits, options. Pure.

The forms are those of na_lun(1) and na_vol(1); the progress of a split is not attested. Every function raises SiteError
for a line that it does not understand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from snapall.restore.luns.texts import not_understood, spoken_lines, whole_text

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class SnapUsage:
    """One entry of `lun snap usage`: a LUN that rests on the snapshot, and where: "" is the active file system."""

    holder: str
    lun: str
    backed_by: str


def _text(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_USED = _text(r"(LUN|Backed By):\s*(/vol/.*\S)")
_HOLDER = _text(r"([^\s:]+):")


def parse_usage(text: str) -> tuple[SnapUsage, ...]:
    """The LUNs that rest on a snapshot, out of `lun snap usage`, in the order in which the filer lists them."""
    return tuple(whole_text(text, _usage))


def _usage(text: str) -> list[SnapUsage]:
    found: list[SnapUsage] = []
    holder: str | None = None
    lun = ""
    for line in (raw.strip() for raw in spoken_lines(text)):
        used, head = _USED.fullmatch(line), _HOLDER.fullmatch(line)
        kind = used[1].lower() if used is not None else ""
        if used is not None and holder is not None and (kind == "lun") == (not lun):
            if kind == "lun":
                lun = used[2]
            else:
                found.append(SnapUsage(holder, lun, used[2]))
                lun = ""
        elif head is not None and used is None and not lun:
            holder = "" if head[1].lower() == "active" else head[1]
        else:
            raise not_understood("lun snap usage", line)
    if lun:
        raise not_understood("lun snap usage", lun)
    return found


# Not attested for 7-Mode. SnapDrive: `N% Complete`, `No split is currently in progress for the given resource.`
_SPLITTING = _text(r"(?:lun clone split(?: status)?:\s*)?(/vol/[^\s:]+)[\s:][^/]*?\b(?:\d{1,3} ?%|\d+ of \d+).*")
_NO_SPLIT = _text(
    r"(?:lun clone split(?: status)?:\s*)?(?:/vol/\S+\s+)?"
    r"(?:no (?:\S+ ){0,4}split\S*(?: \S+){0,4} in progress.*|.*\bis not (?:being split|in progress).*)"
)


def parse_splits(text: str) -> frozenset[str]:
    """The paths of the clones with a split at work, out of `lun clone split status`."""
    return frozenset(whole_text(text, _splits))


def _splits(text: str) -> list[str]:
    found = []
    for line in (" ".join(raw.split()) for raw in spoken_lines(text)):
        row = _SPLITTING.fullmatch(line)
        if row is not None:
            found.append(row[1])
        elif _NO_SPLIT.fullmatch(line) is None:
            raise not_understood("lun clone split status", line)
    return found


_OPTION = re.compile(r"([a-z][a-z0-9_.]*)(?:=([^\s,=]*))?", re.IGNORECASE)


def parse_options(text: str) -> Mapping[str, str]:
    """A volume's options out of `vol options VOLUME`; a bare word such as `root` is worth ""."""
    joined = "".join(spoken_lines(text))  # each line ends in a comma, or where a terminal broke it
    found = {}
    for part in joined.split(","):
        option = _OPTION.fullmatch(part.strip())
        if option is None:  # an end in a comma: the rest of the answer is lost
            raise not_understood("vol options", part.strip() or joined)
        found[option[1].lower()] = (option[2] or "").lower()
    if not any(found.values()):
        raise not_understood("vol options", joined)
    return found
