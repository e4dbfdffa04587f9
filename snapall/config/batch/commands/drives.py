"""Drives that only the batch maps: a log on one of them is named by the place that the drive stands for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from snapall.config.batch.desk import Desk
from snapall.config.batch.facts import Located
from snapall.config.cmd import ProgramCall

_PLACE = re.compile(r"\\\\[^\\]+\\[^\\]+.*|[A-Za-z]:\\.*")


def by_whole_names(logs: Sequence[Located], calls: Sequence[ProgramCall], desk: Desk) -> Iterator[Located]:
    """Return the logs by their whole names. A drive that is mapped with a login, or twice, is a fault."""
    places = _places(calls)
    for one in logs:
        drive, rest = one.text[:2].lower(), one.text[2:]
        if drive not in places:
            yield one
        elif places[drive] and rest.startswith("\\"):
            value = desk.take(one.line, places[drive].rstrip("\\") + rest, "the log file", ("log",))
            yield Located(value.text, one.line)
        else:
            text = f"the log is on the drive {drive}, which only this batch maps"
            desk.findings.fault_once(one.line, text, "set log in the overlay file, by its whole name", ("log",))
            yield one


def mapped(calls: Sequence[ProgramCall]) -> frozenset[str]:
    """The drives that the batch maps itself, as `z:`."""
    return frozenset(_places(calls))


def _places(calls: Sequence[ProgramCall]) -> dict[str, str]:
    """What each drive stands for; "" if that cannot be said."""
    found: dict[str, str] = {}
    for call in calls:
        words = [word for word in call.words if not word.lower().startswith("/persistent")]
        drive = next((word.lower() for word in words if re.fullmatch("[A-Za-z]:", word)), "")
        if call.name not in ("net", "subst") or not drive or words[-1].lower() in ("/d", "/delete"):
            continue
        head = words[: words.index(next(word for word in words if word.lower() == drive))]
        after = words[len(head) + 1 :]
        plain = len(after) == 1 and _PLACE.fullmatch(after[0]) is not None
        place = after[0] if plain else ""
        found[drive] = place if found.get(drive, place) == place else ""
    return found
