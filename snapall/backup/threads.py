"""The threads on which commands and looks wait for their answers. They never keep the process alive."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol


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
