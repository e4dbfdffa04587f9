"""The two SQL queries of the batch: owner of the tables, datastores, snapshot name. Other filters are unknown."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

from snapall.config.batch.facts import SnapshotQuery, VmQuery

_NAME = r"(?:[A-Za-z_][A-Za-z0-9_$#@]*|\[[A-Za-z_][^\]\"']*\])"


def _spaced(pattern: str) -> re.Pattern[str]:
    """Compile a pattern: a blank matches any blanks, and each `OWNER` a schema, in its own group."""
    numbers = itertools.count()
    text = re.sub("OWNER", lambda _: rf"(?:(?P<owner{next(numbers)}>{_NAME}) ?\. ?)?", pattern)
    return re.compile(text.replace(" ?", r"\s*").replace(" ", r"\s+"), re.IGNORECASE)


_VMS = _spaced(
    r" ?SELECT OWNERVPX_VM ?\. ?ID FROM OWNERVPX_VM (?:INNER )?JOIN OWNERVPX_DS_ASSIGNMENT ON "
    r"(?:OWNERVPX_VM ?\. ?ID ?= ?OWNERVPX_DS_ASSIGNMENT ?\. ?ENTITY_ID"
    r"|OWNERVPX_DS_ASSIGNMENT ?\. ?ENTITY_ID ?= ?OWNERVPX_VM ?\. ?ID)"
    r"(?: WHERE (?P<where>.+?))? ?;? ?"
)
_SNAPSHOTS = _spaced(
    r" ?SELECT (?:OWNERVPX_SNAPSHOT ?\. ?)?VM_ID ?, ?(?:OWNERVPX_SNAPSHOT ?\. ?)?ID FROM OWNERVPX_SNAPSHOT"
    r"(?: WHERE (?P<where>.+?))? ?;? ?"
)
_ID = rf"(?:(?:{_NAME}\s*\.\s*)*(?:VPX_VM|[A-Za-z][A-Za-z0-9_]*)\s*\.\s*)?(?:ID|ENTITY_ID|VM_ID)(?:\s+(?:AS\s+)?\w+)?"
_TEMPLATES = re.compile(r"\bIS_TEMPLATE\b", re.IGNORECASE)
_NOCOUNT = re.compile(r"\s*SET\s+NOCOUNT\s+ON\s*;?\s+", re.IGNORECASE)
_DS_ID = r"(?:OWNERVPX_DS_ASSIGNMENT ?\. ?)?DS_ID"
_EQUALS = _spaced(rf" ?{_DS_ID} ?= ?(?P<id>[0-9]{{1,9}}) ?")
_IN = _spaced(rf" ?{_DS_ID} IN ?\((?P<ids> ?[0-9]{{1,9}}(?: ?, ?[0-9]{{1,9}})* ?)\) ?")
_NO_TEMPLATES = _spaced(r" ?(?:OWNERVPX_VM ?\. ?)?IS_TEMPLATE ?= ?0 ?")
_NAMED = _spaced(r" ?(?:OWNERVPX_SNAPSHOT ?\. ?)?SNAPSHOT_NAME ?= ?N?'(?P<name>[^'%\"]+)' ?")
_LIMIT = _spaced(
    r" ?(?:OWNERVPX_SNAPSHOT ?\. ?)?VM_ID IN ?\( ?SELECT (?:OWNERVPX_DS_ASSIGNMENT ?\. ?)?ENTITY_ID FROM "
    r"OWNERVPX_DS_ASSIGNMENT WHERE (?P<inner>.+?) ?\) ?"
)


def read(sql: str) -> VmQuery | SnapshotQuery | None:
    """Return which of the batch's two queries it is, in the batch's words or others; None if it is neither."""
    text = _NOCOUNT.sub("", sql, count=1)
    if hit := _VMS.fullmatch(text):
        return replace(_vms(hit), text=text)
    if hit := _SNAPSHOTS.fullmatch(text):
        return replace(_snapshots(hit), text=text)
    columns = selected(text)
    if is_about_snapshots(text) or not columns or re.fullmatch(_ID, columns[0], re.IGNORECASE) is None:
        return None
    return VmQuery(
        owner=_owner_in(text), own=True, text=text, datastores=None, templates=_TEMPLATES.search(text) is None
    )


def is_about_snapshots(sql: str) -> bool:
    """Whether a query reads the table of the VM snapshots."""
    return re.search(r"\bVPX_SNAPSHOT\b", sql, re.IGNORECASE) is not None


def selected(sql: str) -> list[str]:
    """Return the columns that a SELECT answers, as they are written."""
    hit = re.match(
        r"\s*SELECT\s+(?:(?:DISTINCT|ALL)\s+)?(.+?)\s+FROM\s", _NOCOUNT.sub("", sql, count=1), re.IGNORECASE | re.DOTALL
    )
    return [one.strip() for one in _parted(hit[1])] if hit is not None else []


def _parted(columns: str) -> list[str]:
    return [part for part in re.split(r",(?![^(]*\))", columns) if part.strip()]


def _owner_in(sql: str) -> str | None:
    """The schema before the VPX_ tables of any query."""
    found = {one.strip("[]").lower(): one for one in re.findall(rf"({_NAME})\s*\.\s*VPX_", sql, re.IGNORECASE)}
    written = [f"[{one.strip('[]')}]" if "." in one else one.strip("[]") for one in found.values()]
    return None if len(written) > 1 else next(iter(written), "")


def _snapshots(hit: re.Match[str]) -> SnapshotQuery:
    name: str | None = None
    limited: tuple[int, ...] = ()
    rest = ""
    for part in _ands(hit["where"] or ""):
        named, limit = _NAMED.fullmatch(part), _LIMIT.fullmatch(part)
        ids = _datastores(limit["inner"]) if limit is not None else None
        if named is not None and name is None:
            name = named["name"]
        elif ids is not None and not limited:
            limited = ids
        else:
            rest = rest or part.strip()
    if name is None and not rest:
        rest = "no SNAPSHOT_NAME"
    return SnapshotQuery(owner=_owner(hit), filter=rest, name=name, limited_to=limited)


def _owner(hit: re.Match[str]) -> str | None:
    """The schema; "" where none is named, None where two are. With a dot in it, it keeps its brackets."""
    written = [(text or "").strip("[]") for key, text in hit.groupdict().items() if key.startswith("owner")]
    found = {text.lower(): f"[{text}]" if "." in text else text for text in written}
    named = {key: text for key, text in found.items() if key}
    if len(named) > 1:
        return None
    return next(iter(named.values()), "")


def _vms(hit: re.Match[str]) -> VmQuery:
    ids: tuple[int, ...] | None = None
    templates, rest = True, ""
    for part in _ands(hit["where"] or ""):
        found = _datastores(part)
        if _NO_TEMPLATES.fullmatch(part):
            templates = False
        elif found is not None and ids is None:
            ids = found
        else:
            rest = rest or part.strip()
    own = ids is None or bool(rest)
    return VmQuery(owner=_owner(hit), own=own, datastores=None if own else ids, templates=templates)


def _ands(where: str) -> list[str]:
    """Split a WHERE at each AND; one with an OR beside an AND stays whole."""
    parts = _split(where, "AND")
    mixed = len(parts) > 1 and any(len(_split(part, "OR")) > 1 for part in parts)
    return [where] if mixed else [part for part in parts if part.strip()]


def _split(where: str, operator: str) -> list[str]:
    """Split a condition at an operator, outside parentheses and quotes."""
    parts, depth, quote, start = list[str](), 0, False, 0
    for hit in re.finditer(rf"'|\(|\)|\b{operator}\b", where, re.IGNORECASE):
        if hit[0] == "'":
            quote = not quote
        elif not quote and hit[0] in "()":
            depth += 1 if hit[0] == "(" else -1
        elif not quote and depth == 0:
            parts.append(where[start : hit.start()])
            start = hit.end()
    return [*parts, where[start:]]


def _datastores(part: str) -> tuple[int, ...] | None:
    """Return the ids of `ds_id = 688`, `ds_id in (688, 689)` or `ds_id = 688 or ds_id = 689`, each once."""
    text = part.strip()
    if text.startswith("(") and text.endswith(")") and "(" not in text[1:-1]:
        text = text[1:-1]
    if listed := _IN.fullmatch(text):
        return tuple(dict.fromkeys(map(int, listed["ids"].split(","))))
    hits = [_EQUALS.fullmatch(one) for one in re.split(r"\bOR\b", text, flags=re.IGNORECASE)]
    found = [int(hit["id"]) for hit in hits if hit is not None]
    return tuple(dict.fromkeys(found)) if len(found) == len(hits) else None
