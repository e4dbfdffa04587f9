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
    """The computer's own."""

    _TICK = 0.1

    def utc(self) -> datetime:
        """The moment, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def wait(self, seconds: float, until: Callable[[], bool]) -> None:
        """Sleep in short steps, so that a signal's flag is seen."""
        end = time.monotonic() + seconds
        while not until() and (left := end - time.monotonic()) > 0:
            time.sleep(min(self._TICK, left))
