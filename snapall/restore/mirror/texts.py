"""What a filer prints of SnapMirror and SnapVault: every wording that snapall knows, in this one place. Pure.

Sources: `status -l` and the table of a 7.3 and an 8.1 simulator; states and statuses of ONTAPI's description.
The wording of a missing licence and of an unknown relation is not attested.
"""

from __future__ import annotations

import re
from enum import StrEnum

from snapall.backup.model import PLACE
from snapall.restore.mirror.relations import RelationView, path_at

_FIELD = re.compile(r"([A-Z][A-Za-z/]*(?: [A-Z/][A-Za-z/]*){0,4}):(?:\s+(.*))?")
_KEYS = {
    "source": "source",
    "destination": "destination",
    "status": "status",
    "progress": "progress",
    "state": "state",
    "lag": "lag",
    "base snapshot": "base",
    "current transfer error": "error",
    "last transfer from": "last_from",
}
_OTHER = re.compile(
    r"(?:mirror|snapvault) timestamp|current transfer type|contents|last transfer \w+|.* path|.*priority"
)
_STATES = "Uninitialized|Snapmirrored|Snapvaulted|Broken-off|Quiesced|Source|Unknown|Restoring"
_STATUSES = (
    "Idle|Transferring|Pending|Aborting|Migrating|Quiescing|Resyncing|Waiting|Syncing|In-sync|Paused|Checking|Fixing|"
    "Restoring"
)
_ROW = re.compile(
    rf"(-|{PLACE.pattern})\s+(-|{PLACE.pattern})\s+({_STATES})\s+(-|\d+:\d\d:\d\d)\s+"
    rf"((?:{_STATUSES})(?:\s+with\s+restart\s+checkpoint)?)(?:\s+\(([^()]*)\))?(?!\S)",
    re.IGNORECASE,
)
_LAG = re.compile(r"(\d+):([0-5]\d):([0-5]\d)")


class Ill(StrEnum):
    """What an answer complains of; the remedy follows from it."""

    LICENCE = "licence"
    OFF = "off"
    SOURCE = "source"
    UNKNOWN = "unknown relation"
    DENIED = "denied"
    ABORTED = "aborted"


_ILLS = (
    (re.compile(r"not licensed|license .*(?:required|not)|licence", re.IGNORECASE), Ill.LICENCE),
    (re.compile(r"^(?:snapmirror|snapvault) is (?:off|not (?:on|enabled))", re.IGNORECASE | re.MULTILINE), Ill.OFF),
    (
        re.compile(
            r"cannot connect to source|(?:source|access) .*denied|denied by source|not allowed to access|"
            r"(?:snapmirror|snapvault)\.access",
            re.IGNORECASE,
        ),
        Ill.SOURCE,
    ),
    (re.compile(r"permission denied|insufficient privileges?|missing required capability", re.IGNORECASE), Ill.DENIED),
    (
        re.compile(r"no (?:such )?(?:destination|relation|status)|not a (?:snapmirror|snapvault)", re.IGNORECASE),
        Ill.UNKNOWN,
    ),
    (re.compile(r"transfer aborted|^usage:|error", re.IGNORECASE | re.MULTILINE), Ill.ABORTED),
)


def ill_of(text: str) -> Ill | None:
    """What an answer complains of; None: nothing that is known."""
    return next((ill for pattern, ill in _ILLS if pattern.search(text)), None)


def lag_of(text: str) -> float | None:
    """Seconds out of `HOURS:MM:SS`; None: nothing was ever sent."""
    found = _LAG.fullmatch(text.strip())
    return int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3]) if found is not None else None


def parse_long(text: str) -> tuple[RelationView, ...]:
    """The relations out of `snapmirror status -l` or `snapvault status -l`, in the filer's order.

    A line that is no field continues the value above it. A block without destination, state and status is left out.
    """
    blocks: list[dict[str, str]] = []
    key = ""
    for line in text.split("\n"):
        key = _read(line.strip(), blocks, key)
    return tuple(_view(one) for one in blocks if {"destination", "state", "status"} <= one.keys())


def _read(line: str, blocks: list[dict[str, str]], key: str) -> str:
    """Take one line; give the key that the next line would continue, "" for none."""
    found = _FIELD.fullmatch(line)
    name = found[1].lower() if found is not None else ""
    if found is not None and (name in _KEYS or _OTHER.fullmatch(name)):
        if name == "source":
            blocks.append({})
        key = _KEYS.get(name, "")
        if key and blocks:
            blocks[-1][key] = (found[2] or "").strip()
        return key
    if line and key and blocks:
        blocks[-1][key] = f"{blocks[-1][key]} {line}".strip()
    return key if line else ""


def parse_table(text: str) -> tuple[RelationView, ...]:
    """The relations out of the table of `status`; a row may go on in the next line, and says nothing of the base."""
    heading = re.search(r"^Source\s+Destination\s+State\s+Lag\s+Status\s*$", text, re.MULTILINE | re.IGNORECASE)
    if heading is None:
        return ()
    rows = _ROW.finditer(text, heading.end())
    return tuple(
        _view({"source": row[1], "destination": row[2], "state": row[3], "lag": row[4], "status": row[5]}
              | {"progress": row[6] or "-"})
        for row in rows
    )  # fmt: skip


_SWITCH = re.compile(r"(?:snapmirror|snapvault)(?: \w+)? is (?:on|off)\b.*", re.IGNORECASE)
_TITLE = re.compile(r"(?:Source\s+Destination\s+State\s+Lag\s+Status|Path\s.*Destination|-[-\s]*)\s*", re.IGNORECASE)
_DESTINATION = re.compile(r"(/vol/\S+|[\w.-]+)(?:\s+(\S+))?\s+(\S+:\S+)")


def parse_relations(text: str) -> tuple[RelationView, ...] | None:
    """All relations out of `status -l`; none where it only says that the service is on or off. None: not understood."""
    views = parse_long(text) or parse_table(text)
    lines = _told(text)
    if views or (not lines and _SWITCH.search(text)) or ill_of(text) in {Ill.LICENCE, Ill.OFF}:
        return views
    return None


def parse_destinations(text: str) -> tuple[tuple[str, str, str], ...] | None:
    """The rows of `snapmirror destinations -s`, (path, snapshot or "", destination); None: not understood.

    The form is that of na_snapmirror(1); its columns are not attested beyond their names. Of a cascade the first
    destination counts: the rest hangs on that one.
    """
    if ill_of(text) in {Ill.LICENCE, Ill.OFF}:
        return ()
    rows = [_DESTINATION.fullmatch(line) for line in _told(text)]
    found = tuple((row[1], row[2] or "", row[3].partition("->")[0]) for row in rows if row is not None)
    return found if len(found) == len(rows) else None


def _told(text: str) -> list[str]:
    """The lines that are neither a heading nor the state of the service."""
    lines = (line.strip() for line in text.split("\n"))
    return [line for line in lines if line and not _SWITCH.fullmatch(line) and not _TITLE.fullmatch(line)]


def _view(fields: dict[str, str]) -> RelationView:
    def word(key: str) -> str:
        value = " ".join(fields.get(key, "").split())
        return "" if value == "-" else value

    status, _, progress = word("status").partition(" (")
    return RelationView(
        source=word("source"),
        destination=word("destination"),
        state=word("state"),
        status=status,
        base=word("base"),
        lag=lag_of(word("lag")),
        error=word("error"),
        last_from=word("last_from"),
        progress=word("progress") or progress.rstrip(")"),
    )


def view_of(views: tuple[RelationView, ...], destination: str, source: str = "") -> RelationView | None:
    """The relation of this destination: filers go by several names, so the path decides, and the source if known."""
    same = [one for one in views if path_at(one.destination) == path_at(destination)]
    exact = [one for one in same if one.destination == destination] or same
    known = [one for one in exact if source and path_at(one.source) == path_at(source)]
    return next(iter(known or exact), None)
