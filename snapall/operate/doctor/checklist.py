"""The checklist of `doctor`: what each check found. A check whose prerequisite failed is not tried."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from snapall.errors import SnapallError, reason_of


class Mark(StrEnum):
    """The verdict of a check."""

    OK = "ok"
    WARNING = "warn"
    FAILURE = "FAIL"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """What a check found. With a remedy it is a warning: a backup may succeed, yet something needs attention.

    `failed`: a run would fail, as after an error, and the check has more than one thing to say.
    """

    text: str
    remedy: str = ""
    code: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A finished check; `of` names the filer, volume or job it belongs to, "" where there is only one."""

    check: str
    of: str
    mark: Mark
    text: str
    remedy: str = ""
    code: str = ""  # of the message

    @property
    def name(self) -> str:
        """The check and its object: `login of filer1`."""
        return f"{self.check} of {self.of}" if self.of else self.check


Check = Callable[[], CheckOutcome | Iterable[CheckOutcome]]
"""Performs a check. SnapallError: it failed, and the error carries the remedy."""


@dataclass
class Checklist:
    """The checks made so far."""

    results: list[CheckResult] = field(default_factory=list)

    def check(self, name: str, of: str, perform: Check, *needs: str) -> bool:
        """Perform a check unless one that it `needs`, by name, failed or was not tried; return whether it passed."""
        broken = next((one for one in self.results if one.name in needs and one.mark in _BROKEN), None)
        if broken is not None:
            self.results.append(CheckResult(name, of, Mark.NOT_TRIED, f"because {broken.name} failed"))
            return False
        try:
            outcome = perform()
            found = [outcome] if isinstance(outcome, CheckOutcome) else list(outcome)
        except SnapallError as error:
            self.results.append(CheckResult(name, of, Mark.FAILURE, *error.parts))
            return False
        except OSError as error:  # on this machine: a file that has just gone, a folder that cannot be entered
            remedy = "check the permissions of the file and its folder"
            text = f"{error.filename}: {reason_of(error)}" if error.filename else reason_of(error)
            self.results.append(CheckResult(name, of, Mark.FAILURE, text, remedy))
            return False
        for one in found:
            mark = Mark.FAILURE if one.failed else Mark.WARNING if one.remedy else Mark.OK
            self.results.append(CheckResult(name, of, mark, one.text, one.remedy, one.code))
        return not any(one.failed for one in found)


_BROKEN = (Mark.FAILURE, Mark.NOT_TRIED)
