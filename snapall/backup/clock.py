"""Time and threads as arguments: tests pass their own."""

from __future__ import annotations

import threading
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


class Threads(Protocol):
    """What the engine needs of threads. A simulated site runs them by its own clock."""

    def start(self, work: Callable[[], None]) -> None:
        """Do the work in the background; it never keeps the process alive."""

    def wait(self, ended: threading.Event, give_up: Callable[[], bool]) -> bool:
        """Wait until the event is set or `give_up` is true; whether it is set."""


class SystemThreads:
    """The system's daemon threads."""

    _TICK = 0.05  # seconds between two checks of a signal's flag or a deadline; an answer is noticed at once

    def start(self, work: Callable[[], None]) -> None:
        """Start a daemon thread."""
        threading.Thread(target=work, daemon=True).start()

    def wait(self, ended: threading.Event, give_up: Callable[[], bool]) -> bool:
        """Wait in short steps."""
        while not ended.wait(self._TICK):
            if give_up():
                return ended.is_set()
        return True


SYSTEM = SystemThreads()
