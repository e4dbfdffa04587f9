"""Waiting for what others do: for the event itself, so that a slow machine turns no test red."""

from __future__ import annotations

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
