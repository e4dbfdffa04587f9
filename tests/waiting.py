"""Waiting for events, so that a slow machine turns no test red."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 300.0
"""Seconds that only a hang takes: the limit of every wait, and the time-out of whatever a test wants to succeed."""


def until(holds: Callable[[], object], what: str) -> None:
    """Wait until it holds."""
    assert holds_within(2 * PATIENCE, holds), f"it never came: {what}"  # what snapall waits for is over before


def holds_within(seconds: float, holds: Callable[[], object]) -> bool:
    """Wait until it holds, up to a limit; return whether it does."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
