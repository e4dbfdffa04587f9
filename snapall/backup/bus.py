"""Delivers records to listeners, which decide nothing and never delay a run."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from snapall.backup.record import Record

Listener = Callable[[Record], None]


@runtime_checkable
class Finishing(Protocol):
    """A listener that has something to do after the last record."""

    def finish(self) -> None:
        """Do it."""


COURTESY = 0.005
"""Seconds that a listener leaves to the run after a record: its next command goes out before anybody is told."""


_Inbox = queue.SimpleQueue[Record | threading.Event | None]


class EventBus:
    """Delivers to every listener on its own thread: one that raises is dismissed, one that hangs delays nobody.

    A terminal may close and a pipe may block while VMs are quiesced; the release must not notice.
    """

    def __init__(self, *listeners: Listener) -> None:
        self._workers: list[tuple[_Inbox, threading.Thread]] = []
        self.dismissed: list[BaseException] = []
        for listener in listeners:
            inbox: _Inbox = queue.SimpleQueue()
            thread = threading.Thread(target=self._deliver, args=(listener, inbox), daemon=True)
            self._workers.append((inbox, thread))
            thread.start()

    def __call__(self, record: Record) -> None:
        """Hand over a record; never block, never raise."""
        for inbox, _ in self._workers:
            inbox.put(record)

    def flush(self, patience: float = 1) -> None:
        """Let the listeners catch up, so that what is printed next comes after it; wait at most so many seconds."""
        marks = [threading.Event() for _ in self._workers]
        for mark, (inbox, _) in zip(marks, self._workers, strict=True):
            inbox.put(mark)
        end = time.monotonic() + patience
        for mark in marks:
            mark.wait(max(0.0, end - time.monotonic()))

    def close(self, patience: float = 10) -> None:
        """Let the listeners finish; wait at most so many seconds for each."""
        for inbox, _ in self._workers:
            inbox.put(None)
        for _, thread in self._workers:
            thread.join(patience)

    def _deliver(self, listener: Listener, inbox: _Inbox) -> None:
        while True:
            idle = inbox.empty()
            record = inbox.get()
            if isinstance(record, threading.Event):
                record.set()
                continue
            if idle and record is not None:
                time.sleep(COURTESY)
            try:
                if record is not None:
                    listener(record)
                else:
                    _finish(listener)
            except BaseException as error:  # noqa: BLE001 - rich answers a closed pipe with SystemExit
                self.dismissed.append(error)
                listener = _nobody
            if record is None:
                return


def _finish(listener: object) -> None:
    if isinstance(listener, Finishing):
        listener.finish()


def _nobody(_: Record) -> None:
    """What takes the place of a listener that was dismissed."""
