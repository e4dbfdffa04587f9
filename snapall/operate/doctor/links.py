"""What a look at one link found, and the walk along the chain: what hangs on a broken link is not tried."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from snapall.errors import SnapallError


class Mark(StrEnum):
    """How a link is."""

    OK = "ok"
    WARNING = "warn"
    FAILURE = "FAIL"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look saw; with a remedy it is a warning: a backup may succeed, and yet a hand is needed."""

    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """One link, named as a person would: `of` says which filer, volume or job, "" there is only one."""

    link: str
    of: str
    mark: Mark
    text: str
    remedy: str = ""

    @property
    def name(self) -> str:
        """The link and whose it is: `login of filer1`."""
        return f"{self.link} of {self.of}" if self.of else self.link


Look = Callable[[], Seen | Iterable[Seen]]
"""Looks at a link. SnapallError: it is broken, and how it is mended."""


@dataclass
class Walk:
    """The links looked at so far."""

    results: list[Result] = field(default_factory=list)

    def look(self, link: str, of: str, how: Look, *needs: str) -> bool:
        """Look at a link, unless one that it `needs` (by name) is broken or was not tried; answers whether it holds."""
        broken = next((one for one in self.results if one.name in needs and one.mark in _BROKEN), None)
        if broken is not None:
            self.results.append(Result(link, of, Mark.NOT_TRIED, f"for want of {broken.name}"))
            return False
        try:
            seen = how()
            found = [seen] if isinstance(seen, Seen) else list(seen)
        except SnapallError as error:
            self.results.append(Result(link, of, Mark.FAILURE, error.message, error.hint))
            return False
        except OSError as error:  # of this machine: a file that has just gone, a folder that cannot be entered
            self.results.append(
                Result(link, of, Mark.FAILURE, str(error), "see the rights of the file, and its folder")
            )
            return False
        for one in found:
            mark = Mark.WARNING if one.remedy else Mark.OK
            self.results.append(Result(link, of, mark, one.text, one.remedy))
        return True


_BROKEN = (Mark.FAILURE, Mark.NOT_TRIED)
