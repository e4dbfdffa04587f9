"""A filer's answer to `version`: which line it is, and whether it is that of Data ONTAP 7-Mode."""

from __future__ import annotations

import re
from dataclasses import dataclass

from snapall.errors import Refused
from snapall.site.answertext import plain_lines
from snapall.site.excerpt import one_line

# IBM sells the same filers as N series, whose line begins with the system's name.
_RELEASE = re.compile(r"(?:NetApp|Data ONTAP) Release +(\d{1,3})\.(\d{1,3})([^:]*)", re.IGNORECASE)
_BUILD_MARK = re.compile(r"(?:\s*<\w{1,4}>)+$")


@dataclass(frozen=True, slots=True)
class Version:
    """The answer to `version`: its own line put together, and the lines of a banner in front of it."""

    line: str
    banner: tuple[str, ...]


def version_of(answer: str) -> Version | None:
    """Find the line, which a terminal may have wrapped and a build may have marked (`<1>`); None: it is not there."""
    lines = [line.strip() for line in plain_lines(answer) if line.strip()]
    starts = [at for at, line in enumerate(lines) if _RELEASE.match(line)]
    if not starts:
        return None
    first = starts[-1]
    return Version(_BUILD_MARK.sub("", " ".join(lines[first:])), tuple(lines[:first]))


def release_of(version: str) -> tuple[int, int] | None:
    """The first two numbers of the release; None: this is not a version line."""
    found = _RELEASE.match(version)
    return None if found is None else (int(found[1]), int(found[2]))


def require_7mode(version: str, filer: str) -> None:
    """Raises Refused unless the `version` line is that of 7-Mode: 7.x and before, or 8.x with the word."""
    found = _RELEASE.match(version)
    line = one_line(version)
    if found is None:
        raise Refused(
            f"{filer} answers `version` with something other than Data ONTAP's version: {line!r}",
            hint="check the filer's `host` and `port`: another machine may answer there",
            code="SA-4006",
        )
    modes = found[3].lower().split()
    major = int(found[1])
    if "cluster-mode" in modes or major > 8 or (major == 8 and "7-mode" not in modes):
        raise Refused(
            f"{filer} does not run Data ONTAP in 7-Mode: {line!r}",
            hint="name a filer that runs in 7-Mode: snapall does not know the commands of Cluster-Mode",
            code="SA-4007",
        )
