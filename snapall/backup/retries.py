"""When a removal that did not work is sent again: with growing pauses, up to a limit that depends on why."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from snapall.backup.steps import Done, Outcome, Unknown

_LONGEST_PAUSE = 60.0  # seconds between two attempts, after 0 (the other VMs are released by then), 1, 2, 4 and so on
_BUSY = 960.0
"""Seconds for a removal that another task stands in the way of: VirtualCenter gives its own tasks up after 900, so by
then only one is left that goes on for hours, a removal or a copy, and it is no use to stay."""
_TRIES = 3  # for any other reason: a run has its rotation to do, and `recover` comes after it


@dataclass(slots=True)
class _Tries:
    """Of one snapshot's removal. Monotonic seconds; `since` is the first answer that it did not work."""

    times: int = 0
    since: float | None = None
    last: float = 0.0
    again: bool = False
    busy: bool = False


class Retries:
    """One command's attempts to remove snapshots, by their ids."""

    def __init__(self, monotonic: Callable[[], float], patience: float) -> None:
        """`patience`: seconds during which a removal is tried again whatever the reason."""
        self._now = monotonic
        self._patience = patience
        self._of: dict[str, _Tries] = {}

    def sending(self, ssid: str) -> None:
        """It is sent; without an answer it is not sent again."""
        tries = self._of.setdefault(ssid, _Tries())
        tries.times += 1
        tries.again = False

    def answered(self, ssid: str, outcome: Outcome) -> None:
        """It was answered. "Already deleted" may mean that it is not completely created: a row may tell otherwise."""
        tries = self._of[ssid]
        tries.last = self._now()
        tries.since = tries.last if tries.since is None else tries.since
        tries.again = outcome.already if isinstance(outcome, Done) else True
        tries.busy = isinstance(outcome, Done) or (isinstance(outcome, Unknown) and outcome.busy)

    def may(self, ssid: str) -> bool:
        """Whether it may be sent now: it never was, or did not work and its pause is over."""
        return ssid not in self._of or self.due_in([ssid]) == 0

    def due_in(self, ssids: Iterable[str]) -> float | None:
        """Seconds until the first of these may be sent again; None: none of them will be."""
        ends = [at for ssid in ssids if (at := self._next(ssid)) is not None]
        return max(0.0, min(ends) - self._now()) if ends else None

    def left(self, ssids: Iterable[str]) -> float:
        """Seconds for which these are still tried again; 0: not any more."""
        ends = [max(at, self._limit(self._of[ssid])) for ssid in ssids if (at := self._next(ssid)) is not None]
        return max([0.0, *(end - self._now() for end in ends)])

    def busy(self, ssids: Iterable[str]) -> bool:
        """Whether another task is what stands in the way of one of them."""
        return any(self._of[ssid].busy for ssid in ssids if self._next(ssid) is not None)

    def _next(self, ssid: str) -> float | None:
        tries = self._of.get(ssid)
        if tries is None or not tries.again:
            return None
        pause = min(2.0 ** (tries.times - 2), _LONGEST_PAUSE) if tries.times > 1 else 0.0
        at = tries.last + pause
        return at if at <= self._limit(tries) or (not tries.busy and tries.times < _TRIES) else None

    def _limit(self, tries: _Tries) -> float:
        since = tries.last if tries.since is None else tries.since
        return since + max(self._patience, _BUSY if tries.busy else 0.0)
