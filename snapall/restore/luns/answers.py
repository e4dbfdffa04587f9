"""What a filer's answer to a changing LUN command means, and what an administrator does about it. Pure.

Most of these wordings are not attested for 7-Mode (ONTAPI's errors 9003 to 9041 are, by number), so each pattern is
loose. No answer proves anything: it decides what the operator is told, and a look at the filer decides what happened.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from snapall.restore.luns.commands import command_of
from snapall.restore.luns.texts import spoken_lines
from snapall.restore.steps import DestroyLun, HoldApart, LunStep, Offline, Online, RestoreVolume, UnmapLun
from snapall.site.answers import DENIAL

if TYPE_CHECKING:
    from collections.abc import Sequence


class LunMeaning(StrEnum):
    """What an answer says, whatever its wording."""

    DONE = "done"
    NO_RIGHT = "no right"
    NO_LICENCE = "no licence"
    NO_COMMAND = "no such command"
    NO_IGROUP = "no such igroup"
    NO_SNAPSHOT = "no such snapshot"
    NO_VOLUME = "no such volume"
    NO_LUN = "no such LUN"
    PARTNER = "partner does not answer"
    SPLITTING = "split under way"
    NO_SPACE = "no space"
    ID_TAKEN = "LUN id taken"
    NOT_MAPPED = "not mapped"
    EXISTS = "name exists"
    MAPPED = "LUN mapped"
    ALREADY = "already so"
    ONLINE = "LUN online"
    BAD_SERIAL = "bad serial"
    READ_ONLY = "read-only"
    ASKED = "question"
    OTHER = "other"


RIGHTS = "login-ssh,login-rsh,cli-lun*,cli-igroup*,cli-snap*,cli-vol*,cli-version*"
"""What the role of a login for mount and restore needs."""

LUN_REMEDIES: Mapping[LunMeaning, str] = {
    LunMeaning.DONE: "",
    LunMeaning.NO_RIGHT: "give the role of the restore login what it needs: on the filer, `useradmin role modify ROLE "
    f"-a {RIGHTS}`; a login of its own stands in [filers.NAME.restore]",
    LunMeaning.NO_LICENCE: "the filer has no SnapRestore licence (`license` lists them): restore by swapping a clone "
    "in, or mount the backup and copy; neither needs the licence",
    LunMeaning.NO_COMMAND: "check that the filer runs Data ONTAP 7-Mode with a block protocol licensed, and that the "
    "login's role allows the command",
    LunMeaning.NO_IGROUP: "`igroup show` on the filer lists the initiator groups; names are case-sensitive",
    LunMeaning.NO_SNAPSHOT: "someone removed or renamed the snapshot; `snapall list` shows those that are there",
    LunMeaning.NO_VOLUME: "check `volumes` of the job against `vol status` on the filer",
    LunMeaning.NO_LUN: "`lun show` on the filer lists the LUNs; this one was moved or destroyed",
    LunMeaning.PARTNER: "the filer cannot check LUN ids with its HA partner: see `cf status`, wait until both are "
    "well, and try again; do not use `lun map -f`",
    LunMeaning.SPLITTING: "a clone is being split or a restore runs on the volume: `lun clone split status` on the "
    "filer shows the progress; try again when it has ended",
    LunMeaning.NO_SPACE: "free some space on the volume: see `df` and `snap list`",
    LunMeaning.ID_TAKEN: "another LUN has this LUN id in the initiator group: `lun show -m` on the filer shows which",
    LunMeaning.NOT_MAPPED: "`lun show -m` on the filer shows where the LUN is mapped",
    LunMeaning.EXISTS: "a LUN or file of this name already exists: `lun show -v` on the filer shows what it is",
    LunMeaning.MAPPED: "the LUN is mapped and online, so a host may use it: unmap it first, and do not use `-f`",
    LunMeaning.ALREADY: "`lun show -v` and `lun show -m` on the filer show the LUN's state",
    LunMeaning.ONLINE: "the LUN must be offline for this: make sure that no host uses it, then run `lun offline`",
    LunMeaning.BAD_SERIAL: "the filer rejects this serial: another LUN has it, or its characters are those of a later "
    "release; `lun show -v` on the filer lists the serials",
    LunMeaning.READ_ONLY: "the volume is the destination of a mirror, or the LUN is read-only; use the source volume",
    LunMeaning.ASKED: "the filer asked a question that nobody answers; run the command by hand and read the question",
    LunMeaning.OTHER: "snapall does not know this answer; `lun show -v`, `lun show -m` and `snap list` show what "
    "happened",
}
"""What an administrator does about it."""


def _text(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


# In this order. No pattern begins with a wildcard, so that a long answer costs little.
_ABSENT = r"(?:not exist|n't exist|not found)"
_TABLE: Sequence[tuple[re.Pattern[str], LunMeaning]] = (
    (_text(DENIAL), LunMeaning.NO_RIGHT),
    (
        _text(
            r"\b(?:not|un)[ -]?licen[sc]ed\b|\bno licen[sc]e\b|"
            r"\blicen[sc]e\b.{0,60}\b(?:not|required|missing|needed)\b"
        ),
        LunMeaning.NO_LICENCE,
    ),
    (_text(r"not found\. +type '\?'|^\s*usage:"), LunMeaning.NO_COMMAND),
    (_text(r"\bpartner\b|\bother (?:head|node)\b|\bcluster interconnect\b"), LunMeaning.PARTNER),
    (
        _text(rf"no such (?:initiator group|igroup)|\b(?:initiator group|igroup)\b.{{0,80}}\b{_ABSENT}"),
        LunMeaning.NO_IGROUP,
    ),
    (_text(rf"no such snapshot|\bsnapshot\b.{{0,250}}\b{_ABSENT}"), LunMeaning.NO_SNAPSHOT),
    (_text(r"\bnot mapped\b|no such (?:lun )?map\b|\bmap does(?: not|n't) exist"), LunMeaning.NOT_MAPPED),
    (_text(rf"no volume named|no such volume|\bvolume\b.{{0,120}}\b{_ABSENT}"), LunMeaning.NO_VOLUME),
    (_text(rf"no such (?:lun|file)|\blun\b.{{0,250}}\b{_ABSENT}"), LunMeaning.NO_LUN),
    (
        _text(r"not allowed due to clones|\bsplit(?:s|ting)?\b|\bbeing restored\b|\brestore\b.{0,40}\bin progress\b"),
        LunMeaning.SPLITTING,
    ),
    (_text(r"no space left|not enough (?:free )?space|insufficient space|\bout of space\b"), LunMeaning.NO_SPACE),
    (
        _text(r"\blun ?(?:id|number)\b.{0,80}\b(?:already|in use|conflict|taken)|\balready uses? (?:lun )?id\b"),
        LunMeaning.ID_TAKEN,
    ),
    (_text(r"\binvalid serial\b|\bserial\b.{0,60}\b(?:invalid|in use|already|duplicate)\b"), LunMeaning.BAD_SERIAL),
    (_text(r"\bread-?only\b"), LunMeaning.READ_ONLY),
    (_text(r"\balready (?:mapped|on-?line|off-?line|in (?:this|that) (?:state|group))\b"), LunMeaning.ALREADY),
    (_text(r"\balready (?:exists?|in use)\b|\bfile exists\b|\bname exists\b"), LunMeaning.EXISTS),
    (_text(r"\bnot online\b"), LunMeaning.ALREADY),
    (_text(r"\b(?:is|still) (?:online and )?mapped\b|\bhas maps\b|\bmapped lun\b"), LunMeaning.MAPPED),
    (_text(r"\bnot offline\b|\bmust be (?:taken )?off-?line\b|\b(?:is|still) on-?line\b"), LunMeaning.ONLINE),
    (_text(r"are you sure|please answer yes or no|\bproceed with revert\?"), LunMeaning.ASKED),
)

_REVERTED = _text(r"volume \S+: revert successful\.?")


def judge(step: LunStep, stdout: str, stderr: str) -> LunMeaning:
    """What the answer to a step means, over both streams: the five LUN commands are silent when they work."""
    lines = [line.strip() for line in spoken_lines(f"{stdout}\n{stderr}")]
    if not lines or (isinstance(step, RestoreVolume) and _REVERTED.fullmatch(lines[-1])):
        return LunMeaning.DONE
    return meaning_of(lines, command_of(step).split()[2:])


_WORDS = frozenset({"lun", "snapshot", "volume", "igroup", "file", "map", "-o", "-f", "-t", "-s", "-b", "on", "start"})
_PREFIX = _text(r"(?:lun|snap|vol|igroup)(?: [a-z]+){0,3}:\s+")
_ANY_PATH = re.compile(r"/vol/[^\s,;:'\"]+/[^\s,;:'\"]+")


def meaning_of(lines: Sequence[str], names: Sequence[str] = ()) -> LunMeaning:
    """What the first known wording among these lines says; no name in them, and no command in front, is a wording."""
    said = [_ANY_PATH.sub("LUN", _PREFIX.sub("", line[:1000], count=1)) for line in lines[:100]]
    known = {name for name in names if name not in _WORDS}
    said = [" ".join("NAME" if word.strip("'\"`:,.") in known else word for word in line.split()) for line in said]
    found = (meaning for pattern, meaning in _TABLE if any(pattern.search(line) for line in said))
    return next(found, LunMeaning.OTHER)


def already(step: LunStep, meaning: LunMeaning) -> bool:
    """Whether the answer says that the step was done before: nothing is there to be taken away or switched."""
    match step:
        case UnmapLun():
            return meaning in (LunMeaning.NOT_MAPPED, LunMeaning.NO_LUN)
        case DestroyLun():
            return meaning is LunMeaning.NO_LUN
        case Online():
            return meaning in (LunMeaning.ALREADY, LunMeaning.ONLINE)
        case Offline() | HoldApart():
            return meaning is LunMeaning.ALREADY
        case _:
            return False
