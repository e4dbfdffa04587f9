"""Questions about the filer's volumes that change nothing: state, space, schedule, autodelete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from snapall.backup.model import FILER_NAME
from snapall.errors import Refused, SiteError
from snapall.site.answers import REMEDIES, Meaning, complaint
from snapall.site.answertext import without
from snapall.site.filer import denied, no_volume
from snapall.site.version import release_of
from snapall.site.volumeanswers import Space, VolumeState, parse_autodelete, parse_schedule, parse_space, parse_status

if TYPE_CHECKING:
    from snapall.site.filer import FilerReply, Transport

_AUTODELETE_SINCE = (7, 1)


_Read = TypeVar("_Read")


class Volumes:
    """The volumes of one filer, looked at. All questions raise SiteError when they are not answered in known words."""

    def __init__(self, transport: Transport, name: str) -> None:
        self._transport = transport
        self._name = name

    def all(self) -> tuple[VolumeState, ...]:
        """Every volume, by `vol status`."""
        return self._read(parse_status, "vol status")

    def state(self, volume: str) -> VolumeState:
        """One volume. NoVolume: it is not there."""
        for one in self._read(parse_status, "vol status", volume):
            if one.name == volume:
                return one
        raise no_volume(self._name, volume)

    def require_writable(self, volume: str) -> None:
        """Raises Refused for a volume on which no snapshot can be made: one that is not online, or a mirror's."""
        state = self.state(volume)
        if state.state != "online":
            remedy = f"find out why, then run `vol online {volume}` on the filer"
            raise Refused(f"{self._name}: volume {volume} is {state.state}", remedy, "SA-4201")
        if state.read_only:
            raise Refused(f"{self._name}: volume {volume} is read-only", REMEDIES[Meaning.READ_ONLY], "SA-4012")

    def space(self, volume: str) -> Space:
        """Its space and its snapshot reserve, by `df`."""
        return self._read(lambda text: parse_space(text, volume), "df", volume)

    def scheduled(self, volume: str) -> int:
        """How many snapshots the filer's own schedule keeps of it; 0: there is no schedule."""
        return self._read(parse_schedule, "snap sched", volume)

    def autodeletes(self, volume: str, version: str) -> bool | None:
        """Whether the filer deletes its snapshots by itself; None: a filer of this version does not know how to."""
        release = release_of(version)
        if release is not None and release < _AUTODELETE_SINCE:
            return None
        return self._read(parse_autodelete, "snap autodelete", volume, "show")

    def _read(self, parse: Callable[[str], _Read], verb: str, volume: str = "", *rest: str) -> _Read:
        """What the filer says on stdout to a command that looks. An answer that can be read is no complaint."""
        if volume and FILER_NAME.fullmatch(volume) is None:
            raise Refused(
                f"{volume!r} cannot be part of a filer's command",
                "volume names must match [A-Za-z0-9][A-Za-z0-9_.-]*",
                "SA-4009",
            )
        command = " ".join(word for word in (verb, volume, *rest) if word)
        reply = self._transport.run(command)
        reply = replace(reply, stdout=without(reply.stdout, command), stderr=without(reply.stderr, command))
        try:
            return reply.read(parse)
        except SiteError as error:
            raise self._fault(verb, volume, reply) or error from error

    def _fault(self, verb: str, volume: str, reply: FilerReply) -> SiteError | None:
        """What the filer complains of instead of an answer; None: it is not known."""
        match complaint(reply.stdout, reply.stderr):
            case Meaning.NO_VOLUME:
                return no_volume(self._name, volume)
            case Meaning.DENIED:
                return denied(self._name, verb, reply.shown)
            case Meaning.BAD_COMMAND:
                remedy = REMEDIES[Meaning.BAD_COMMAND]
                return SiteError(f"{self._name} does not know `{verb}`: {reply.shown}", remedy, "SA-4014")
            case _:
                pass
        if reply.stderr.strip() and not reply.stdout.strip():
            remedy = f"check whether the login's role allows `{verb}`"
            return SiteError(f"{self._name} did not answer `{verb}`: {reply.shown}", remedy, "SA-4015")
        return None
