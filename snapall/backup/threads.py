"""The threads on which commands and looks wait for their answers: they never keep the process alive."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol


class Threads(Protocol):
    """What the engine needs of threads, as an argument: a simulated site orders them by its own clock."""

    def start(self, work: Callable[[], None]) -> None:
        """Let the work be done beside what goes on; it never keeps the process alive."""

    def wait(self, ended: threading.Event, give_up: Callable[[], bool]) -> bool:
        """Wait until the event is set, or until `give_up` says so; answers whether it is set."""


class SystemThreads:
    """The system's own, as daemons."""

    _TICK = 0.05  # seconds between two looks at a signal's flag or a deadline; an answer is seen at once

    def start(self, work: Callable[[], None]) -> None:
        """Begin a thread."""
        threading.Thread(target=work, daemon=True).start()

    def wait(self, ended: threading.Event, give_up: Callable[[], bool]) -> bool:
        """Wait in short steps."""
        while not ended.wait(self._TICK):
            if give_up():
                return ended.is_set()
        return True


SYSTEM = SystemThreads()
