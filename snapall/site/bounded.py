"""A thread for one connection: whoever asks through it waits for so long and no longer, whatever the driver does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")


class Late(Exception):
    """There was no answer in time."""


class DriverFault(Exception):
    """A driver raised something that is not one of its own errors; that is the cause."""


class _Work(Generic[_T]):
    """One piece of work, and what came of it: an answer, or an error."""

    def __init__(self, work: Callable[[], _T]) -> None:
        self._work = work
        self.ended = threading.Event()

    def do(self) -> None:
        try:
            self.answer = self._work()
            self.error: BaseException | None = None
        except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it
            self.error = error
        self.ended.set()


class Bounded:
    """Does what it is asked, in order, in a thread of its own.

    Not every driver can be told to give up, and those that can do not in every state: a server that is frozen or
    unplugged does not answer a request to cancel either. So what hangs is left behind, in a thread that does not keep
    the process alive.
    """

    def __init__(self, seconds: float, expected: tuple[type[Exception], ...]) -> None:
        """`seconds` bound each piece of work; errors that are not among those expected come as DriverFault."""
        self._seconds = seconds
        self._expected = expected
        self._hangs = False
        self._queue: SimpleQueue[_Work[Any] | None] = SimpleQueue()
        threading.Thread(target=self._serve, name="database", daemon=True).start()

    def __call__(self, work: Callable[[], _T]) -> _T:
        """What the work answers. Late: nothing yet."""
        asked = _Work(work)
        self._queue.put(asked)
        if not asked.ended.wait(self._seconds):
            self._hangs = True
            raise Late(f"timed out after {self._seconds:g} s")
        match asked.error:
            case None:
                return asked.answer
            case Exception() as error if not isinstance(error, self._expected):
                raise DriverFault(f"{type(error).__name__}: {error}") from error
            case error:
                raise error

    def end(self, last: Callable[[], object]) -> None:
        """Do this last, whether it fails or not; behind work that hangs, as soon as that ends."""
        asked = _Work(last)
        self._queue.put(asked)
        self._queue.put(None)
        if not self._hangs:
            asked.ended.wait(self._seconds)

    def _serve(self) -> None:
        while (asked := self._queue.get()) is not None:
            asked.do()
            del asked  # while this waits, it keeps no rows and no connection alive
