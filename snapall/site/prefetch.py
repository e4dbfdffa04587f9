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
        self._opening = 0
        self._changed = threading.Condition()

    def open(self) -> None:
        """Open one more. That it fails is nobody's matter yet: the command will find out by itself, and tell."""
        with self._changed:
            self._opening += 1
        way = None
        try:
            with suppress(SiteError):
                way = self._open_one()
        finally:
            self._opened(way)

    def _opened(self, way: W | None) -> None:
        with self._changed:
            self._opening -= 1
            if way is not None:
                timer = threading.Timer(self._seconds, way.close)
                timer.daemon = True
                self._ways.append((way, timer))
                timer.start()
            self._changed.notify_all()

    def take(self, patience: float) -> W | None:
        """The oldest that is still usable, if any; from now on it is the caller's to close.

        One that is being opened is waited for, `patience` seconds at most: it is further on than one begun now, and the
        filer may have few sessions.
        """
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._ways or not self._opening, patience)
                if not self._ways:
                    return None
                way, timer = self._ways.pop(0)
                timer.cancel()
                if way.usable:
                    return way
                way.close()
