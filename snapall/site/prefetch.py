"""Connections that are opened ahead of the command that they are for, and closed when none comes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from snapall.errors import SiteError


class Connection(Protocol):
    """An open connection."""

    @property
    def usable(self) -> bool:
        """Whether the other side is still there, as far as is known."""

    def close(self) -> None:
        """Let go of it; twice does no harm."""


C = TypeVar("C", bound=Connection)


class Prefetch(Generic[C]):
    """Opens ways, keeps each for so many seconds at most, and hands them out in their order. Safe for threads."""

    def __init__(self, open_one: Callable[[], C], seconds: float) -> None:
        self._open_one = open_one
        self._seconds = seconds
        self._connections: list[tuple[C, threading.Timer]] = []
        self._opening = 0
        self._changed = threading.Condition()

    def open(self) -> None:
        """Open one more. That it fails is nobody's matter yet: the command will find out by itself, and tell."""
        with self._changed:
            self._opening += 1
        connection = None
        try:
            with suppress(SiteError):
                connection = self._open_one()
        finally:
            self._opened(connection)

    def _opened(self, connection: C | None) -> None:
        with self._changed:
            self._opening -= 1
            if connection is not None:
                timer = threading.Timer(self._seconds, connection.close)
                timer.daemon = True
                self._connections.append((connection, timer))
                timer.start()
            self._changed.notify_all()

    def take(self, patience: float) -> C | None:
        """The oldest that is still usable, if any; from now on it is the caller's to close.

        One that is being opened is waited for, `patience` seconds at most: it is further on than one begun now, and the
        filer may have few sessions.
        """
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._connections or not self._opening, patience)
                if not self._connections:
                    return None
                connection, timer = self._connections.pop(0)
                timer.cancel()
                if connection.usable:
                    return connection
                connection.close()
