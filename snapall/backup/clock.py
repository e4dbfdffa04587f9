"""Time as an argument: the engine asks a clock, so that a test can hand it another."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the engine needs of time."""

    def utc(self) -> datetime:
        """The moment, aware, UTC."""

    def monotonic(self) -> float:
        """Seconds that never jump; only differences mean anything."""

    def wait(self, seconds: float, until: Callable[[], bool]) -> None:
        """Let so many seconds pass; less when `until` comes true, which is asked a few times a second."""


class SystemClock:
    """The computer's own. Whoever sets it meanwhile does not change what this program takes for the time.

    Else a create without an answer would be given up at once when the clock is set forward, though it may still act.
    """

    _TICK = 0.1

    def __init__(self, now: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        """`now`: seconds since 1970, asked once. `steady`: seconds that never jump."""
        self._steady = steady
        self._zero = now() - steady()

    def utc(self) -> datetime:
        """The moment, aware, UTC."""
        return datetime.fromtimestamp(self._zero + self._steady(), UTC)

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return self._steady()

    def wait(self, seconds: float, until: Callable[[], bool]) -> None:
        """Sleep in short steps, so that a signal's flag is seen."""
        end = self._steady() + seconds
        while not until() and (left := end - self._steady()) > 0:
            time.sleep(min(self._TICK, left))
