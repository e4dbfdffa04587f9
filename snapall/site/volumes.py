"""Questions about the filer's volumes that change nothing: state, space, schedule, autodelete."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from snapall.backup.model import FILER_NAME
from snapall.errors import Refused, SiteError
from snapall.site.answers import REMEDIES, Meaning
from snapall.site.excerpt import one_line
from snapall.site.filer import no_volume
from snapall.site.volumeanswers import Space, VolumeState, parse_autodelete, parse_schedule, parse_space, parse_status

if TYPE_CHECKING:
    from snapall.site.filer import FilerReply, Transport

_NO_VOLUME = re.compile(r"no volume named|\bvolume\b.*\b(?:does not|doesn't) exist", re.IGNORECASE)
_UNKNOWN = re.compile(r"not found\.\s+type '\?'|^\s*usage:", re.IGNORECASE)
_AUTODELETE_SINCE = (7, 1)
_RELEASE = re.compile(r"NetApp Release (\d{1,3})\.(\d{1,3})", re.IGNORECASE)


class Volumes:
    """The volumes of one filer, looked at. All questions raise SiteError when they are not answered in known words."""

    def __init__(self, transport: Transport, name: str) -> None:
        self._transport = transport
        self._name = name

    def all(self) -> tuple[VolumeState, ...]:
        """Every volume, by `vol status`."""
        return self._asked("vol status").read(parse_status)

    def state(self, volume: str) -> VolumeState:
        """One volume. NoVolume: it is not there."""
        for one in self._asked("vol status", volume).read(parse_status):
            if one.name == volume:
                return one
        raise no_volume(self._name, volume)

    def space(self, volume: str) -> Space:
        """Its space and its snapshot reserve, by `df`."""
        return self._asked("df", volume).read(lambda text: parse_space(text, volume))

    def scheduled(self, volume: str) -> int:
        """How many snapshots the filer's own schedule keeps of it; 0: there is no schedule."""
        return self._asked("snap sched", volume).read(parse_schedule)

    def autodeletes(self, volume: str, version: str) -> bool | None:
        """Whether the filer deletes its snapshots by itself; None: a filer of this version does not know how to."""
        release = _RELEASE.match(version)
        if release is not None and (int(release[1]), int(release[2])) < _AUTODELETE_SINCE:
            return None
        return self._asked("snap autodelete", volume, "show").read(parse_autodelete)

    def _asked(self, verb: str, volume: str = "", *rest: str) -> FilerReply:
        """What the filer says to a command that looks."""
        if volume and FILER_NAME.fullmatch(volume) is None:
            raise Refused(
                f"{volume!r} cannot be part of a filer's command",
                "volume names must match [A-Za-z0-9][A-Za-z0-9_.-]*",
                "SA-4009",
            )
        reply = self._transport.run(" ".join(word for word in (verb, volume, *rest) if word))
        both = one_line(reply.stderr, reply.stdout)
        shown = one_line(reply.mask(reply.stderr), reply.mask(reply.stdout))
        if _NO_VOLUME.search(both) is not None:
            raise no_volume(self._name, volume)
        if _UNKNOWN.search(both) is not None:
            raise SiteError(f"{self._name} does not know `{verb}`: {shown}", REMEDIES[Meaning.BAD_COMMAND], "SA-4014")
        if reply.stderr.strip() and not reply.stdout.strip():
            raise SiteError(
                f"{self._name} did not answer `{verb}`: {shown}",
                f"check whether the login's role allows `{verb}`",
                "SA-4015",
            )
        return reply
