"""A few threads that work through a list: they can be given up on, and never keep the process alive."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class Threads(Protocol):
    """What a crew needs of threads, as an argument: a simulated site orders them by its own clock."""

    def start(self, work: Callable[[], None]) -> None:
        """Let the work be done beside what goes on; it never keeps the process alive."""

    def wait(self, ended: threading.Event, give_up: Callable[[], bool]) -> bool:
        """Wait until the event is set, or until `give_up` says so; answers whether it is set."""


class SystemThreads:
    """The system's own, as daemons."""

    _TICK = 0.05  # seconds between two looks at a signal's flag or a deadline; an end is seen at once

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


class Crew(Generic[T]):
    """Works off `items` on `size` daemon threads; each new item is begun only while `may_begin` says so.

    A call that hangs (a vcbsnapshot without an answer) keeps its thread, not the others and not the process. One that
    raises ends the crew, unless it is `stubborn`.
    """

    def __init__(
        self,
        items: Iterable[T],
        work: Callable[[T], object],
        size: int,
        may_begin: Callable[[], bool] = lambda: True,
        stubborn: bool = False,
        threads: Threads = SYSTEM,
    ) -> None:
        self.errors: list[BaseException] = []
        self._items = deque(items)
        self._work = work
        self._may_begin = may_begin
        self._stubborn = stubborn
        self._threads = threads
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._busy = min(max(1, size), len(self._items))
        if self._busy == 0:
            self._ended.set()
        for _ in range(self._busy):
            threads.start(self._toil)

    @property
    def ended(self) -> bool:
        """Whether nothing is under way any more."""
        return self._ended.is_set()

    def wait(self, give_up: Callable[[], bool]) -> bool:
        """Wait until nothing is under way, or until `give_up` says so; answers whether all has ended."""
        return self._threads.wait(self._ended, give_up)

    def _toil(self) -> None:
        try:
            while (item := self._next()) is not None:
                try:
                    self._work(item[0])
                except BaseException as error:  # noqa: BLE001 - handed to whoever waits, who raises the first
                    self.errors.append(error)
        finally:
            with self._lock:
                self._busy -= 1
                if self._busy == 0:
                    self._ended.set()

    def _next(self) -> tuple[T] | None:
        with self._lock:
            if not self._items or (self.errors and not self._stubborn) or not self._may_begin():
                return None
            return (self._items.popleft(),)
