"""Connections that are opened ahead of the command that they are for, and closed when none comes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from snapall.errors import SiteError


class Way(Protocol):
    """An open connection."""

    @property
    def usable(self) -> bool:
        """Whether the other side is still there, as far as is known."""

    def close(self) -> None:
        """Let go of it; twice does no harm."""


W = TypeVar("W", bound=Way)


class Ahead(Generic[W]):
    """Opens ways, keeps each for so many seconds at most, and hands them out in their order. Safe for threads."""

    def __init__(self, open_one: Callable[[], W], seconds: float) -> None:
        self._open_one = open_one
        self._seconds = seconds
        self._ways: list[tuple[W, threading.Timer]] = []
        self._lock = threading.Lock()

    def open(self) -> None:
        """Open one more. That it fails is nobody's matter yet: the command will find out by itself, and tell."""
        with suppress(SiteError):
            way = self._open_one()
            timer = threading.Timer(self._seconds, way.close)
            timer.daemon = True
            with self._lock:
                self._ways.append((way, timer))
            timer.start()

    def take(self) -> W | None:
        """The oldest that is still usable, if any; from now on it is the caller's to close."""
        while True:
            with self._lock:
                if not self._ways:
                    return None
                way, timer = self._ways.pop(0)
            timer.cancel()
            if way.usable:
                return way
            way.close()
