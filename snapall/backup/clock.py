"""Time as an argument: the engine asks a clock, and tests pass another one."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the engine needs of time."""

    def utc(self) -> datetime:
        """The time now, aware, UTC."""

    def monotonic(self) -> float:
        """Seconds that never jump; only differences mean anything."""

    def wait(self, seconds: float, until: Callable[[], bool]) -> None:
        """Wait so many seconds, or until `until` is true, which is checked a few times a second."""


class SystemClock:
    """The computer's clock as it was at the start: setting it later changes nothing for this program.

    Otherwise setting the clock forward would give up a create without an answer at once, although it may still act.
    """

    _TICK = 0.1

    def __init__(self, now: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        """`now`: seconds since 1970, read once. `steady`: seconds that never jump."""
        self._steady = steady
        self._zero = now() - steady()

    def utc(self) -> datetime:
        """The time now, aware, UTC."""
        return datetime.fromtimestamp(self._zero + self._steady(), UTC)

    def monotonic(self) -> float:
        """Seconds since some point in time."""
        return self._steady()

    def wait(self, seconds: float, until: Callable[[], bool]) -> None:
        """Sleep in short steps, to notice a signal's flag."""
        end = self._steady() + seconds
        while not until() and (left := end - self._steady()) > 0:
            time.sleep(min(self._TICK, left))
