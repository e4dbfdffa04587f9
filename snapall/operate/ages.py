"""The age of a filer snapshot: from its run if that is known, else from its date text, which has no year. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(r"([A-Z][a-z]{2}) (\d{1,2}) (\d\d):(\d\d)")
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Age:
    """When a snapshot was taken (UTC), and its age in seconds.

    `sure`: known from a run of snapall. Otherwise from the filer's date text, local time of an unknown zone.
    """

    taken: datetime
    seconds: float
    sure: bool


def age_of(run: str, date: str, now: datetime, zone: tzinfo | None) -> Age | None:
    """Return the age of a snapshot; `run` is the stamp of the run that made it, or "". None: neither is readable.

    The date text is read in this `zone` (None: this machine's), for the latest year that is not in the future.
    """
    try:
        began = datetime.strptime(run, _STAMP).replace(tzinfo=UTC)
        return Age(began, max(0.0, (now - began).total_seconds()), sure=True)
    except ValueError:
        made = _latest(date, now.astimezone(zone))
    if made is None:
        return None
    return Age(made.astimezone(UTC), max(0.0, (now - made).total_seconds()), sure=False)


def _latest(date: str, now: datetime) -> datetime | None:
    """The latest matching time; a filer in another zone may be a day ahead."""
    found = _DATE.fullmatch(date)
    if found is None or found[1] not in _MONTHS:
        return None
    month, day, hour, minute = _MONTHS.index(found[1]) + 1, int(found[2]), int(found[3]), int(found[4])
    for year in range(now.year + 1, now.year - 9, -1):  # 29 Feb: the last leap year may be eight years ago
        try:
            made = datetime(year, month, day, hour, minute, tzinfo=now.tzinfo)
        except ValueError:
            continue
        if made <= now + timedelta(days=1):
            return made
    return None
