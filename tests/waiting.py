"""Waiting for what others do: for the event itself, so that a slow machine turns no test red."""

from __future__ import annotations

import inspect
import os
import signal
import time
from collections.abc import Callable

PATIENCE = 300.0
"""Seconds that only a hang takes: the limit of every wait, and the time-out of whatever a test wants to succeed."""


def until(holds: Callable[[], object], what: str) -> None:
    """Wait until it holds."""
    end = time.monotonic() + 2 * PATIENCE  # what snapall waits for is over before
    while not holds():
        assert time.monotonic() < end, f"it never came: {what}"
        time.sleep(0.02)


def signal_ourselves(number: int) -> None:
    """Send this process a signal from another thread; back once the command on the main thread has heeded it."""
    os.kill(os.getpid(), number)
    flag = inspect.getclosurevars(signal.getsignal(number)).nonlocals["flag"]  # type: ignore[arg-type]
    until(flag.is_set, "the signal")
